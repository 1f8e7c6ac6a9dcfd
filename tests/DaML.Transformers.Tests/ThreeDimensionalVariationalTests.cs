using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class ThreeDimensionalVariationalTests
{
    private readonly DataAssimilationContext context = new(13);

    [Fact]
    public void Tiny_algebraic_case_is_exact()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("tiny");
        var analyzer = new ThreeDimensionalVariationalAnalyzer(new IdentityObservationOperator(4), ErrorCovariance.Scalar(4, 1),
            ErrorCovariance.Scalar(4, 1));
        var background = full(new long[] { 1, 4 }, 3, dtype: ScalarType.Float64);
        var y = new Observation(tensor(new double[] { 5, 7, -9, -5 }).unsqueeze(0), null, 0);
        var analysis = analyzer.Analyze(new(background), y, random).State;
        Assert.Equal([4, 5, -3, -1], analysis.data<double>().ToArray().Select(value => Math.Round(value, 14)));
        Assert.Equal(114, Total(analyzer.Cost(background, background, y)), 12);
        var (ofBackground, ofObservation) = analyzer.Cost(analysis, background, y);
        Assert.Equal(28.5, ofBackground.ToDouble(), 12);
        Assert.Equal(28.5, ofObservation.ToDouble(), 12);
    }

    [Fact]
    public void Lorenz_95_case_of_OOPS_reaches_its_minimum()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("oops");
        var model = new Lorenz96(40, 8, 0.0125);
        Tensor Run(int site, double value, int steps)
        {
            var x = full(new long[] { 1, 40 }, 8, dtype: ScalarType.Float64);
            x[0, site] = value;
            return model.Advance(x, new TimeInterval(0, steps * 0.0125));
        }
        static double SixDigits(double value) =>
            double.Parse(value.ToString("e5", System.Globalization.CultureInfo.InvariantCulture),
                System.Globalization.CultureInfo.InvariantCulture);
        var background = Run(19, 7, 16);
        var observed = new[] { 15, 16, 17 }.SelectMany(step => Run(9, 9, step).data<double>().ToArray()).Select(SixDigits).ToArray();
        var distance = minimum(arange(40), 40 - arange(40)).to_type(ScalarType.Float64);
        var row = 0.36 * (-0.5 * distance.square()).exp();
        var covariance = stack(Enumerable.Range(0, 40).Select(i => row.roll(i, 0)));
        var h = new LinearObservationOperator(eye(40, dtype: ScalarType.Float64).repeat(3, 1));
        double sigma = 0.4f;
        var analyzer = new ThreeDimensionalVariationalAnalyzer(h, ErrorCovariance.Scalar(120, sigma * sigma),
            ErrorCovariance.Full(covariance));
        var y = new Observation(tensor(observed).unsqueeze(0), null, 0);
        Assert.Equal(1, Total(analyzer.Cost(background, background, y)) / 114.53536836501503, 12);
        var analysis = analyzer.Analyze(new(background), y, random).State;
        var (ofBackground, ofObservation) = analyzer.Cost(analysis, background, y);
        Assert.Equal(1, ofBackground.ToDouble() / 12.2982805857568, 11);
        Assert.Equal(1, ofObservation.ToDouble() / 3.1723063877999, 11);
    }

    [Fact]
    public void Is_the_mean_of_the_Kalman_update_also_with_missing_observations()
    {
        using var scope = NewDisposeScope();
        var system = new LinearGaussianSystem(8);
        using var random = context.Random("masks");
        var state = random.Normal([2, 5], ScalarType.Float64);
        var y = random.Normal([2, 3], ScalarType.Float64);
        var analyzer = new ThreeDimensionalVariationalAnalyzer(system.Network.Operator, system.Network.Error,
            ErrorCovariance.Full(system.P0));
        foreach (var mask in new[] { null, tensor(new[] { true, false, true, true, false, true }, 2, 3) })
        {
            var observation = new Observation(y, mask, 0);
            var expected = KalmanUpdate.Apply(state, system.P0.repeat(2, 1, 1), observation, system.Network.Operator,
                system.Network.Error).Mean;
            Compare.Close(expected, analyzer.Analyze(new(state), observation, random).State, 1e-13);
        }
    }

    [Fact]
    public void Nonlinear_operator_reaches_a_stationary_point_below_the_background()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("nonlinear");
        var analyzer = new ThreeDimensionalVariationalAnalyzer(new Cubic(6), ErrorCovariance.Scalar(6, 0.01), ErrorCovariance.Scalar(6, 1));
        var background = random.Normal([4, 6], ScalarType.Float64);
        var truth = background + 0.8 * random.Normal([4, 6], ScalarType.Float64);
        var mask = random.Uniform([4, 6], ScalarType.Float64) > 0.3;
        var y = new Observation(truth + 0.3 * truth.pow(3), mask, 0);
        var analysis = analyzer.Analyze(new(background), y, random).State;
        var leaf = analysis.detach().clone().requires_grad_();
        var (ofBackground, ofObservation) = analyzer.Cost(leaf, background, y);
        var gradient = autograd.grad([(ofBackground + ofObservation).sum()], [leaf])[0];
        Assert.InRange(gradient.abs().max().ToDouble(), 0, 1e-7);
        var before = analyzer.Cost(background, background, y).Observation;
        Assert.True(((ofBackground + ofObservation).detach() < before).all().ToBoolean());
    }

    [Fact]
    public void Single_precision_states_are_analysed_in_single_precision()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("single");
        var analyzer = new ThreeDimensionalVariationalAnalyzer(new IdentityObservationOperator(4), ErrorCovariance.Scalar(4, 1),
            ErrorCovariance.Scalar(4, 3));
        var state = analyzer.Analyze(new(zeros(1, 4)), new Observation(ones(1, 4), null, 0), random).State;
        Assert.Equal(ScalarType.Float32, state.dtype);
        Compare.Close(full(new long[] { 1, 4 }, 0.75f), state, 1e-6);
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        var h = new IdentityObservationOperator(4);
        var wrongError = Assert.Throws<ArgumentException>(() =>
            new ThreeDimensionalVariationalAnalyzer(h, ErrorCovariance.Scalar(3, 1), ErrorCovariance.Scalar(4, 1)));
        Assert.Contains("4", wrongError.Message);
        Assert.Contains("given: 3", wrongError.Message);
        var wrongBackground = Assert.Throws<ArgumentException>(() =>
            new ThreeDimensionalVariationalAnalyzer(h, ErrorCovariance.Scalar(4, 1), ErrorCovariance.Scalar(5, 1)));
        Assert.Contains("given: 5", wrongBackground.Message);
        Assert.Throws<ArgumentException>(() => new KalmanFilterAnalyzer(h, ErrorCovariance.Scalar(3, 1)));
        Assert.Throws<ArgumentException>(() => new EnsembleTransformKalmanFilterAnalyzer(h, ErrorCovariance.Scalar(3, 1)));
    }

    private static double Total((Tensor Background, Tensor Observation) cost) => cost.Background.ToDouble() + cost.Observation.ToDouble();

    private sealed class Cubic(long n) : ObservationOperator(n, n)
    {
        protected override Tensor Observe(Tensor state) => state + 0.3 * state.pow(3);
    }
}
