using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace DaML.Benchmarks;

/// <summary>
/// <c>bench start</c>: how long new processes take to their first answer. <c>./daml list</c> stands beside a console program that only
/// makes one tensor; a fitted model is loaded and assimilates its first observations. The programs take turns; medians are told.
/// </summary>
/// <param name="root">The root of this worktree, its samples and <c>bench/Start</c> built.</param>
/// <param name="output">Where the table goes.</param>
internal sealed class StartUp(string root, TextWriter output)
{
    private const int Rounds = 15, Children = -1;

    private readonly string start = Path.Combine(root, "bench/Start/bin/Release/net10.0/daml-start.dll");

    /// <summary>Measures and prints a Markdown table.</summary>
    /// <param name="jsonFile">Where the figures go too; null = nowhere.</param>
    public void Run(string? jsonFile)
    {
        string folder = Directory.CreateTempSubdirectory("daml-start-").FullName, model = Path.Combine(folder, "model.daml");
        try
        {
            Measure("dotnet", start, "fit", model);
            var programs = new Dictionary<string, string[]>
            {
                ["torch"] = ["dotnet", start, "torch"],
                ["list"] = [Path.Combine(root, "daml"), "list"],
                ["first_cycle"] = ["dotnet", start, "cycle", model],
            };
            foreach (string[] command in programs.Values) Measure(command);     // ./daml builds here if it has to
            var times = programs.Keys.ToDictionary(name => name, _ => new List<(double Wall, double Cpu)>());
            for (int round = 0; round < Rounds; round++)
                foreach (string name in round % 2 == 0 ? programs.Keys : programs.Keys.Reverse())
                    times[name].Add(Measure(programs[name]));
            double Seconds(string name) => LocalScaling.Median(times[name].Select(time => time.Wall));
            double Processor(string name) => LocalScaling.Median(times[name].Select(time => time.Cpu));
            var pairs = times["list"].Zip(times["torch"]).ToList();
            var metrics = new Dictionary<string, double>
            {
                ["start.list"] = LocalScaling.Median(pairs.Select(pair => pair.First.Wall / pair.Second.Wall)),
                ["start.list.processor"] = LocalScaling.Median(pairs.Select(pair => pair.First.Cpu / pair.Second.Cpu)),
                ["start.first_cycle"] = Seconds("first_cycle"),
                ["start.first_cycle.processor"] = Processor("first_cycle"),
            };
            output.WriteLine("| new process | wall, s | processor time, s |");
            output.WriteLine("| --- | --- | --- |");
            foreach (var (name, what) in new[] { ("torch", "a console program that makes one tensor"), ("list", "`./daml list`"),
                ("first_cycle", "a fitted model, loaded, to the analysis of its first cycle") })
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {what} | {Seconds(name):f2} | {Processor(name):f2} |"));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"\n`./daml list` took {metrics["start.list"]:f2} times the console program's time, and " +
                    $"{metrics["start.list.processor"]:f2} times its processor time."));
            if (jsonFile is not null)
                AtomicFile.Write(jsonFile,
                    stream => JsonSerializer.Serialize(stream, new { name = "bench-start", settings = new { rounds = Rounds }, metrics },
                        new JsonSerializerOptions { WriteIndented = true }));
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    private static (double Wall, double Cpu) Measure(params string[] command)
    {
        double before = ProcessorTimeOfChildren();
        var watch = Stopwatch.StartNew();
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true })!;
        string answer = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        double wall = watch.Elapsed.TotalSeconds;
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{string.Join(' ', command)} ended with code {process.ExitCode}: {answer}");
        return (wall, ProcessorTimeOfChildren() - before);
    }

    // Of all that have ended, theirs included; a script's programs are its own.
    private static double ProcessorTimeOfChildren()
    {
        var usage = new long[18];
        if (getrusage(Children, usage) != 0) return double.NaN;
        return usage[0] + usage[2] + 1e-6 * (usage[1] + usage[3]);
    }

    // struct rusage of Linux, 64 bits: seconds and microseconds in the program, then in the kernel, then counts.
    [DllImport("libc")]
    private static extern int getrusage(int who, [Out] long[] usage);
}
