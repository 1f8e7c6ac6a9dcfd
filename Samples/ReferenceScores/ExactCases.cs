using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>A case whose figures follow exactly, so that they are compared to round-off.</summary>
/// <param name="Name">As the table calls it.</param>
/// <param name="Model">The model, as a table shows it.</param>
/// <param name="Settings">The names of its settings.</param>
/// <param name="Quantities">The names of its figures.</param>
/// <param name="Compute">Its figures, in the order of the names.</param>
internal sealed record ExactCase(string Name, string Model, IReadOnlyList<string> Settings, IReadOnlyList<string> Quantities,
    Func<NamedSettings, IReadOnlyList<double>> Compute)
{
    /// <summary>Refuses what is not known.</summary>
    /// <exception cref="SampleException">A setting or quantity that it has not; the message lists those it has.</exception>
    public void Check(NamedSettings settings, string quantity)
    {
        settings.Only(Settings);
        foreach (string setting in Settings) settings.Number(setting);
        if (!Quantities.Contains(quantity))
            throw new SampleException($"The case '{Name}' has no quantity '{quantity}'; it has: {string.Join(", ", Quantities)}.");
    }

    /// <summary>All its figures.</summary>
    public IReadOnlyList<double> Figures(NamedSettings settings)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        return Compute(settings);
    }

    /// <summary>One of them.</summary>
    public double Figure(IReadOnlyList<double> figures, string quantity) => figures[Quantities.ToList().IndexOf(quantity)];
}

/// <summary>The exact cases of OOPS, PDAF and algebra.</summary>
internal static class ExactCases
{
    private const double Step = 0.0125;
    private static readonly double ObservationError = 0.4f;    // OOPS reads it as a 32-bit float

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ExactCase> All { get; } =
    [
        new("Lorenz-95 forecast", "Lorenz-95", ["site", "value", "steps"], ["minimum", "maximum", "mean"], settings =>
        {
            double[] x = Forecast(settings.Integer("site"), settings.Number("value"), settings.Integer("steps")).ToArray<double>();
            return [x.Min(), x.Max(), x.Average()];
        }),
        new("Lorenz-95 3D-Var", "Lorenz-95", [],
            ["J of the background", "least J", "least J, background term", "least J, observation term"], _ => Lorenz95Variational()),
        new("Lorenz-95 4D-Var", "Lorenz-95", ["outer", "inner"],
            ["J_o at the start", "J after outer loop 1", "residual reduction 1", "J after outer loop 2", "residual reduction 2",
                "converged J", "condition number 1", "condition number 2"], Lorenz95FourDimensional),
        new("algebraic 3D-Var", "none (n = 4)", [],
            ["J of the background", "least J", "least J, background term", "least J, observation term", "x[0]", "x[1]", "x[2]", "x[3]"],
            _ => Algebraic()),
        new("field ETKF", "sine field 18 x 36", ["members", "forgetting"],
            ["RMS error of the forecast", "RMS error of the analysis", "analysis mean at [0, 0]", "analysis mean at [8, 17]",
                "sum of the analysis mean", "sum of member 1"], FieldTransform),
    ];

    /// <summary>The case of a name.</summary>
    /// <exception cref="SampleException">There is none; the message lists those there are.</exception>
    public static ExactCase Find(string name) => All.FirstOrDefault(one => one.Name == name)
        ?? throw new SampleException($"There is no case '{name}'; there are: {string.Join(", ", All.Select(one => one.Name))}.");

    // Eight everywhere but at one site, run for a number of steps, [1, 40].
    private static Tensor Forecast(long site, double value, long steps)
    {
        var x = full([1, 40], 8, dtype: ScalarType.Float64);
        x[0, site] = value;
        return new Lorenz96(40, 8, Step).Advance(x, new TimeInterval(0, steps * Step));
    }

