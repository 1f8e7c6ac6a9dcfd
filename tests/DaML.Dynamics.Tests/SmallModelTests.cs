using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Linear advection, Lorenz-84 and the two-scale Lorenz-96 model: what is known of them exactly.</summary>
public sealed class SmallModelTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(3);
    public void Dispose() => scope.Dispose();

    [Fact]
    public void Advection_moves_the_field_exactly()
    {
        var model = new LinearAdvection();
        var x = model.UsualInitialCondition().Draw(3, context.Random("fields"), ScalarType.Float64);
        Assert.Equal(x.roll(7, -1).Bits(), model.Advance(x, new TimeInterval(0, 7)).Bits());
        Assert.Equal(x.Bits(), model.Advance(x, new TimeInterval(0, 1000)).Bits());
        Assert.Equal(x.roll(-6, -1).Bits(), new LinearAdvection(sitesPerStep: -3).Advance(x, new TimeInterval(4, 6)).Bits());
        Numbers.Close(0.98 * 0.98 * x.roll(2, -1), new LinearAdvection(decay: 0.98).Advance(x, new TimeInterval(0, 2)), 1e-15);
        Assert.Throws<ArgumentOutOfRangeException>(() => new LinearAdvection(decay: 1.01));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LinearAdvection(2));
    }

    [Fact]
    public void Sinusoidal_fields_have_the_waves_mean_and_variance_they_promise()
    {
        var fields = new SinusoidalInitialCondition(1000, 25, 0.05).Draw(200, context.Random("fields"), ScalarType.Float64);
        Numbers.Close(full(200, 0.05, dtype: ScalarType.Float64), fields.square().mean([-1]), 1e-13);
        Numbers.Close(zeros(200, dtype: ScalarType.Float64), fields.mean([-1]), 1e-13);
        var spectrum = fft.rfft(fields).abs().square().mean([0]);
        Assert.InRange(spectrum.narrow(0, 26, 475).max().ToDouble() / spectrum.max().ToDouble(), 0, 1e-20);
        // every wave has the same share: 1000^2 / 2 * 0.05 / 25 of the spectrum's square
        Numbers.Close(ones(25, dtype: ScalarType.Float64), spectrum.narrow(0, 1, 25) / (1000.0 * 1000 / 2 * 0.05 / 25), 0.4);
        Assert.Equal(4, new SinusoidalInitialCondition(10).Waves);
        Assert.Throws<ArgumentOutOfRangeException>(() => new SinusoidalInitialCondition(10, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SinusoidalInitialCondition(10, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SinusoidalInitialCondition(10, 2, 0));
    }

    [Fact]
    public void Lorenz_84_rests_in_its_fixed_points()
    {
        // no contrast between land and sea: the Hadley circulation (F, 0, 0)
        var still = tensor(new[] { 8.0, 0, 0 });
        Numbers.Close(still, new Lorenz84(asymmetry: 0).Advance(still, new TimeInterval(0, 10)), 1e-13);

        // y and z follow from x; x solves a (F - x) (1 - 2x + (1 + b^2) x^2) = G^2
        const double f = 8, g = 1, a = 0.25, b = 4;
        double Cubic(double x) => a * (f - x) * (1 - 2 * x + (1 + b * b) * x * x) - g * g;
        double low = 7, high = 8;
        for (int i = 0; i < 200; i++)
            if (Cubic((low + high) / 2) > 0) low = (low + high) / 2;
            else high = (low + high) / 2;
        double root = (low + high) / 2, denominator = 1 - 2 * root + (1 + b * b) * root * root;
        var rest = tensor(new[] { root, g * (1 - root) / denominator, g * b * root / denominator });
        Numbers.Close(rest, new Lorenz84().Advance(rest, new TimeInterval(0, 0.5)), 1e-12);
        // and it is not where a chaotic winter stays
        Assert.True((new Lorenz84().Advance(rest + 0.1, new TimeInterval(0, 50)) - rest).abs().max().ToDouble() > 0.1);
    }

    [Fact]
    public void Lorenz_84_loses_volume_and_energy_at_the_known_rates()
    {
        // half the squared length changes by -a x^2 - y^2 - z^2 + a F x + G y: what moves energy between the parts is gone
        var model = new Lorenz84(0.002, 8, 1.23, 0.25, 4);
        var x = new AttractorInitialCondition(new Lorenz84(), 20).Draw(4, context.Random("l84"), ScalarType.Float64);
        Balance(model, x, state =>
        {
            Tensor u = state.select(-1, 0), y = state.select(-1, 1), z = state.select(-1, 2);
            return -0.25 * u * u - y * y - z * z + 0.25 * 8 * u + 1.23 * y;
        }, 1e-8);
    }

    [Fact]
    public void The_two_scale_model_exchanges_energy_between_its_scales_without_loss()
    {
        // half the squared length changes by -X^2 + F X - c Y^2, whatever the coupling
        foreach (double coupling in (double[])[0, 1])
        {
            var model = new TwoScaleLorenz96(coupling: coupling, timeStep: 0.0005);
            var start = new TwoScaleLorenz96(coupling: coupling);
            var x = start.UsualInitialCondition().Draw(2, context.Random("two scales"), ScalarType.Float64);
            Balance(model, x, state =>
            {
                Tensor slow = state.narrow(-1, 0, 8), fast = state.narrow(-1, 8, 256);
                return (20 * slow - slow.square()).sum([-1]) - 10 * fast.square().sum([-1]);
            }, 1e-7);
        }
    }

    [Fact]
    public void The_two_scale_model_equals_the_equations_written_site_by_site()
    {
        const int slow = 5, fast = 3;
        const double f = 18, h = 0.9, b = 8, c = 7, step = 1e-4;
        var x = Numbers.Normal(1, slow + slow * fast);
        double[] s = x.data<double>().ToArray();
        double X(int k) => s[(k + slow) % slow];
        double Y(int i) => s[slow + (i + slow * fast) % (slow * fast)];
        var rate = new double[s.Length];
        for (int k = 0; k < slow; k++)
            rate[k] = -X(k - 1) * (X(k - 2) - X(k + 1)) - X(k) + f - h * c / b * Enumerable.Range(0, fast).Sum(j => Y(j + fast * k));
        for (int i = 0; i < slow * fast; i++)
            rate[slow + i] = -c * b * Y(i + 1) * (Y(i + 2) - Y(i - 1)) - c * Y(i) + h * c / b * X(i / fast);
        // the rate of change at the start, from two steps of different length
        Tensor Difference(double t) => (new TwoScaleLorenz96(slow, fast, f, h, b, c, t).Advance(x, new TimeInterval(0, t)) - x) / t;
        Numbers.Close(tensor(rate), (4 * Difference(step / 40) - Difference(step / 10)) / 3, 1e-5);
    }

    [Fact]
    public void The_two_scale_models_climate_is_that_of_Wilks()
    {
        var model = new TwoScaleLorenz96();
        var x = model.UsualInitialCondition().Draw(100, context.Random("climate"), ScalarType.Float64);
        var slow = x.narrow(-1, 0, 8);
        // F = 20: X between about -9 and 15 in the scatter of Wilks (2005, figure 2b), fast variables small and mostly positive where X is
        Assert.InRange(slow.min().ToDouble(), -11, -3);
        Assert.InRange(slow.max().ToDouble(), 9, 18);
        Assert.InRange(x.narrow(-1, 8, 256).std().ToDouble(), 0.1, 0.6);
        // what the fast ones take from a slow one, against Wilks's regression 0.262 + 1.45 X - 0.0121 X^2 - 0.00713 X^3 + 0.000296 X^4
        var taken = x.narrow(-1, 8, 256).reshape(100, 8, 32).sum([-1]);
        var regression = 0.262 + 1.45 * slow - 0.0121 * slow.pow(2) - 0.00713 * slow.pow(3) + 0.000296 * slow.pow(4);
        Assert.InRange((taken - regression).mean().ToDouble(), -0.5, 0.5);
        Assert.InRange((taken - regression).std().ToDouble(), 0.5, 3);
        Assert.InRange(((taken - taken.mean()) * (regression - regression.mean())).mean().ToDouble() / (taken.std() * regression.std())
            .ToDouble(), 0.8, 1);
    }

    [Fact]
    public void Only_the_slow_variables_are_observed()
    {
        var model = new TwoScaleLorenz96(6, 4);
        var network = ObservationNetwork.SlowVariables(model, 0.1);
        var x = Numbers.Normal(1, 2, 30);
        Assert.Equal(x.narrow(-1, 0, 6).Bits(), network.Operator.Apply(x).Bits());
        Assert.Equal(6, network.Error.Dimension);
        Assert.Throws<ArgumentOutOfRangeException>(() => new TwoScaleLorenz96(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TwoScaleLorenz96(6, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TwoScaleLorenz96(scaleRatio: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TwoScaleLorenz96(coupling: double.NaN));
    }

    // Half the squared length changes by the integral of its rate (Simpson's rule over steps of the model).
    private static void Balance(IDynamics model, Tensor state, Func<Tensor, Tensor> rate, double tolerance)
    {
        double h = model.TimeStep;
        Tensor Energy(Tensor x) => x.square().sum([-1]) / 2;
        var (before, x, integral) = (Energy(state), state, zeros_like(rate(state)));
        const int pairs = 100;
        for (int i = 0; i < pairs; i++)
        {
            Tensor middle = model.Advance(x, new TimeInterval(0, h)), end = model.Advance(middle, new TimeInterval(0, h));
            integral += h / 3 * (rate(x) + 4 * rate(middle) + rate(end));
            x = end;
        }
        Assert.True((Energy(x) - before).abs().min().ToDouble() > 1e-3);
        Numbers.Close(Energy(x) - before, integral, tolerance);
    }
}
