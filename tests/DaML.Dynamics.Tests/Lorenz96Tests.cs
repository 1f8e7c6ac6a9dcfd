using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class Lorenz96Tests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    public void Dispose() => scope.Dispose();

    /// <summary>Forecasts of the Lorenz-95 model of OOPS (JCSDA): classical Runge-Kutta, dt = 0.0125; x = 8 but for one site.</summary>
    [Theory]
    [InlineData(9, 9.0, 16, 6.5589469828665576, 9.2781169031407753, 8.0114870375908573)]
    [InlineData(9, 9.0, 18, 6.5621267105339616, 9.5857248071988064, 8.0069242674255463)]
    [InlineData(19, 7.0, 48, -5.2310406392601312, 15.276437168335866, 6.4563081299850511)]
    public void Forecasts_equal_those_of_OOPS(long site, double value, long steps, double minimum, double maximum, double mean)
    {
        var model = new Lorenz96(40, 8, 0.0125);
        var start = Perturbed(site, value);
        var tracked = start.clone().requires_grad_();
        foreach (var end in (Tensor[])[
            model.Advance(start, new TimeInterval(0, steps * 0.0125)),
            model.Advance(tracked, new TimeInterval(0, steps * 0.0125)),
            model.Advance(start.expand(5, 3, 40), new TimeInterval(0, steps * 0.0125))[4, 2]])
        {
            Assert.Equal(minimum, end.min().ToDouble(), 1e-13 * Math.Abs(minimum));
            Assert.Equal(maximum, end.max().ToDouble(), 1e-13 * maximum);
            Assert.Equal(mean, end.mean().ToDouble(), 1e-13 * mean);
        }
    }

    [Theory, InlineData(4), InlineData(5), InlineData(6), InlineData(40), InlineData(41)]
    public void One_step_equals_the_equation_written_site_by_site(int n)
    {
        var model = new Lorenz96(n, 7.3, 0.05);
        var x = Numbers.Normal(n, 2, 3, n) * 4;
        foreach (var state in (Tensor[])[x, x.clone().requires_grad_(), x.transpose(0, 1).contiguous().transpose(0, 1)])
        {
            var given = model.Advance(state, new TimeInterval(0, 0.05));
            for (int b = 0; b < 2; b++)
                for (int m = 0; m < 3; m++)
                    Numbers.Close(tensor(RungeKutta(x[b, m].data<double>().ToArray(), 7.3, 0.05)), given[b, m], 1e-14);
        }
    }

    [Theory]
    [InlineData(4, ScalarType.Float64, 1e-13), InlineData(5, ScalarType.Float32, 1e-5), InlineData(40, ScalarType.Float64, 1e-13),
        InlineData(40, ScalarType.Float32, 1e-5), InlineData(1003, ScalarType.Float64, 1e-13)]
    public void Everything_equals_what_the_tendency_alone_gives(long n, ScalarType dtype, double tolerance)
    {
        IDynamics fast = new Lorenz96(n), plain = new PlainLorenz96(n);
        var interval = new TimeInterval(0, 0.15);
        Tensor x = (Numbers.Normal(1, 60, 3, n) * 3 + 2).to_type(dtype), v = Numbers.Normal(2, 60, 3, n).to_type(dtype);
        foreach (bool gradients in (bool[])[true, false])
        {
            using var mode = set_grad_enabled(gradients);
            Numbers.Close(plain.Advance(x, interval), fast.Advance(x, interval), tolerance);
            Numbers.Close(plain.TangentLinear(x, v, interval), fast.TangentLinear(x, v, interval), tolerance);
            Numbers.Close(plain.Adjoint(x, v, interval), fast.Adjoint(x, v, interval), tolerance);
        }

        // gradient and gradient of the gradient
        Tensor First(IDynamics model, Tensor at, bool again) =>
            autograd.grad([model.Advance(at, interval)], [at], [v], retain_graph: again, create_graph: again)[0];
        Tensor a = x.clone().requires_grad_(), b = x.clone().requires_grad_();
        Numbers.Close(First(plain, a, false), First(fast, b, false), tolerance);
        Numbers.Close(autograd.grad([(First(plain, a, true) * v).sum()], [a])[0], autograd.grad([(First(fast, b, true) * v).sum()], [b])[0],
            tolerance);
        Assert.False(First(fast, b, false).requires_grad);
    }

    [Collection(nameof(ThreadCounts))]
    public sealed class Threads
    {
        [Fact]
        public void The_number_of_threads_changes_nothing()
        {
            var model = new Lorenz96();
            var x = Numbers.Normal(3, 3000, 40) * 4;
            var alone = ThreadCounts.With(1, () => model.Advance(x, new TimeInterval(0, 0.1)).Bits());
            Assert.Equal(alone, ThreadCounts.With(3, () => model.Advance(x, new TimeInterval(0, 0.1)).Bits()));
            Assert.Equal(model.Advance(x[17], new TimeInterval(0, 0.1)).Bits(), model.Advance(x, new TimeInterval(0, 0.1))[17].Bits());
        }
    }

    [Fact]
    public void It_is_equivariant_under_rotations_of_the_circle()
    {
        var model = new Lorenz96();
        var x = Numbers.Normal(1, 3, 40) * 4;
        var interval = new TimeInterval(0, 1);
        Assert.Equal(model.Advance(x, interval).roll(7, -1).Bits(), model.Advance(x.roll(7, -1), interval).Bits());
    }

    [Fact]
    public void Single_precision_follows_double_precision()
    {
        var model = new Lorenz96();
        var x = Numbers.Normal(2, 3, 40) * 4;
        var single = model.Advance(x.@float(), new TimeInterval(0, 0.5));
        Assert.Equal(ScalarType.Float32, single.dtype);
        Numbers.Close(model.Advance(x, new TimeInterval(0, 0.5)), single.@double(), 2e-5);
    }

    [Fact]
    public void Its_climate_is_the_known_one()
    {
        var context = new DataAssimilationContext(1);
        var x = new AttractorInitialCondition(new Lorenz96(), 20).Draw(500, context.Random("climate"), ScalarType.Float64);
        Assert.InRange(x.mean().ToDouble(), 2.25, 2.45);     // about 2.34
        Assert.InRange(x.std().ToDouble(), 3.55, 3.75);      // about 3.64
    }

    [Fact]
    public void Bad_settings_and_states_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Lorenz96(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Lorenz96(-40));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Lorenz96(40, double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Lorenz96(40, 8, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Lorenz96(40, 8, -0.05));
        var model = new Lorenz96();
        var refused = Assert.Throws<ArgumentException>(() =>
            model.Advance(zeros([2, 39], dtype: ScalarType.Float64), new TimeInterval(0, 0.05)));
        Assert.Contains("Lorenz-96", refused.Message);
        Assert.Contains("40", refused.Message);
        Assert.Contains("[2, 39]", refused.Message);
        Assert.Throws<ArgumentException>(() => model.Advance(zeros([2, 40], dtype: ScalarType.Int64), new TimeInterval(0, 0.05)));
        Assert.Throws<ArgumentException>(() => model.Advance(zeros([2, 40], dtype: ScalarType.Float64), new TimeInterval(0, 0.07)));
        Assert.Throws<ArgumentException>(() => model.Advance(zeros([2, 40], dtype: ScalarType.Float64), new TimeInterval(0, -0.05)));
        Assert.Throws<ArgumentException>(() =>
            model.TangentLinear(zeros([2, 40], dtype: ScalarType.Float64), zeros([1, 40], dtype: ScalarType.Float64),
                new TimeInterval(0, 0.05)));
        Assert.Throws<ArgumentException>(() =>
            model.Adjoint(zeros([2, 40], dtype: ScalarType.Float64), zeros([40], dtype: ScalarType.Float64), new TimeInterval(0, 0.05)));
    }

    private static Tensor Perturbed(long site, double value)
    {
        var x = full([40], 8, dtype: ScalarType.Float64);
        x[site] = value;
        return x;
    }

    private static double[] RungeKutta(double[] x, double forcing, double h)
    {
        int n = x.Length;
        double[] F(double[] y) =>
            [.. Enumerable.Range(0, n).Select(i => (y[(i + 1) % n] - y[(i + n - 2) % n]) * y[(i + n - 1) % n] - y[i] + forcing)];
        double[] Plus(double[] k, double weight) => [.. x.Zip(k, (a, b) => a + weight * b)];
        double[] k1 = F(x), k2 = F(Plus(k1, h / 2)), k3 = F(Plus(k2, h / 2)), k4 = F(Plus(k3, h));
        return [.. Enumerable.Range(0, n).Select(i => x[i] + h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]))];
    }
}
