using System.Diagnostics;
using System.Globalization;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using DaML.Benchmarks;

string root = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../.."));
if (args is ["worker"])
{
    Worker.Serve(Console.In, Console.Out);
    return;
}

if (args is ["baseline", ..])
{
    if (args is not (["baseline", _] or ["baseline", _, "--json", _]))
    {
        Console.Error.WriteLine(
            $"bench baseline: takes the folder of another worktree, built, and --json FILE; given: {string.Join(' ', args[1..])}");
        Environment.ExitCode = 2;
        return;
    }
    new BaselineComparison(root, Path.GetFullPath(args[1]), Console.Out).Run(args.ElementAtOrDefault(3));
    return;
}

if (args is ["scaling" or "large-state" or "memory" or "cuda" or "shallow-water" or "start", ..])
{
    string? json = args is [_, "--json", var file, ..] ? file : null;
    if (args.Length != (json is null ? 1 : 3))
    {
        Console.Error.WriteLine($"bench {args[0]}: takes --json FILE and nothing else; given: {string.Join(' ', args[1..])}");
        Environment.ExitCode = 2;
        return;
    }
    if (args[0] == "scaling") LocalScaling.Run(json, Console.Out);
    else if (args[0] == "large-state") LargeState.Run(json, Console.Out);
    else if (args[0] == "cuda") CudaDevices.Run(json, Console.Out);
    else if (args[0] == "start") new StartUp(root, Console.Out).Run(json);
    else if (args[0] == "shallow-water") ShallowWaterSpeed.Run(json, Console.Out);
    else MemoryOverCycles.Run(json, cycles: 1_000_000, Console.Out);
    return;
}

// In this process: a generated project would have to find the native library again.
BenchmarkSwitcher.FromAssembly(typeof(Benchmarks).Assembly).Run(args,
    DefaultConfig.Instance.AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithWarmupCount(2).WithIterationCount(7)));

/// <summary>
/// The side of <c>bench compare</c> that is ours: reads lines <c>WORKLOAD REPETITIONS</c>, answers each with
/// <c>WALL_SECONDS CPU_SECONDS</c> per repetition.
/// </summary>
internal static class Worker
{
    public static void Serve(TextReader questions, TextWriter answers)
    {
        var ready = new Dictionary<string, IWorkload>();
        while (questions.ReadLine() is { } line)
        {
            var words = line.Split(' ');
            int repetitions = int.Parse(words[1], CultureInfo.InvariantCulture);
            if (!ready.TryGetValue(words[0], out var workload)) ready[words[0]] = workload = Workloads.Make(words[0]);
            using var process = Process.GetCurrentProcess();
            var cpu = process.TotalProcessorTime;
            var watch = Stopwatch.StartNew();
            for (int i = 0; i < repetitions; i++) workload.Run();
            double wall = watch.Elapsed.TotalSeconds / repetitions;
            process.Refresh();
            double used = (process.TotalProcessorTime - cpu).TotalSeconds / repetitions;
            answers.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{wall:r} {used:r}"));
            answers.Flush();
        }
        foreach (var workload in ready.Values) workload.Dispose();
    }
}
