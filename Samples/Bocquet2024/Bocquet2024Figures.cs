namespace DaML.Samples;

/// <summary>The paper's figures, and those of what its text only tells.</summary>
/// <param name="settings">How large the experiments were.</param>
/// <param name="figures">The figures of every part; none of one that diverged.</param>
internal sealed class Bocquet2024Figures(Bocquet2024Settings settings,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, double[]>> figures)
{
    private const double Width = 760;
    private static readonly Axis Rmse = new("analysis RMSE");

    /// <summary>The analysis errors of all methods beside the paper's.</summary>
    public Figure Scores() => new BarChart("Analysis error on Lorenz-96", new Axis("RMSE"), [.. new Bar[]
    {
        new("learned", Of(Bocquet2024Parts.Learned, "rmse")[0], 0.195), new("with hidden channels", Of(Bocquet2024Parts.Memory, "rmse")[0]),
        new("no activations", Of(Bocquet2024Parts.Linear, "rmse")[0], 0.38),
        new("blind to the forecast", Of(Bocquet2024Parts.Blind, "rmse")[0], 0.38),
        new("3D-Var", Of(Bocquet2024Parts.Classical, "3dvar")[0], 0.40),
        new("EnKF-N, 20 members", Of(Bocquet2024Parts.Classical, "enkf_n.20")[0], 0.191),
        new("EnKF-N, 40 members", Of(Bocquet2024Parts.Classical, "enkf_n.40")[0], 0.179),
    }.Where(bar => double.IsFinite(bar.Value))]) { Width = Width, Height = 300 };

    /// <summary>Errors on held-out trajectories while the networks learn.</summary>
    /// <returns>Null where there is nothing to draw, as for all that follow.</returns>
    public Figure? Training() =>
        Chart("Learning", new Axis("training time", "minutes") { Minimum = 0 },
            new Axis("validation RMSE") { Scale = AxisScale.Logarithmic }, 420,
        ((string[])[Bocquet2024Parts.Learned, Bocquet2024Parts.Memory, Bocquet2024Parts.Linear, Bocquet2024Parts.Blind])
            .Select(name => TrainingCourse.Validations(name, figures[name]))) is { } chart
        ? chart with
            { References =
                [.. new ReferenceLine[]
                    { new("3D-Var", Of(Bocquet2024Parts.Classical, "3dvar")[0]),
                        new("EnKF-N, 40 members", Of(Bocquet2024Parts.Classical, "enkf_n.40")[0]) }.Where(line =>
                            double.IsFinite(line.Value))] } : null;

    /// <summary>Figure 1: time-averaged eigenspectra.</summary>
    public Figure? Spectra() =>
        Chart("Eigenvalues of the analysis error covariance", new Axis("mode"), new Axis("eigenvalue") { Scale = AxisScale.Logarithmic },
            400,
        [Modes("learned", Of(Bocquet2024Parts.Covariances, "spectrum.learned")),
            Modes("EnKF-N, 40 members", Of(Bocquet2024Parts.Covariances, "spectrum.ensemble"))]);

    /// <summary>Figure 2: time-averaged principal angles.</summary>
    public Figure? Angles() =>
        Chart("Principal angles of 14-dimensional subspaces", new Axis("mode"), new Axis("angle", "degrees") { Minimum = 0, Maximum = 90 },
            400,
    [
        Modes("learned and unstable-neutral", Of(Bocquet2024Parts.Covariances, "angles.learned")),
        Modes("EnKF-N and unstable-neutral", Of(Bocquet2024Parts.Covariances, "angles.ensemble")),
        Modes("EnKF-N and learned", Of(Bocquet2024Parts.Covariances, "angles.both")),
        Modes("random and unstable-neutral", Of(Bocquet2024Parts.Covariances, "angles.random")),
    ]);

    /// <summary>Figure 3: errors by dimension, and the dimension of the unstable-neutral subspace.</summary>
    public Figure? Dimensions()
    {
        double[] sizes = [.. settings.Dimensions.Select(n => (double)n)];
        var axis = new Axis("dimension n");
        List<LineSeries?> lines =
        [
            Marked("learned at n = 40", sizes, Of(Bocquet2024Parts.Transfer, "rmse")),
            Marked("EnKF-N, as many members", sizes, Of(Bocquet2024Parts.DimensionFilter, "rmse")),
        ];
        if (settings.LearnEveryDimension)
            lines.Add(Marked("learned at each n", sizes,
                [.. settings.Dimensions.Select(n => Of(n == 40 ? Bocquet2024Parts.Learned : Bocquet2024Parts.LearnedAt(n), "rmse")[0])]));
        Figure[] panels =
        [
            .. new Figure?[]
            {
                Chart("Error", axis, Rmse with { Minimum = 0 }, 340, lines),
                Chart("Unstable-neutral subspace", axis, new Axis("dimension") { Minimum = 0 }, 240,
                    [Marked("non-negative Lyapunov exponents", sizes, Of(Bocquet2024Parts.DimensionFilter, "unstable"))]),
            }.OfType<Figure>(),
        ];
        return panels.Length == 0 ? null : new FigureGrid("", panels);
    }

