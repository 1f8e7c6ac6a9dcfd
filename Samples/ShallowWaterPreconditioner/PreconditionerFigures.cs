namespace DaML.Samples;

/// <summary>The figures of the sample of learned preconditioners.</summary>
internal static class PreconditionerFigures
{
    private static readonly (string Key, string Title, string Loss)[] Trainings = [("learned", "network alone", "relative loss"),
        ("residual", "correction", "whitened loss")];

    /// <summary>The eigenvectors that are drawn, counted from one.</summary>
    public static IReadOnlyList<int> DrawnPairs(int most) => [.. ((int[])[1, 10, 100]).Where(pair => pair <= most)];

    /// <summary>Residuals over the iterations, medians over the systems, for the largest rank and the smallest eigenvalue kept.</summary>
    public static Figure Residuals(PreconditionerResults results, PreconditionerPlan plan) =>
        new FigureGrid("", [.. PreconditionerParts.Regimes.Select(regime =>
    {
        var figures = results.Of(regime);
        int rank = plan.Ranks[^1];
        (string Title, string Name)[] shown =
        [
            ("none", "none"), ("exact", $"exact_spectral.{rank}"), ("fixed", $"fixed.{rank}"),
            ("fixed, limited memory", $"fixed_limited_memory.{rank}"), ("learned", $"learned.{rank}"),
            ("learned, limited memory", $"learned_limited_memory.{rank}"), ("learned correction", $"learned_residual.{rank}"),
        ];
        return new LineChart($"{regime} regime, r = {rank}", new Axis("iteration"),
            new Axis("residual / first residual") { Scale = AxisScale.Logarithmic },
            [.. shown.Where(one => figures.ContainsKey($"curve/{one.Name}")).Select(one => Line(one.Title, figures[$"curve/{one.Name}"]))])
            { Width = 760, Height = 380 };
    })]);

    /// <summary>Exact and approximate eigenvalues.</summary>
    public static Figure? Spectra(PreconditionerResults results)
    {
        if (!PreconditionerParts.Regimes.All(regime => results.Of(regime).ContainsKey("spectrum/exact"))) return null;
        return new FigureGrid("", [.. PreconditionerParts.Regimes.Select(regime =>
        {
            var figures = results.Of(regime);
            LineSeries Values(string title, string name) =>
                new(title, [.. Enumerable.Range(1, figures[name].Length).Select(i => (double)i)], figures[name]);
            return new LineChart($"{regime} regime, one state", new Axis("number"),
                new Axis("eigenvalue") { Scale = AxisScale.Logarithmic },
                [Values("exact", "spectrum/exact"), Values("fixed", "spectrum/fixed"), Values("learned", "spectrum/learned"),
                    Values("learned correction", "spectrum/learned_residual")])
                { Width = 760, Height = 330 };
        })]);
    }

    /// <summary>Validation losses over the optimiser steps.</summary>
    public static Figure Training(PreconditionerResults results) =>
        new FigureGrid("", [.. PreconditionerParts.Regimes.SelectMany(regime => Trainings.Select(one =>
    {
        var figures = results.Training(regime, one.Key);
        return (Figure)new LineChart($"{regime} regime, {one.Title}", new Axis("optimiser step"), new Axis(one.Loss),
            [new LineSeries(one.Key, figures["validation.step"], figures["validation.loss"]) { Markers = true }])
            { Width = 480, Height = 260 };
    }))], columns: 2);

    /// <summary>Eigenvectors of one state, height and both currents, exact and learned.</summary>
    public static Figure Vectors(PreconditionerResults results, PreconditionerPlan plan, string regime)
    {
        var figures = results.Of(regime);
        int cells = plan.Cells;
        var panels = new List<Figure>();
        foreach (int pair in DrawnPairs(int.MaxValue).Where(pair => figures.ContainsKey($"vector/exact.{pair}")))
            foreach (string name in (string[])["exact", "learned"])
            {
                double[] vector = figures[$"vector/{name}.{pair}"];
                panels.Add(Panel($"{name} {pair}: height", vector, 0, cells, cells));
                panels.Add(Panel($"{name} {pair}: u", vector, cells * cells, cells, cells - 1));
                panels.Add(Panel($"{name} {pair}: v", vector, cells * cells + cells * (cells - 1), cells - 1, cells));
            }
        return new FigureGrid("", panels, columns: 3);
    }

    private static HeatMap Panel(string title, double[] vector, int first, int rows, int columns)
    {
        var field = new double[rows, columns];
        double largest = 0;
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
            {
                field[i, j] = vector[first + i * columns + j];
                largest = Math.Max(largest, Math.Abs(field[i, j]));
            }
        return new HeatMap(title, field, new CellAxis(new Axis("x"), 0, 1), new CellAxis(new Axis("y"), 0, 1),
            ColorScale.Diverging(largest > 0 ? largest : 1, new Axis(""))) { Width = 300, Height = 260 };
    }

    // Zero has no place on a logarithmic axis.
    private static LineSeries Line(string title, double[] curve)
    {
        double[] shown = [.. curve.TakeWhile(value => value > 0)];
        return new(title, [.. Enumerable.Range(0, shown.Length).Select(i => (double)i)], shown);
    }
}
