return DaML.Samples.ConsoleProgram.Run(args);
