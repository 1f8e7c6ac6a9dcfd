using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>The demo's figures.</summary>
internal static class DemoFigures
{
    private const int ShownCycles = 200, SpinUp = 60, Window = 50;
    private static readonly Axis Time = new("time", "model units");

    /// <summary>The scores as bars beside what is to be expected.</summary>
    public static Figure Bars(IReadOnlyList<Bar> bars) =>
        new BarChart("Analysis error", new Axis("RMSE"), bars) { Width = 760, Height = 330, ReferenceName = "expected" };

    /// <summary>
    /// Truth, observations, learned analysis and its error over time and space, of the first trajectory after the burn-in.
    /// </summary>
    public static Figure Fields(DemoOutcome outcome, long burnIn)
    {
        var view = outcome.Learned.Transform(outcome.Test.Take(Math.Min(burnIn + ShownCycles, outcome.Test.CycleCount!.Value)));
        var (times, truth, observation, analysis) = (new List<double>(), new List<double[]>(), new List<double[]>(), new List<double[]>());
        foreach (var cycle in view)
        {
            if (cycle.Cycle < burnIn) continue;
            times.Add(cycle.Time);
            truth.Add(Row(cycle[Columns.Truth]));
            observation.Add(Row(cycle[Columns.Observation]));
            analysis.Add(Row(cycle[Columns.Analysis]));
        }
        double step = times.Count > 1 ? (times[^1] - times[0]) / (times.Count - 1) : 1;
        var site = new CellAxis(new Axis("site"), 0, 1);
        var state = ColorScale.Diverging(12, new Axis("x"));
        var error = truth.Zip(analysis, (t, a) => t.Zip(a, (x, y) => y - x).ToArray()).ToList();
        HeatMap Panel(string title, List<double[]> rows, ColorScale color, bool last = false) =>
            new(title, Transposed(rows), new CellAxis(last ? Time : new Axis(""), times[0], step), site, color)
                { Width = 760, Height = last ? 211 : 190 };
        return new FigureGrid("", [
            Panel("truth", truth, state), Panel("observations", observation, state), Panel("learned analysis", analysis, state),
            Panel("error (analysis − truth)", error, ColorScale.Diverging(1, new Axis("error")), last: true)]);
    }

    /// <summary>The methods' errors while they find the truth, and over the whole test.</summary>
    public static Figure Errors(DemoOutcome outcome, IReadOnlyList<KeyValuePair<string, TimeAverage>> averages, long burnIn)
    {
        var times = Times(outcome.Test);
        var rmse = new Axis("analysis RMSE");
        int first = (int)Math.Min(SpinUp, times.Count);
        int window = (int)Math.Min(Window, times.Count - burnIn);
        LineSeries Start(KeyValuePair<string, TimeAverage> method) =>
            new(method.Key, [.. times.Take(first)], [.. method.Value.PerCycle.Take(first)]);
        LineSeries Whole(KeyValuePair<string, TimeAverage> method) =>
            new(method.Key, [.. times.Skip((int)burnIn + window - 1)], RunningMean([.. method.Value.PerCycle.Skip((int)burnIn)], window));
        return new FigureGrid("", [
            new LineChart("from the first cycle on", Time, rmse with { Scale = AxisScale.Logarithmic }, [.. averages.Select(Start)])
                { Width = 760, Height = 350 },
            new LineChart("over the test", Time, rmse with { Minimum = 0 }, [.. averages.Select(Whole)]) { Width = 760, Height = 350 }]);
    }

    /// <summary>The course of training.</summary>
    public static Figure Training(TrainingHistory history, double threeDimensionalVariational)
    {
        var steps = history.Steps.Where(step => double.IsFinite(step.Loss)).ToList();
        int window = Math.Min(20, steps.Count);
        var lines = new List<LineSeries>();
        if (steps.Count > 0)
            lines.Add(new("training", [.. steps.Skip(window - 1).Select(step => (double)step.Step)],
                RunningMean([.. steps.Select(step => Math.Sqrt(step.Loss))], window)));
        var validations = history.Steps.Where(step => step.ValidationError is { } error && double.IsFinite(error)).ToList();
        if (validations.Count > 0)
            lines.Add(new("validation", [.. validations.Select(step => (double)step.Step)],
                [.. validations.Select(step => step.ValidationError!.Value)]) { Markers = true });
        return new LineChart("Training", new Axis("optimiser step"), new Axis("RMSE") { Scale = AxisScale.Logarithmic }, lines)
        {
            Width = 760,
            References = [new("3D-Var", threeDimensionalVariational)],
        };
    }

    private static List<double> Times(ITrajectoryView view)
    {
        var times = new List<double>();
        foreach (var cycle in view) times.Add(cycle.Time);
        return times;
    }

    // The first trajectory of a column, [n].
    private static double[] Row(Tensor column)
    {
        using var scope = NewDisposeScope();
        return column[0].to(ScalarType.Float64).ToArray<double>();
    }

    private static double[,] Transposed(List<double[]> rows)
    {
        var result = new double[rows[0].Length, rows.Count];
        for (int i = 0; i < rows.Count; i++)
            for (int j = 0; j < rows[i].Length; j++) result[j, i] = rows[i][j];
        return result;
    }

    // Means over so many values each, one for each place where that many end.
    private static double[] RunningMean(double[] values, int window)
    {
        var means = new double[values.Length - window + 1];
        double sum = values.Take(window - 1).Sum();
        for (int i = 0; i < means.Length; i++)
        {
            sum += values[i + window - 1];
            means[i] = sum / window;
            sum -= values[i];
        }
        return means;
    }
}
