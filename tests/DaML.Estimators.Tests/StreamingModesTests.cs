using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Modes by passes over the data against those by a singular value decomposition, and against modes that are known.</summary>
public sealed class StreamingModesTests
{
    private static readonly Column Field = new("field"), Coefficients = new("coefficients");
    private readonly DataAssimilationContext context = new(11);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public void ItIsTheSingularValueDecomposition(int samplesPerChunk)
    {
        var weights = linspace(0.2, 1, 40, dtype: ScalarType.Float64);
        var view = Correlated(150, 2, 40);
        var direct = Fit(view, new ModeSelection.Count(8), null, weights);
        var streamed = Fit(view, new ModeSelection.Count(8), new ModeFactorisation.Streaming { Oversampling = 6,
            SamplesPerChunk = samplesPerChunk }, weights);
        AssertSame(direct, streamed, 1e-8);
    }

    [Fact]
    public void AShareOfVarianceTakesTheSameModes()
    {
        var view = Correlated(150, 2, 40);
        foreach (double share in (double[])[0.5, 0.9, 0.999])
            AssertSame(Fit(view, new ModeSelection.Variance(share), null), Fit(view, new ModeSelection.Variance(share),
                new ModeFactorisation.Streaming { MaximumModes = 30 }), 1e-7);
        Assert.Contains("3 modes hold", Refused(view, new ModeSelection.Variance(0.999), new() { MaximumModes = 3 }));
        Assert.Contains("99.90 % was asked for; raise MaximumModes above 3", Refused(view, new ModeSelection.Variance(0.999),
            new() { MaximumModes = 3 }));
    }

    [Fact]
    public void ADegenerateSpectrumSettlesToo()
    {
        // Two cosines and two sines of equal variance, so that only the planes they span are determined.
        var t = arange(64, dtype: ScalarType.Float64) * (2 * Math.PI / 64);
        var x = arange(30, dtype: ScalarType.Float64) * (2 * Math.PI / 30);
        var field = 3 * (outer(t.cos(), x.cos()) + outer(t.sin(), x.sin())) + outer((2 * t).cos(), (2 * x).cos()) + outer((2 * t).sin(),
            (2 * x).sin()) + 1000;
        var pod = Fit(View(field.unsqueeze(1)), new ModeSelection.Count(4), new ModeFactorisation.Streaming());
        Assert.Equal([67.5, 67.5, 7.5, 7.5], pod.Variances.ToArray<double>().Select(variance => Math.Round(variance, 8)));
        Assert.True(pod.TruncationVariance.max().ToDouble() < 1e-20);
        foreach (var factorisation in (ModeFactorisation[])[new ModeFactorisation.Svd(), new ModeFactorisation.Streaming()])
            Assert.Contains("5 modes were asked for, and the training data vary in 4 directions only",
                Assert.Throws<ArgumentException>(() => Fit(View(field.unsqueeze(1)), new ModeSelection.Count(5), factorisation)).Message);
        Assert.Equal(4, Fit(View(field.unsqueeze(1)), new ModeSelection.Variance(1), new ModeFactorisation.Streaming()).ModeCount);
        Assert.Equal(4, Fit(View(field.unsqueeze(1)), new ModeSelection.Variance(1), null).ModeCount);
    }

    [Fact]
    public void ItIsTheSameToTheBitUnderOneSeedAndToTheToleranceUnderAnother()
    {
        var view = Correlated(150, 1, 40);
        ProperOrthogonalDecomposition Under(long seed) => new ProperOrthogonalDecompositionEstimator(new DataAssimilationContext(seed),
            Field, Coefficients,
            new ModeSelection.Count(5), new ModeFactorisation.Streaming()).Fit(view).Decomposition;
        Assert.Equal(Under(1).Modes.ToArray<double>(), Under(1).Modes.ToArray<double>());
        AssertSame(Under(1), Under(2), 1e-7);
    }

