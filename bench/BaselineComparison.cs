using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace DaML.Benchmarks;

/// <summary>
/// <c>bench baseline FOLDER</c>: this build beside that of another worktree, for what a change costs. Both programs stay alive
/// and take turns of some milliseconds, ABBA and BAAB, so that what the machine does meanwhile hits both; what is told are
/// medians over these pairs of this build's rate over the other's (above 1: this one is faster).
/// </summary>
/// <param name="own">The root of this worktree, its bench and samples built.</param>
/// <param name="other">The root of the other.</param>
/// <param name="output">Where the table goes.</param>
internal sealed class BaselineComparison(string own, string other, TextWriter output)
{
    private const int Rounds = 25, Starts = 10, Demos = 4;
    private const double TurnSeconds = 0.05, WarmUpSeconds = 3, DemoMinutes = 0.2;
    private const string Program = "bench/bin/Release/net10.0/DaML.Benchmarks.dll", Samples = "Samples/bin/Release/net10.0/daml.dll";

    private readonly Dictionary<string, double> metrics = [];

    /// <summary>Compares and prints a Markdown table.</summary>
    /// <param name="jsonFile">Where the ratios go too; null = nowhere.</param>
    /// <exception cref="FileNotFoundException">A program has not been built.</exception>
    public void Run(string? jsonFile)
    {
        foreach (string program in new[] { Program, Samples })
            if (!File.Exists(Path.Combine(other, program)))
                throw new FileNotFoundException(
                    $"'{other}' has no {program}: build it there first, with 'dotnet build bench -c Release' and 'dotnet build Samples " +
                        $"-c Release'.");
        output.WriteLine("| what | rate, wall | quartiles | rate, processor time |");
        output.WriteLine("| --- | --- | --- | --- |");
        using (WorkerProcess ours = new("dotnet", Path.Combine(own, Program), "worker"),
            theirs = new("dotnet", Path.Combine(other, Program), "worker"))
            foreach (string workload in Workloads.Names.Where(IsCompared))
                Compare(workload, ours, theirs);
        Row("start.list", Pairs(Starts, root => Time(root, "list")));
        Demo();
        if (jsonFile is not null)
            AtomicFile.Write(jsonFile,
                stream => JsonSerializer.Serialize(stream, new { name = "bench-baseline", settings = new { rounds = Rounds }, metrics },
                    new JsonSerializerOptions { WriteIndented = true }));
    }

    private static bool IsCompared(string workload) =>
        !workload.StartsWith("sweep", StringComparison.Ordinal) && !workload.Contains("eager", StringComparison.Ordinal)
        && workload is not ("training.dan" or "training.lstm");     // older builds have no such workload

    private void Compare(string workload, WorkerProcess ours, WorkerProcess theirs)
    {
        // Caches, allocators, and .NET's compiler, which takes thousands of calls of what is short to settle.
        double seconds = 1;
        foreach (var worker in new[] { ours, theirs })
        {
            seconds = worker.Run(workload, 1).Wall;
            for (var watch = Stopwatch.StartNew(); watch.Elapsed.TotalSeconds < WarmUpSeconds;)
                seconds = worker.Run(workload, Repetitions(seconds)).Wall;
        }
        int repetitions = Repetitions(seconds);
        Row(workload, Pairs(Rounds, root => (root == own ? ours : theirs).Run(workload, repetitions)));
    }

    private static int Repetitions(double seconds) => (int)Math.Clamp(TurnSeconds / seconds, 1, 100_000);

    // The demo's training steps in a second, and the most that its process held.
    private void Demo()
    {
        Dictionary<string, List<double>> resident = new() { [own] = [], [other] = [] };
        Row("demo.training", Pairs(Demos, root =>
        {
            string folder = Directory.CreateTempSubdirectory("daml-bench-").FullName, json = Path.Combine(folder, "demo.json");
            try
            {
                resident[root]
                    .Add(Resident(root, "demo", "--minutes", DemoMinutes.ToString(CultureInfo.InvariantCulture), "--out",
                        Path.Combine(folder, "out"), "--json", json));
                using var result = JsonDocument.Parse(File.ReadAllText(json));
                double steps = result.RootElement.GetProperty("settings").GetProperty("training.steps").GetDouble();
                return (result.RootElement.GetProperty("metrics").GetProperty("seconds.training").GetDouble() / steps, double.NaN);
            }
            finally { Directory.Delete(folder, recursive: true); }
        }));
        double memory = LocalScaling.Median(resident[own]) / LocalScaling.Median(resident[other]);
        metrics["demo.resident_ratio"] = memory;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"\nThe demo's process held {LocalScaling.Median(resident[own]):f0} MiB at most, {memory:f2} of the other's " +
                $"{LocalScaling.Median(resident[other]):f0} MiB."));
    }

    // Time of the other over time of this one, pair by pair; processor time is no number where it is not known.
    private List<(double Wall, double Cpu)> Pairs(int count, Func<string, (double Wall, double Cpu)> measure)
    {
        List<(double, double)> ratios = [];
        for (int pair = 0; pair < count; pair++)
        {
            string[] turns = pair % 2 == 0 ? [other, own, own, other] : [own, other, other, own];
            var times = turns.Select(root => (Root: root, Time: measure(root))).ToLookup(turn => turn.Root, turn => turn.Time);
            ratios.Add((times[other].Sum(time => time.Wall) / times[own].Sum(time => time.Wall),
                times[other].Sum(time => time.Cpu) / times[own].Sum(time => time.Cpu)));
        }
        return ratios;
    }

    private void Row(string name, List<(double Wall, double Cpu)> ratios)
    {
        double[] wall = [.. ratios.Select(ratio => ratio.Wall).Order()];
        double rate = LocalScaling.Median(wall), cpu = LocalScaling.Median(ratios.Select(ratio => ratio.Cpu));
        metrics[name + ".rate"] = rate;
        if (!double.IsNaN(cpu)) metrics[name + ".cpu_rate"] = cpu;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {name} | {rate:f2} | {wall[wall.Length / 4]:f2}-{wall[^(1 + wall.Length / 4)]:f2} | " +
                $"{(double.IsNaN(cpu) ? "" : cpu.ToString("f2", CultureInfo.InvariantCulture))} |"));
        output.Flush();
    }

    private static (double Wall, double Cpu) Time(string root, params string[] arguments)
    {
        var watch = Stopwatch.StartNew();
        using var process = Start(root, arguments);
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (watch.Elapsed.TotalSeconds, double.NaN);
    }

    // MiB; the largest so far is asked while the process lives.
    private static double Resident(string root, params string[] arguments)
    {
        using var process = Start(root, arguments);
        var reading = process.StandardOutput.ReadToEndAsync();
        long most = 0;
        while (!process.WaitForExit(200))
        {
            process.Refresh();
            try { most = Math.Max(most, process.PeakWorkingSet64); }
            catch (InvalidOperationException) { break; }   // it ended between the two lines
        }
        process.WaitForExit();
        reading.GetAwaiter().GetResult();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"'{root}': daml {string.Join(' ', arguments)} ended with code {process.ExitCode}.");
        return most / 1048576.0;
    }

    private static Process Start(string root, string[] arguments) =>
        Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(root, Samples), .. arguments]) { RedirectStandardOutput = true })!;
}
