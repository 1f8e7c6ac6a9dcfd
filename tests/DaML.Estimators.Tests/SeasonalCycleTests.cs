using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The seasonal cycle against harmonics that are known.</summary>
public sealed class SeasonalCycleTests
{
    private const double Year = 365.2425;
    private static readonly Column Field = new("field"), Anomaly = new("anomaly"), Again = new("again");
    private readonly DataAssimilationContext context = new(3);

    [Fact]
    public void AnExactHarmonicIsFoundAndRemoved()
    {
        // 10 + 3 cos + 4 sin of the year at the first point, -1 + 2 sin of half a year at the second.
        double[] times = [.. Enumerable.Range(0, 1100).Select(day => 11000.0 + day)];
        var view = View(times,
            t => [10 + 3 * Math.Cos(2 * Math.PI * t / Year) + 4 * Math.Sin(2 * Math.PI * t / Year),
                -1 + 2 * Math.Sin(4 * Math.PI * t / Year)]);
        var removed = new SeasonalCycleEstimator(Field, Anomaly).Fit(view);
        double[] expected = [10, -1, 3, 0, 4, 0, 0, 0, 0, 2];
        double[] found = removed.Cycle.Coefficients.data<double>().ToArray();
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], found[i], 9);
        using var anomalies = removed.Transform(view).Materialise();
        Assert.True(anomalies[Anomaly].abs().max().ToDouble() < 1e-9);
    }

    [Fact]
    public void VarianceSplitsIntoSeasonsAndAnomalies()
    {
        // Over whole periods of equally spaced samples the harmonics are orthogonal, so that (Parseval)
        // mean square of the field = a_0^2 + sum (a_k^2 + b_k^2) / 2 + mean square of the anomalies.
        using var random = context.Random("field");
        const int days = 4 * 360;
        var field = random.Normal([days, 1, 3], ScalarType.Float64) + 5;
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Field] = field },
            [.. Enumerable.Range(1, days).Select(day => (double)day)]);
        var removed = new SeasonalCycleEstimator(Field, Anomaly, new SeasonalCycleOptions { Harmonics = 5, Period = 360 }).Fit(view);
        using var anomalies = removed.Transform(view).Materialise();
        var a = removed.Cycle.Coefficients;
        var explained = a[0].square() + a[1..].square().sum([0]) / 2;
        var whole = field.square().mean([0, 1]);
        Assert.True((whole - explained - anomalies[Anomaly].square().mean([0, 1])).abs().max().ToDouble() < 1e-10);
        Assert.True(anomalies[Anomaly].square().mean().ToDouble() < (field - field.mean([0, 1])).square().mean().ToDouble());
    }

    [Fact]
    public void PuttingItBackGivesTheField()
    {
        using var random = context.Random("back");
        var field = random.Normal([800, 2, 4], ScalarType.Float64);
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Field] = field },
            [.. Enumerable.Range(1, 800).Select(day => (double)day)]);
        var removed = new SeasonalCycleEstimator(Field, Anomaly).Fit(view);
        using var both = removed.Append(removed.Inverse(Anomaly, Again)).Transform(view).Materialise();
        Assert.True((both[Again] - field).abs().max().ToDouble() < 1e-14);
        Assert.True((both[Anomaly] - field).abs().max().ToDouble() > 1e-3);
    }

    [Fact]
    public void ItIsTheSameToTheBitAfterSaving()
    {
        var view = View([.. Enumerable.Range(0, 500).Select(day => (double)day)], t => [Math.Sin(t), t % 7]);
        var removed = new SeasonalCycleEstimator(Field, Anomaly).Fit(view);
        var chain = removed.Append(removed.Inverse(Anomaly, Again));
        var loaded = Reloaded.Of(chain, context);
        Assert.Equal(SeasonalCycleDirection.Add, Assert.IsType<SeasonalCycleTransformer>(loaded.Steps[1]).Direction);
        using var before = chain.Transform(view).Materialise();
        using var after = loaded.Transform(view).Materialise();
        foreach (var column in (Column[])[Anomaly, Again])
            Assert.Equal(before[column].data<double>().ToArray(), after[column].data<double>().ToArray());
    }

    [Fact]
    public void WhatCannotBeLearnedFromIsRefused()
    {
        var estimator = new SeasonalCycleEstimator(Field, Anomaly);
        var month = View([.. Enumerable.Range(0, 60).Select(day => (double)day)], t => [t]);
        Assert.Contains("do not determine 2 harmonics", Assert.Throws<ArgumentException>(() => estimator.Fit(month)).Message);
        Assert.Contains("needs the column 'again' of shape [any], which is missing",
            Assert.Throws<SchemaException>(() => new SeasonalCycleEstimator(Again, Anomaly).Fit(month)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new SeasonalCycleEstimator(Field, Anomaly, new SeasonalCycleOptions { Harmonics = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new SeasonalCycleEstimator(Field, Anomaly, new SeasonalCycleOptions { Period = 0 }));

        var mask = ones([400, 1, 2], dtype: ScalarType.Bool);
        mask[17, 0, 1] = tensor(false);
        var gaps = context.Data.FromMemory(new Dictionary<Column, Tensor>
            { [Field] = zeros([400, 1, 2], dtype: ScalarType.Float64), [Columns.MaskOf(Field)] = mask },
            [.. Enumerable.Range(1, 400).Select(day => (double)day)]);
        Assert.Contains("lacks 1 values in cycle 17", Assert.Throws<ArgumentException>(() => estimator.Fit(gaps)).Message);
    }

    private MemoryTrajectoryView View(double[] times, Func<double, double[]> values)
    {
        double[][] rows = [.. times.Select(values)];
        var field = tensor(rows.SelectMany(row => row).ToArray()).reshape(times.Length, 1, rows[0].Length);
        return context.Data.FromMemory(new Dictionary<Column, Tensor> { [Field] = field }, times, times[0] - 1);
    }
}
