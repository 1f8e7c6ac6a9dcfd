using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Windows, terms and settings that cannot be are refused, each by name.</summary>
public sealed class FourDimensionalVariationalInputTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    public void Dispose() => scope.Dispose();

    [Fact]
    public void Windows_that_cannot_be_are_refused()
    {
        var background = new State(zeros(2, 3, dtype: ScalarType.Float64));
        AssimilationWindow Window(TimeInterval span, params Observation[] observations) => new(background, span, 0.1, observations);
        static Tensor Values(params long[] shape) => zeros(shape, dtype: ScalarType.Float64);
        Assert.Contains("whole number", Assert.Throws<ArgumentException>(() => Window(new(0, 0.25))).Message);
        Assert.Contains("1.1", Assert.Throws<ArgumentException>(() => Window(new(0, 1), new Observation(Values(2, 3), null, 1.1))).Message);
        Assert.Contains("0.55",
            Assert.Throws<ArgumentException>(() => Window(new(0, 1), new Observation(Values(2, 3), null, 0.55))).Message);
        Assert.Contains("-0.1",
            Assert.Throws<ArgumentException>(() => Window(new(0, 1), new Observation(Values(2, 3), null, -0.1))).Message);
        Assert.Throws<ArgumentException>(() => Window(new(0, 1), new Observation(Values(2, 3), null, double.NaN)));
        Assert.Contains("[1, 3]",
            Assert.Throws<ArgumentException>(() => Window(new(0, 1), new Observation(Values(1, 3), null, 0.5))).Message);
        Assert.Contains("finite",
            Assert.Throws<ArgumentException>(() => Window(new(0, 1), new Observation(Values(2, 3) / 0, null, 0.5))).Message);
        Assert.Contains("boolean",
            Assert.Throws<ArgumentException>(() => Window(new(0, 1), new Observation(Values(2, 3), Values(2, 3), 0.5))).Message);
        Assert.Contains("mask",
            Assert.Throws<ArgumentException>(() =>
                Window(new(0, 1), new Observation(Values(2, 3), ones([2, 2], dtype: ScalarType.Bool), 0.5))).Message);
        Assert.Contains("[3]",
            Assert.Throws<ArgumentException>(() => new AssimilationWindow(new State(Values(3)), new(0, 1), 0.1, [])).Message);
        Assert.Contains("finite",
            Assert.Throws<ArgumentException>(() => new AssimilationWindow(new State(Values(1, 3) / 0), new(0, 1), 0.1, [])).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new AssimilationWindow(background, new(0, 1), 0, []));
        Assert.Contains("11", Assert.Throws<ArgumentException>(() => new WindowTrajectory<State>(Window(new(0, 1)), [background])).Message);
        Assert.Equal(3, Window(new(0, 1)).StepOf(0.3));
    }

    [Fact]
    public void Parts_that_do_not_fit_are_refused_by_name()
    {
        var model = new Lorenz96(8);
        var jo = new ObservationTerm(new IdentityObservationOperator(8), ErrorCovariance.Scalar(8, 1));
        var jb = new BackgroundTerm(ErrorCovariance.Scalar(8, 1));
        Assert.Throws<ArgumentException>(() => new FourDimensionalVariationalCost(model, [], [jo]));
        Assert.Throws<ArgumentException>(() => new FourDimensionalVariationalCost(model, [jb], []));
        Assert.Contains("given: 3",
            Assert.Throws<ArgumentException>(() =>
                new ObservationTerm(new IdentityObservationOperator(8), ErrorCovariance.Scalar(3, 1))).Message);
        AssimilationWindow Window(long n, double step, long p) =>
            new(new State(zeros(1, n, dtype: ScalarType.Float64)), new(0, step), step,
                [new(zeros(1, p, dtype: ScalarType.Float64), null, step)]);
        string Refused(AssimilationWindow window, params IPriorTerm[] priors) =>
            Assert.Throws<ArgumentException>(() =>
                new IncrementalFourDimensionalVariational(new(model, priors, [jo])).Minimise(window)).Message;
        Assert.Contains("given: 7", Refused(Window(7, 0.05, 7), jb));
        Assert.Contains("given: 0.1", Refused(Window(8, 0.1, 8), jb));
        Assert.Contains("given: 4", Refused(Window(8, 0.05, 8), new BackgroundTerm(ErrorCovariance.Scalar(4, 1))));
        Assert.Contains("given: 5", Refused(Window(8, 0.05, 8), jb, new ModelErrorTerm(ErrorCovariance.Scalar(5, 1))));
        Assert.Contains("[1, 6]", Refused(Window(8, 0.05, 6), jb));
        var cost = new FourDimensionalVariationalCost(model, [jb], [jo]);
        var window = Window(8, 0.05, 8);
        Assert.Contains("[1, 9]",
            Assert.Throws<ArgumentException>(() => cost.Run(window, new(zeros(1, 9, dtype: ScalarType.Float64)))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new IncrementalFourDimensionalVariational(cost, new() { OuterIterations = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new IncrementalFourDimensionalVariational(cost, new() { ControlTolerance = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new IncrementalFourDimensionalVariational(cost, new() { Step = (OuterStep)5 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BackgroundTerm(ErrorCovariance.Scalar(8, 1), (ControlVariable)5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DigitalFilterTerm(0, ErrorCovariance.Scalar(8, 1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RitzPreconditioning(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RitzPreconditioning(0.1, 0));
        // A background from which the model leaves the finite numbers.
        var far = new AssimilationWindow(new State(full([1, 8], 1e200, dtype: ScalarType.Float64) * arange(8)), new(0, 0.1), 0.05,
            [new(zeros(1, 8, dtype: ScalarType.Float64), null, 0.1)]);
        Assert.Contains("not finite",
            Assert.Throws<ArithmeticException>(() => new IncrementalFourDimensionalVariational(cost).Minimise(far)).Message);
    }
}
