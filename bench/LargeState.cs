using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DaML.Components;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Benchmarks;

/// <summary>
/// The LETKF's analysis of a large state in place: 20 members, a circle of sites, all observed, Gaspari-Cohn with an e-folding radius of
/// four sites (29 observations a site). <c>bench large-state</c> gives its time at 1e6 sites over ten times that at 1e5, and the largest
/// memory that ensemble, observations and analysis take over the ensemble's.
/// </summary>
internal static class LargeState
{
    private const int Rounds = 7, Members = 20, Small = 100_000, Large = 1_000_000;

    public static void Run(string? jsonFile, TextWriter output)
    {
        var metrics = Measure(output);
        if (jsonFile is not null)
            AtomicFile.Write(jsonFile,
                stream => JsonSerializer.Serialize(stream, new { name = "bench-large-state", settings = new { rounds = Rounds }, metrics },
                    new JsonSerializerOptions { WriteIndented = true }));
    }

    /// <summary>Measures both, and prints them; to be called first, since the process' memory is measured.</summary>
    public static SortedDictionary<string, double> Measure(TextWriter output)
    {
        var metrics = new SortedDictionary<string, double>(StringComparer.Ordinal);
        using (var compiled = new Case(20_000)) // code is compiled on a smaller state
            for (int i = 0; i < 20; i++) compiled.Analyze();
        GC.Collect();
        long before = Process(process => process.WorkingSet64);
        using (var large = new Case(Large))
        {
            // What was in use while the members were drawn does not count: the largest memory is counted anew, proc(5).
            if (OperatingSystem.IsLinux()) File.WriteAllText("/proc/self/clear_refs", "5");
            for (int i = 0; i < 3; i++) large.Analyze();
            double used = Process(process => process.PeakWorkingSet64) - before, ensemble = 8.0 * Members * Large;
            metrics["letkf.1e6.memory"] = used / ensemble;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{Large} points, {Members} members: ensemble, observations and analysis take {used / 1e6:f0} MB, " +
                    $"{used / ensemble:f2} times the ensemble's {ensemble / 1e6:f0} MB."));
            using var small = new Case(Small);
            small.Analyze();
            List<(double Wall, double Cpu)> few = [], many = [];
            for (int round = 0; round < Rounds; round++)
            {
                few.Add(LocalScaling.Timed(() => { for (int i = 0; i < Large / Small; i++) small.Analyze(); }));
                many.Add(LocalScaling.Timed(large.Analyze));
            }
            metrics["letkf.1e6"] = LocalScaling.Median(many.Zip(few, (one, ten) => one.Cpu / ten.Cpu));
            metrics["letkf.1e6.wall_ratio"] = LocalScaling.Median(many.Zip(few, (one, ten) => one.Wall / ten.Wall));
            metrics["letkf.1e6.cpu_seconds"] = LocalScaling.Median(many.Select(time => time.Cpu));
            metrics["letkf.1e6.seconds"] = LocalScaling.Median(many.Select(time => time.Wall));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"An analysis of {Large} points takes {metrics["letkf.1e6.seconds"]:f2} s ({metrics["letkf.1e6.cpu_seconds"]:f2} s of " +
                    $"processor time), {metrics["letkf.1e6"]:f2} times ten of {Small} points (by the clock " +
                    $"{metrics["letkf.1e6.wall_ratio"]:f2})."));
        }
        return metrics;
    }

    private static long Process(Func<Process, long> figure)
    {
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return figure(process);
    }

    /// <summary>An ensemble that is analysed again and again.</summary>
    private sealed class Case : IDisposable
    {
        private readonly DisposeScope scope = NewDisposeScope();
        private readonly RandomStream random = new(1, "large state", CPU);
        private readonly LocalEnsembleTransformKalmanFilterAnalyzer analyzer;
        private readonly EnsembleMemory ensemble;
        private readonly Observation observation;

        public Case(int points)
        {
            ensemble = new(random.Normal([1, Members, points], ScalarType.Float64));
            observation = new(random.Normal([1, points], ScalarType.Float64), null, 0);
            analyzer = new(new IdentityObservationOperator(points), ErrorCovariance.Scalar(points, 1),
                new Localisation(LocalisationGeometry.Circle(points), LocalisationRadius.EFolding(4)));
        }

        public void Analyze() => analyzer.AnalyzeInPlace(ensemble, observation, random);

        public void Dispose()
        {
            random.Dispose();
            scope.Dispose();
        }
    }
}