    // As a text file with 6 significant digits keeps it.
    private static double SixDigits(double value) =>
        double.Parse(value.ToString("e5", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    // B = 0.6^2 exp(-d^2 / 2), d the cyclic distance in grid points.
    private static FullErrorCovariance Background()
    {
        var distance = minimum(arange(40), 40 - arange(40)).to_type(ScalarType.Float64);
        var row = 0.36 * (-0.5 * distance.square()).exp();
        return ErrorCovariance.Full(stack(Enumerable.Range(0, 40).Select(i => row.roll(i, 0))));
    }

    private static IReadOnlyList<double> Lorenz95Variational()
    {
        // The run of the truth at three steps, all of them compared with the one background.
        double[] observed = [.. new[] { 15L, 16, 17 }.SelectMany(step => Forecast(9, 9, step).ToArray<double>()).Select(SixDigits)];
        var operatorOfAll = new LinearObservationOperator(eye(40, dtype: ScalarType.Float64).repeat(3, 1));
        var analyzer = new ThreeDimensionalVariationalAnalyzer(operatorOfAll,
            ErrorCovariance.Scalar(120, ObservationError * ObservationError), Background());
        return [.. Minimum(analyzer, Forecast(19, 7, 16), observed).Costs];
    }

    // The window begins at step 2 of both runs and is 16 steps long; every second point is observed every second step.
    private static IReadOnlyList<double> Lorenz95FourDimensional(NamedSettings settings)
    {
        var observations = Enumerable.Range(1, 8).Select(k => 2L + 2 * k).Select(step => new Observation(
            tensor([.. Forecast(9, 9, step).index_select(-1, arange(0, 40, 2)).ToArray<double>().Select(SixDigits)]).unsqueeze(0), null,
            step * Step)).ToList();
        var cost = new FourDimensionalVariationalCost(new Lorenz96(40, 8, Step), [new BackgroundTerm(Background())],
            [new ObservationTerm(SubsetObservationOperator.Strided(40, 2),
                ErrorCovariance.Scalar(20, ObservationError * ObservationError))]);
        var window = new AssimilationWindow(new State(Forecast(19, 7, 2)), new TimeInterval(2 * Step, 18 * Step), Step, observations);
        FourDimensionalVariationalResult Minimise(long outer, long inner, double tolerance) =>
            new IncrementalFourDimensionalVariational(cost, new IncrementalOptions
        {
            OuterIterations = (int)outer, ControlTolerance = tolerance,
            InnerSolver = new ConjugateGradientSolver(new InnerSolverOptions { MaximumIterations = (int)inner, ResidualReduction = 0 }),
        }).Minimise(window);
        var result = Minimise(settings.Integer("outer"), settings.Integer("inner"), 0);
        var (first, second) = (result.OuterIterations[0], result.OuterIterations[1]);
        // Of I + B^(T/2) G^T R^-1 G B^(1/2), as a matrix.
        double Condition(ControlVector control)
        {
            var at = cost.Run(window, control);
            var unit = eye(cost.ControlDimension(window), dtype: ScalarType.Float64);
            var eigenvalues =
                linalg.eigvalsh(
                    cat([.. Enumerable.Range(0, (int)unit.size(0))
                        .Select(i => cost.HessianProduct(at, new ControlVector(unit.narrow(0, i, 1))).Values)], 0));
            return eigenvalues[-1].ToDouble() / eigenvalues[0].ToDouble();
        }
        return
        [
            first.Cost["Jo"].ToDouble(), second.Cost.Total.ToDouble(), first.Inner.Trajectories[0].ResidualReduction,
            result.Cost.Total.ToDouble(), second.Inner.Trajectories[0].ResidualReduction, Minimise(20, 60, 1e-13).Cost.Total.ToDouble(),
            Condition(cost.Background(window)), Condition(Minimise(1, settings.Integer("inner"), 0).Control),
        ];
    }

    private static IReadOnlyList<double> Algebraic()
    {
        var analyzer = new ThreeDimensionalVariationalAnalyzer(new IdentityObservationOperator(4), ErrorCovariance.Scalar(4, 1),
            ErrorCovariance.Scalar(4, 1));
        var (costs, analysis) = Minimum(analyzer, full([1, 4], 3, dtype: ScalarType.Float64), [5, 7, -9, -5]);
        return [.. costs, .. analysis.ToArray<double>()];
    }

    // J of the background, the least J and its two terms; and the state that has it.
    private static (double[] Costs, Tensor Analysis) Minimum(ThreeDimensionalVariationalAnalyzer analyzer, Tensor background,
        double[] observed)
    {
        using var random = new RandomStream(0, "unused", CPU);
        var y = new Observation(tensor(observed).unsqueeze(0), null, 0);
        var analysis = analyzer.Analyze(new StateMemory(background), y, random).State;
        var (_, before) = analyzer.Cost(background, background, y);
        var (ofBackground, ofObservation) = analyzer.Cost(analysis, background, y);
        return ([before.ToDouble(), (ofBackground + ofObservation).ToDouble(), ofBackground.ToDouble(), ofObservation.ToDouble()],
            analysis);
    }

    private static IReadOnlyList<double> FieldTransform(NamedSettings settings)
    {
        var row = arange(1, 19, dtype: ScalarType.Float64).unsqueeze(1);
        var column = arange(1, 37, dtype: ScalarType.Float64);
        Tensor Field(double phase) => (Math.PI * (row / 18 + column / 36) + phase).sin().reshape(-1);
        var truth = Field(0);
        var members = stack(Enumerable.Range(1, (int)settings.Integer("members")).Select(k => Field(Math.PI * (k + 5) / 18))).unsqueeze(0);
        var observed = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "data", "pdaf_offline_2d_observations.csv")).Skip(1)
            .Select(line => line.Split(','))
            .Select(cells =>
                (Place: long.Parse(cells[0], CultureInfo.InvariantCulture) * 36 + long.Parse(cells[1], CultureInfo.InvariantCulture),
                Value: double.Parse(cells[2], CultureInfo.InvariantCulture))).ToList();
        var analyzer = new EnsembleTransformKalmanFilterAnalyzer(new SubsetObservationOperator(648, [.. observed.Select(one => one.Place)]),
            ErrorCovariance.Scalar(observed.Count, 0.25),
            Inflation.ForgettingFactor(settings.Number("forgetting")));
        using var random = new RandomStream(0, "unused", CPU);
        var analysis = analyzer.Analyze(new EnsembleMemory(members),
            new Observation(tensor(observed.Select(one => one.Value).ToArray()).unsqueeze(0), null, 0), random).Members[0];
        var mean = analysis.mean([0]);
        double Distance(Tensor state) => (state - truth).square().mean().sqrt().ToDouble();
        return [Distance(members[0].mean([0])), Distance(mean), mean[0].ToDouble(), mean[8 * 36 + 17].ToDouble(), mean.sum().ToDouble(),
            analysis[0].sum().ToDouble()];
    }
}
