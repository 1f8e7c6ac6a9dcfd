using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Benchmarks;

/// <summary>
/// <c>bench scaling</c>: the LETKF's time over points and threads. Lorenz-96 of many sites, fully observed, 7 members, Gaspari-Cohn with
/// an e-folding radius of four sites (29 observations a site), all settings in turn in each round and medians over rounds.
/// </summary>
internal static class LocalScaling
{
    private const int Rounds = 7;
    private static readonly int[] Points = [25_000, 50_000, 100_000];

    public static void Run(string? jsonFile, TextWriter output)
    {
        var metrics = LargeState.Measure(output);
        int most = Environment.ProcessorCount >= 2 ? 2 : 1;
        var cases = Points.Select(points => new Case(points)).ToArray();
        var analysis = new Dictionary<(int Points, int Threads), List<(double Wall, double Cpu)>>();
        var forecast = new Dictionary<(int Points, int Threads), List<(double Wall, double Cpu)>>();
        for (int round = -2; round < Rounds; round++) // two to warm up
            foreach (var one in cases)
                for (int threads = 1; threads <= most; threads++)
                {
                    set_num_threads(threads);
                    one.Cycle(); // libtorch's own threads start anew after a change of their number
                    var (first, second) = one.Cycle();
                    if (round < 0) continue;
                    Add(forecast, (one.Points, threads), first);
                    Add(analysis, (one.Points, threads), second);
                }
        foreach (var one in cases) one.Dispose();

        output.WriteLine(Invariant($"{"points",8} {"threads",8} {"analysis ms",12} {"CPU ms",8} {"us a point",11} {"forecast ms",12}"));
        foreach (int points in Points)
            for (int threads = 1; threads <= most; threads++)
            {
                double wall = Median(analysis[(points, threads)].Select(time => time.Wall)),
                    cpu = Median(analysis[(points, threads)].Select(time => time.Cpu));
                double model = Median(forecast[(points, threads)].Select(time => time.Wall));
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{points,8} {threads,8} {1e3 * wall,12:f1} {1e3 * cpu,8:f1} {1e6 * wall / points,11:f3} {1e3 * model,12:f2}"));
                metrics[$"letkf.{points}.threads{threads}.seconds"] = wall;
                metrics[$"letkf.{points}.threads{threads}.cpu_seconds"] = cpu;
            }
        double OverPoints(int threads) =>
            Median(analysis[(Points[^1], threads)].Zip(analysis[(Points[0], threads)], (large, small) => large.Cpu / small.Cpu));
        metrics["letkf.points_ratio"] = OverPoints(1);
        output.WriteLine(
            Invariant($"{Points[^1] / Points[0]} times the points take {OverPoints(1):f2} times the processor time (one thread)."));
        if (most > 1)
        {
            metrics["letkf.threads_speedup"] =
                Median(analysis[(Points[^1], 1)].Zip(analysis[(Points[^1], 2)], (one, two) => one.Wall / two.Wall));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"Two threads are {metrics["letkf.threads_speedup"]:f2} times as fast as one at {Points[^1]} points, by the clock."));
        }
        if (jsonFile is not null)
            AtomicFile.Write(jsonFile,
                stream => JsonSerializer.Serialize(stream, new { name = "bench-scaling", settings = new { rounds = Rounds }, metrics },
                    new JsonSerializerOptions { WriteIndented = true }));
    }

    private static void Add<TKey>(Dictionary<TKey, List<(double, double)>> times, TKey key, (double, double) time) where TKey : notnull
    {
        if (!times.TryGetValue(key, out var list)) times[key] = list = [];
        list.Add(time);
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>The middle of an odd number of values.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] ordered = [.. values.Order()];
        return ordered[ordered.Length / 2];
    }

    /// <summary>Seconds of some work, by the clock and of the processor.</summary>
    public static (double Wall, double Cpu) Timed(Action work)
    {
        using var process = Process.GetCurrentProcess();
        var cpu = process.TotalProcessorTime;
        var watch = Stopwatch.StartNew();
        work();
        double wall = watch.Elapsed.TotalSeconds;
        process.Refresh();
        return (wall, (process.TotalProcessorTime - cpu).TotalSeconds);
    }

    /// <summary>A filter of so many sites that goes on from cycle to cycle.</summary>
    private sealed class Case : IDisposable
    {
        private readonly Lorenz96 model;
        private readonly LocalEnsembleTransformKalmanFilterAnalyzer analyzer;
        private readonly RandomStream random = new(1, "scaling", CPU);
        private Tensor truth, members;
        private double time;

        public Case(int points)
        {
            Points = points;
            model = new Lorenz96(points);
            analyzer = new(new IdentityObservationOperator(points), ErrorCovariance.Scalar(points, 1),
                new Localisation(LocalisationGeometry.Circle(points), LocalisationRadius.EFolding(4)), Inflation.StandardDeviation(1.04));
            using var scope = NewDisposeScope();
            truth = new AttractorInitialCondition(model, 10).Draw(1, random, ScalarType.Float64).DetachFromDisposeScope();
            members = (truth + random.Normal([1, 7, points], ScalarType.Float64)).DetachFromDisposeScope();
        }

        public int Points { get; }

        public ((double Wall, double Cpu) Forecast, (double Wall, double Cpu) Analysis) Cycle()
        {
            using var scope = NewDisposeScope();
            var step = new TimeInterval(time, time += model.TimeStep);
            var next = model.Advance(truth, step);
            var observation = new Observation(next + random.Normal([1, Points], ScalarType.Float64), null, time);
            Tensor forecast = members, analysed = members;
            var first = Timed(() => forecast = model.Advance(members, step));
            var second = Timed(() => analysed = analyzer.Analyze(new(forecast), observation, random).Members);
            (truth, next) = (next.DetachFromDisposeScope(), truth);
            (members, forecast) = (analysed.DetachFromDisposeScope(), members);
            next.Dispose();
            forecast.Dispose();
            return (first, second);
        }

        public void Dispose()
        {
            truth.Dispose();
            members.Dispose();
            random.Dispose();
        }
    }
}
