using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>4D-Var by MathNet's limited-memory quasi-Newton method: its minimum, its report, and what goes wrong.</summary>
public sealed class QuasiNewtonTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(23);
    public void Dispose() => scope.Dispose();

    private static readonly QuasiNewtonOptions Exact = new() { GradientReduction = 1e-10, MaximumIterations = 400, Memory = 20 };

    /// <summary>A Lorenz-96 window of 6 steps, half of it observed every second step, some of that missing.</summary>
    private (FourDimensionalVariationalCost Cost, AssimilationWindow Window) Lorenz(long batch = 2, ScalarType precision = ScalarType.Float64)
    {
        var model = new Lorenz96(12);
        using var random = context.Random("lorenz");
        var truth = new AttractorInitialCondition(model, 200).Draw(batch, random, ScalarType.Float64);
        var h = SubsetObservationOperator.Strided(12, 2);
        var observations = ((int[])[0, 2, 4, 6]).Select(step => new Observation(
            (h.Apply(model.Advance(truth, new TimeInterval(0, 0.05 * step))) + 0.5 * random.Normal([batch, 6], ScalarType.Float64)).to(precision),
            random.Uniform([batch, 6], ScalarType.Float64) > 0.3, 0.05 * step)).ToList();
        var background = (truth + 0.4 * random.Normal([batch, 12], ScalarType.Float64)).to(precision);
        return (new(model, [new BackgroundTerm(ErrorCovariance.Scalar(12, 0.16))], [new ObservationTerm(h, ErrorCovariance.Scalar(6, 0.25))]),
            new(new State(background), new TimeInterval(0, 0.3), 0.05, observations));
    }

    private static FourDimensionalVariationalResult GaussNewton(FourDimensionalVariationalCost cost, AssimilationWindow window) =>
        new IncrementalFourDimensionalVariational(cost, new IncrementalOptions
        {
            OuterIterations = 60, ControlTolerance = 1e-12,
            InnerSolver = new ConjugateGradientSolver(new() { MaximumIterations = 300, ResidualReduction = 1e-13 }),
        }).Minimise(window);

    [Theory, InlineData(false), InlineData(true)]
    public void On_a_linear_Gaussian_window_its_minimum_is_that_of_the_normal_equations(bool weak)
    {
        var system = new LinearGaussianSystem(3);
        using var random = context.Random("normal");
        var background = random.Normal([2, LinearGaussianSystem.N], ScalarType.Float64);
        var observations = ((int[])[1, 2, 4]).Select(step => new Observation(random.Normal([2, LinearGaussianSystem.P], ScalarType.Float64),
            random.Uniform([2, LinearGaussianSystem.P], ScalarType.Float64) > 0.3, step)).ToList();
        var window = new AssimilationWindow(new State(background), new TimeInterval(0, 4), 1, observations);
        IPriorTerm[] priors = weak ? [new BackgroundTerm(ErrorCovariance.Full(system.P0)), new ModelErrorTerm(ErrorCovariance.Full(system.Q))]
            : [new BackgroundTerm(ErrorCovariance.Full(system.P0))];
        var cost = new FourDimensionalVariationalCost(system.Dynamics, priors, [new ObservationTerm(system.Network.Operator, system.Network.Error)]);
        var result = new QuasiNewtonFourDimensionalVariational(cost, Exact).Minimise(window);
        // A v = b, the Hessian built column by column.
        var (at, quadratic) = cost.AtBackground(window);
        long m = cost.ControlDimension(window);
        var columns = stack([.. Enumerable.Range(0, (int)m).Select(i => quadratic.Product(new(eye(m, dtype: ScalarType.Float64)[i].expand(2, m).contiguous())).Values)], -1);
        var expected = linalg.solve(columns, quadratic.RightSide.Values.unsqueeze(-1)).squeeze(-1);
        quadratic.Dispose();
        Compare.Close(expected, result.Control.Values, 1e-8);
        Compare.Close(cost.Run(window, new(expected)).End.Values, result.End.Values, 1e-8);
        Assert.All(result.QuasiNewton, report => Assert.Equal(QuasiNewtonStop.GradientReduced, report.Stop));
        Assert.Empty(result.OuterIterations);
    }

    [Fact]
    public void On_Lorenz_96_its_minimum_is_Gauss_Newtons()
    {
        var (cost, window) = Lorenz();
        var expected = GaussNewton(cost, window);
        var actual = new QuasiNewtonFourDimensionalVariational(cost, Exact).Minimise(window);
        Compare.Close(expected.Analysis.Values, actual.Analysis.Values, 1e-8);
        Compare.Close(expected.End.Values, actual.End.Values, 1e-8);
        Compare.Close(expected.Cost.Total, actual.Cost.Total, 1e-12);
        Compare.Close(expected.Cost["Jb"], actual.Cost["Jb"], 1e-7);
        foreach (var report in actual.QuasiNewton)
            TestContext.Current.TestOutputHelper?.WriteLine($"{report.Stop} {report.Iterations} iterations {report.Evaluations.Count} evaluations: " +
                string.Join(" ", report.Evaluations.Select(e => $"{e.Iteration}:{e.Cost:g6}/{e.GradientNorm:g3}")));
    }
}