    [Fact]
    public void PassesAreReportedAndCanBeStopped()
    {
        var view = Correlated(150, 2, 40);
        var reports = new Reports();
        var telling = new DataAssimilationContext(new DataAssimilationOptions { Progress = reports });
        var estimator = telling.Transforms.ProperOrthogonalDecomposition(Field, Coefficients, new ModeSelection.Count(5), null,
            new ModeFactorisation.Streaming());
        estimator.Fit(view);
        Assert.Equal(Enumerable.Range(1, reports.Told.Count).Select(pass => (long)pass), reports.Told.Select(report => report.Completed));
        Assert.True(reports.Told[^1].Metrics["residual"] <= 1e-8 && reports.Told[0].Metrics["residual"] > 1e-8);
        using var source = new CancellationTokenSource();
        reports.Act = () => source.Cancel();
        Assert.Throws<OperationCanceledException>(() => estimator.Fit(view, source.Token));
    }

    [Fact]
    public void WhatCannotBeDecomposedIsRefused()
    {
        var view = Correlated(150, 2, 40);
        Assert.Contains("41 modes were asked for, and the training data have at most 40", Refused(view, new ModeSelection.Count(41),
            new()));
        Assert.Contains("after 2 passes the residual of a mode is", Refused(view, new ModeSelection.Count(5), new() { MaximumPasses = 2 }));
        Assert.Contains("does not vary", Refused(View(full([20, 1, 6], 1013.25, dtype: ScalarType.Float64)), new ModeSelection.Count(2),
            new()));
        var s = ones(2, dtype: ScalarType.Float64);
        var hole = new TrajectoryView(new TrajectorySchema(1, [new(Field, 3)]), 9, -1, () => new Cosines(ones(2, 3,
            dtype: ScalarType.Float64), s, 9) { Missing = 7 });
        Assert.Contains("The column 'field' in cycle 7 that proper orthogonal decomposition learns from must be finite", Refused(hole,
            new ModeSelection.Count(1), new()));
        foreach (var wrong in (ModeFactorisation.Streaming[])[new() { Oversampling = 0 }, new() { Tolerance = 0 },
            new() { MaximumPasses = 0 }, new() { MaximumModes = 0 }, new() { SamplesPerChunk = 0 }])
            Assert.Throws<ArgumentOutOfRangeException>(() => Fit(view, new ModeSelection.Count(2), wrong));
    }

