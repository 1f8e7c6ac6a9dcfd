return ConsoleProgram.Run(args, new DaML.Notebooks.NotebookRunner());