    /// <summary>Errors by the observations' error.</summary>
    public Figure? Noise() =>
        Chart("Other observation errors", new Axis("observation error") { Scale = AxisScale.Logarithmic },
            Rmse with { Scale = AxisScale.Logarithmic }, 400,
    [
        Marked("learned at 1, R = I", settings.NoiseLevels, Of(Bocquet2024Parts.Noise, "rmse")),
        Marked("learned at 1, told R", settings.NoiseLevels, Of(Bocquet2024Parts.Noise, "told")),
        Marked("learned on random errors", settings.NoiseLevels, Of(Bocquet2024Parts.RandomNoise, "rmse")),
        Marked("EnKF-N, 40 members", settings.NoiseLevels, Of(Bocquet2024Parts.NoiseFilter, "rmse")),
    ]);

    /// <summary>Errors by the density of observations.</summary>
    public Figure? Density() =>
        Chart("Random networks", new Axis("observed share of sites") { Minimum = 0, Maximum = 1.05 }, Rmse with { Minimum = 0 }, 380,
        [Marked("learned on random networks", settings.Densities, Of(Bocquet2024Parts.RandomNetworks, "rmse")),
            Marked("EnKF-N, 40 members", settings.Densities, Of(Bocquet2024Parts.DensityFilter, "rmse"))]);

    /// <summary>Kuramoto-Sivashinsky: truth, learned analysis and its error.</summary>
    public Figure? Fields()
    {
        var part = figures[Bocquet2024Parts.KuramotoSivashinsky];
        if (!part.TryGetValue("times", out double[]? times)) return null;
        double[,] truth = Field(part["truth"], times.Length), analysis = Field(part["analysis"], times.Length);
        var error = new double[truth.GetLength(0), truth.GetLength(1)];
        for (int i = 0; i < error.GetLength(0); i++)
            for (int j = 0; j < error.GetLength(1); j++) error[i, j] = analysis[i, j] - truth[i, j];
        double step = times.Length > 1 ? times[1] - times[0] : 1, spacing = 32 * Math.PI / truth.GetLength(0);
        var state = ColorScale.Diverging(3, new Axis("u"));
        HeatMap Panel(string title, double[,] values, ColorScale color, bool last = false) =>
            new(title, values, new CellAxis(last ? new Axis("time") : new Axis(""), times[0], step),
            new CellAxis(new Axis("x"), 0, spacing), color) { Width = Width, Height = last ? 226 : 205 };
        return new FigureGrid("",
            [Panel("truth", truth, state), Panel("learned analysis", analysis, state),
                Panel("error (analysis − truth)", error, ColorScale.Diverging(0.5, new Axis("error")), last: true)]);
    }

    private double[] Of(string part, string figure) => figures[part].TryGetValue(figure, out double[]? values) ? values : [double.NaN];

    private static LineChart? Chart(string title, Axis x, Axis y, double height, IEnumerable<LineSeries?> lines)
    {
        LineSeries[] drawn = [.. lines.OfType<LineSeries>()];
        return drawn.Length == 0 ? null : new LineChart(title, x, y, drawn) { Width = Width, Height = height };
    }

    // Eigenvalues of round-off, or that a regression leaves below zero, have no place on a logarithmic axis.
    private static LineSeries? Modes(string name, double[] values)
    {
        double least = 1e-10 * values.Max();
        return Marked(name, [.. Enumerable.Range(1, values.Length).Select(mode => (double)mode)],
            [.. values.Select(value => value > least ? value : double.NaN)]);
    }

    // Points where the truth was lost are left out; a method that lost it everywhere has no line.
    private static LineSeries? Marked(string name, IReadOnlyList<double> places, IReadOnlyList<double> values) =>
        values.Any(double.IsFinite) ? new(name, places, values) { Markers = true } : null;

    // Fields one after the other as [place, time].
    private static double[,] Field(double[] values, int times)
    {
        int n = values.Length / times;
        var field = new double[n, times];
        for (int t = 0; t < times; t++)
            for (int i = 0; i < n; i++) field[i, t] = values[t * n + i];
        return field;
    }
}