    /// <summary>
    /// A field of 640 MB under 64 MB: x(t) = m + sum_k s_k sqrt(2) cos(pi k (t + 1/2) / N) f_k / sqrt(a), with the vectors f_k of the
    /// discrete
    /// cosine transform, is its own decomposition. It runs in a process of its own, whose memory nothing else uses.
    /// </summary>
    [Fact]
    public void AFieldTenTimesTheMemoryHasItsModes()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the largest memory of a process can be measured anew on Linux only");
        string program = typeof(StreamingModesTests).Assembly.Location;
        var start = new ProcessStartInfo("dotnet", [program, "-noColor", "-noLogo", "-explicit", "only", "-method",
            $"{typeof(StreamingModesTests)}.{nameof(ALargeField)}"])
        {
            RedirectStandardOutput = true,
        };
        start.Environment["DOTNET_GCgen0size"] = "400000";   // or the runtime collects its garbage by the size of the processor's cache
        using var process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0 && output.Contains("Total: 1"), output);
    }

    [Fact(Explicit = true)]
    public void ALargeField()
    {
        const int n = 20_000, samples = 4_000, rank = 24, kept = 6;
        const long allowed = 61L << 20, size = 8L * n * samples;
        Assert.True(size >= 10 * allowed);
        var weights = linspace(0.5, 1.5, n, dtype: ScalarType.Float64);
        var points = (arange(n, dtype: ScalarType.Float64) + 0.5) * (Math.PI / n);
        var f = stack(Enumerable.Range(1, rank).Select(k => (k * points).cos() * Math.Sqrt(2.0 / n))) / weights.sqrt(); // [rank, n]
        var s = pow(0.6, arange(rank, dtype: ScalarType.Float64)) * 50;
        ProperOrthogonalDecomposition Decompose(int samples) => Fit(new TrajectoryView(new TrajectorySchema(1, [new(Field, n)]), samples,
            -1,
            () => new Cosines(f, s, samples)), new ModeSelection.Count(kept), new ModeFactorisation.Streaming { Oversampling = 6,
                SamplesPerChunk = 32 }, weights);
        // Code is compiled on a small field, so that what is measured has the memory of the large one.
        Fit(Correlated(150, 1, 40), new ModeSelection.Count(kept),
            new ModeFactorisation.Streaming { Oversampling = 6, SamplesPerChunk = 32 });

        GC.Collect();
        File.WriteAllText("/proc/self/clear_refs", "5");   // begins the measurement anew: Linux, proc(5)
        long before = Memory("VmHWM");
        var pod = Decompose(samples);
        long used = Memory("VmHWM") - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{used >> 20} MB");
        Assert.True(used < allowed, $"{used >> 20} MB were used, and {allowed >> 20} are allowed; the field has {size >> 20}.");
        for (int k = 0; k < kept; k++)
        {
            double variance = s[k].ToDouble() * s[k].ToDouble();
            Assert.Equal(1, pod.Variances[k].ToDouble() / variance, 1e-10);
            double cosine = (pod.Modes[.., k] * weights * f[k]).sum().ToDouble();
            Assert.Equal(1, Math.Abs(cosine), 1e-12);
        }
        double left = s[kept..].square().sum().ToDouble();
        Assert.Equal(left, (weights * pod.TruncationVariance).sum().ToDouble(), 1e-8 * left);
    }

    private static long Memory(string what) =>
        1024 * long.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith(what)).Split(' ',
            StringSplitOptions.RemoveEmptyEntries)[^2]);

    private sealed class Cosines(Tensor f, Tensor s, int samples) : TrajectoryCursor(null)
    {
        public long Missing { get; init; } = -1;

        public override double Time => Cycle;

        protected override bool Compute(long cycle)
        {
            if (cycle == samples) return false;
            var phase = arange(1, s.size(0) + 1, dtype: ScalarType.Float64) * (Math.PI * (cycle + 0.5) / samples);
            Set(Field, (matmul(phase.cos() * s * Math.Sqrt(2), f) + (cycle == Missing ? double.NaN : 1000)).unsqueeze(0));
            return true;
        }

        protected override void DisposeState() { }
    }

    private sealed class Reports : IProgress<ProgressReport>
    {
        public List<ProgressReport> Told { get; } = [];
        public Action? Act { get; set; }

        public void Report(ProgressReport value)
        {
            Told.Add(value);
            Act?.Invoke();
        }
    }

    private static void AssertSame(ProperOrthogonalDecomposition expected, ProperOrthogonalDecomposition actual, double tolerance)
    {
        Assert.Equal(expected.ModeCount, actual.ModeCount);
        double scale = expected.Variances[0].ToDouble();
        Assert.True((expected.Mean - actual.Mean).abs().max().ToDouble() < 1e-12 * expected.Mean.abs().max().ToDouble());
        Assert.True((expected.Variances / actual.Variances - 1).abs().max().ToDouble() < tolerance);
        Assert.True((expected.TruncationVariance - actual.TruncationVariance).abs().max().ToDouble() < tolerance * scale);
        Assert.True((expected.Modes - actual.Modes).abs().max().ToDouble() < 100 * tolerance);
        // The sine of the largest angle between the subspaces.
        var left = expected.Modes - matmul(actual.Modes, matmul(actual.Modes.mT, expected.Modes * expected.Weights.unsqueeze(1)));
        Assert.True(linalg.norm(left * expected.Weights.sqrt().unsqueeze(1), ord: 2.0).ToDouble() < 10 * tolerance);
    }

    // A falling spectrum with a gap at every mode.
    private MemoryTrajectoryView Correlated(int cycles, int batch, int n)
    {
        using var random = context.Random("field");
        var (mixing, _) = linalg.qr(random.Normal([n, n], ScalarType.Float64));
        var spread = pow(0.8, arange(n, dtype: ScalarType.Float64)) * 3;
        return View(matmul(random.Normal([cycles, batch, n], ScalarType.Float64) * spread, mixing) + 7);
    }

    private MemoryTrajectoryView View(Tensor field) => context.Data.FromMemory(new Dictionary<Column, Tensor> { [Field] = field },
        [.. Enumerable.Range(1, (int)field.size(0)).Select(cycle => (double)cycle)]);

    private ProperOrthogonalDecomposition Fit(ITrajectoryView view, ModeSelection selection, ModeFactorisation? factorisation,
        Tensor? weights = null) =>
        context.Transforms.ProperOrthogonalDecomposition(Field, Coefficients, selection, weights, factorisation).Fit(view).Decomposition;

    private string Refused(ITrajectoryView view, ModeSelection selection, ModeFactorisation.Streaming factorisation) =>
        Assert.Throws<ArgumentException>(() => Fit(view, selection, factorisation)).Message;
}
