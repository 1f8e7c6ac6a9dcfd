using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class KuramotoSivashinskyTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    public void Dispose() => scope.Dispose();

    /// <summary>
    /// From the initial condition of Kassam and Trefethen (2005), cos(x/16) (1 + sin(x/16)), against another discretisation of
    /// both space and time: differentiation matrices in closed form (Trefethen 2000, Spectral Methods in MATLAB, chapter 3)
    /// and the classical Runge-Kutta method with steps so small that it is stable.
    /// </summary>
    [Fact]
    public void It_converges_to_the_solution_of_another_scheme()
    {
        const double end = 6;
        var start = Start(128);
        var reference = Explicit(start, 32 * Math.PI, end, 0.0025);
        double Error(double h) =>
            (new KuramotoSivashinsky(timeStep: h).Advance(start, new TimeInterval(0, end)) - reference).abs().max().ToDouble();
        // The order 4 is reached late: the fastest waves decay e^60-fold in a step of 1/4.
        double[] errors = [.. ((double[])[0.25, 1.0 / 32, 1.0 / 64, 1.0 / 128]).Select(Error)];
        Assert.InRange(errors[0], 1e-6, 2e-5);
        Assert.InRange(errors[1] / errors[2], 10, 17);
        Assert.InRange(errors[2] / errors[3], 12, 17);
        Assert.InRange(errors[3], 0, 5e-10);
    }

    /// <summary>
    /// ETDRK4 in Fourier space, its coefficients by the functions phi_k(z) = (phi_{k-1}(z) - 1/(k-1)!) / z: f1 = phi1 - 3 phi2 + 4 phi3, f2
    /// = phi2 - 2 phi3, f3 = 4 phi3 - phi2.
    /// </summary>
    [Theory, InlineData(16, 22.0, 0.25), InlineData(17, 22.0, 0.5), InlineData(32, 100.0, 0.25), InlineData(64, 100.0, 1.0)]
    public void A_step_equals_the_scheme_written_in_Fourier_space(int n, double length, double h)
    {
        int modes = n / 2 + 1;
        Complex[] Transform(double[] u) =>
            [.. Enumerable.Range(0, modes)
                .Select(k =>
                    Enumerable.Range(0, n)
                        .Aggregate(Complex.Zero, (sum, i) => sum + u[i] * Complex.Exp(-2 * Math.PI * k * i / n * Complex.ImaginaryOne)))];
        double[] Back(Complex[] v) =>
            [.. Enumerable.Range(0, n)
                .Select(i =>
                    Enumerable.Range(0, modes)
                        .Sum(k => (k == 0 || 2 * k == n ? 1
                            : 2) * (v[k] * Complex.Exp(2 * Math.PI * k * i / n * Complex.ImaginaryOne)).Real) / n)];
        double[] wave = [.. Enumerable.Range(0, modes).Select(k => 2 * Math.PI * k / length)];
        double[] z = [.. wave.Select(k => h * (k * k - k * k * k * k))];
        Complex[] N(Complex[] v) =>
            [.. Transform([.. Back(v).Select(u => u * u)])
                .Select((square, k) => 2 * k == n ? 0 : -0.5 * Complex.ImaginaryOne * wave[k] * square)];
        Complex[] Sum(params (Func<double, double> Factor, Complex[] Term)[] terms) =>
            [.. z.Select((at, k) => terms.Aggregate(Complex.Zero, (sum, term) => sum + term.Factor(at) * term.Term[k]))];

        var x = Waves(n);
        Complex[] v = Transform(x.data<double>().ToArray()), nv = N(v);
        double Half(double at) => Math.Exp(at / 2);
        double Stage(double at) => h / 2 * Phi(1, at / 2);
        Complex[] a = Sum((Half, v), (Stage, nv)), na = N(a), b = Sum((Half, v), (Stage, na)), nb = N(b);
        Complex[] c = Sum((Half, a), (at => 2 * Stage(at), nb), (at => -Stage(at), nv)), nc = N(c);
        var expected = Back(Sum((Math.Exp, v), (at => h * (Phi(1, at) - 3 * Phi(2, at) + 4 * Phi(3, at)), nv),
            (at => 2 * h * (Phi(2, at) - 2 * Phi(3, at)), na), (at => 2 * h * (Phi(2, at) - 2 * Phi(3, at)), nb),
            (at => h * (4 * Phi(3, at) - Phi(2, at)), nc)));
        Numbers.Close(tensor(expected), new KuramotoSivashinsky(n, length, h).Advance(x, new TimeInterval(0, h)), 1e-13);
    }

    private static double Phi(int k, double z)
    {
        if (Math.Abs(z) > 2) return k == 0 ? Math.Exp(z) : (Phi(k - 1, z) - 1 / Factorial(k - 1)) / z;
        double sum = 0;
        for (int j = 30; j >= 0; j--) sum += Math.Pow(z, j) / Factorial(j + k);
        return sum;
    }

    private static double Factorial(int n) => Enumerable.Range(1, n).Aggregate(1.0, (product, i) => product * i);

    [Fact]
    public void An_odd_number_of_points_and_another_domain_solve_the_same_equation()
    {
        const double length = 22, end = 5;
        Tensor At(int n) => Waves(n);
        var reference = Explicit(At(33), length, end, 0.002);
        Numbers.Close(reference, new KuramotoSivashinsky(33, length, 0.02).Advance(At(33), new TimeInterval(0, end)), 1e-6);
        // on twice the points, the same function, as far as 33 points resolve it
        var twice = new KuramotoSivashinsky(66, length, 0.02).Advance(At(66), new TimeInterval(0, end));
        Numbers.Close(reference, twice.reshape(33, 2).select(1, 0), 1e-4);
    }

    [Fact]
    public void Small_waves_grow_and_die_at_the_rates_of_the_linear_equation()
    {
        var model = new KuramotoSivashinsky(64, 32 * Math.PI, 0.25);
        foreach (int wave in (int[])[1, 8, 11, 15, 16, 17, 24, 31, 32])
        {
            double k = wave / 16.0, time = 2;
            var u = 1e-9 * (2 * Math.PI * wave / 64 * arange(64, dtype: ScalarType.Float64)).cos();
            Numbers.Close(Math.Exp((k * k - k * k * k * k) * time) * u * 1e9, model.Advance(u, new TimeInterval(0, time)) * 1e9, 1e-7);
        }
    }

    [Fact]
    public void It_conserves_the_mean_and_keeps_its_symmetries()
    {
        var model = new KuramotoSivashinsky();
        using var random = new RandomStream(1, "states", CPU);
        var u = model.InitialCondition!.Draw(2, random, ScalarType.Float64);
        var interval = new TimeInterval(0, 5);
        Numbers.Close((u + 0.3).mean([-1]), model.Advance(u + 0.3, interval).mean([-1]), 1e-12);
        var after = model.Advance(u, interval);
        Numbers.Close(after.roll(17, -1), model.Advance(u.roll(17, -1), interval), 1e-10);
        Numbers.Close(-after.flip(-1), model.Advance(-u.flip(-1), interval), 1e-10);
        // Galilei: the frame that moves with 0.5 sees the same, shifted by 0.5 * 5 = 2.5 of 32 pi; 128 points resolve it by sites of pi / 4
        var moving = model.Advance(u + Math.PI / 4 / 5 * 3, interval) - Math.PI / 4 / 5 * 3;
        Numbers.Close(after.roll(3, -1), moving, 1e-3);
    }

    [Fact]
    public void Its_climate_and_its_growth_of_errors_are_the_known_ones()
    {
        var model = new KuramotoSivashinsky();
        using var random = new RandomStream(2, "states", CPU);
        var u = model.InitialCondition!.Draw(12, random, ScalarType.Float64);
        Assert.InRange(u.mean().abs().ToDouble(), 0, 1e-12);
        Assert.InRange(u.std().ToDouble(), 1.2, 1.4); // climatology of DAPPER's settings of Bocquet and Farchi (2019): 1.3

        // the largest Lyapunov exponent grows to about 0.09 in wide domains (Edson et al. 2019)
        var dx = random.Normal(u.shape, ScalarType.Float64);
        double growth = 0;
        const int spinUp = 20, count = 60;
        for (int i = 0; i < spinUp + count; i++)
        {
            using var step = NewDisposeScope();
            var next = model.TangentLinear(u, dx, new TimeInterval(0, 2));
            var size = next.norm(-1, keepdim: true, p: 2f);
            if (i >= spinUp) growth += size.log().mean().ToDouble() / (2 * count);
            (u, dx) = (model.Advance(u, new TimeInterval(0, 2)).MoveToOuterDisposeScope(), (next / size).MoveToOuterDisposeScope());
        }
        Assert.InRange(growth, 0.07, 0.11);
    }

    [Fact]
    public void Bad_settings_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new KuramotoSivashinsky(7));
        Assert.Throws<ArgumentOutOfRangeException>(() => new KuramotoSivashinsky(128, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new KuramotoSivashinsky(128, double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new KuramotoSivashinsky(128, 20, -1));
    }

    private static Tensor Start(int n)
    {
        var x = 2 * Math.PI * arange(n, dtype: ScalarType.Float64) / n; // x / 16
        return x.cos() * (1 + x.sin());
    }

    private static Tensor Waves(int n)
    {
        var x = 2 * Math.PI * arange(n, dtype: ScalarType.Float64) / n;
        return x.cos() * (1 + x.sin()) + 0.3 * (3 * x).sin();
    }

    // u' = -D (u^2) / 2 - D2 u - D2^2 u by the classical Runge-Kutta method.
    private static Tensor Explicit(Tensor start, double length, double end, double h)
    {
        long n = start.shape[0];
        double scale = 2 * Math.PI / length, step = 2 * Math.PI / n;
        bool even = n % 2 == 0;
        Tensor Toeplitz(Func<long, double> entry)
        {
            var values = new double[n, n];
            for (long i = 0; i < n; i++)
                for (long j = 0; j < n; j++) values[i, j] = entry(i - j);
            return tensor(values);
        }
        double Sign(long d) => d % 2 == 0 ? 1 : -1;
        var first = scale * Toeplitz(d => d == 0 ? 0 : even ? Sign(d) / 2 / Math.Tan(d * step / 2) : Sign(d) / 2 / Math.Sin(d * step / 2));
        var second = scale * scale * Toeplitz(d => even
            ? d == 0 ? -Math.PI * Math.PI / (3 * step * step) - 1.0 / 6 : -Sign(d) / 2 / Math.Pow(Math.Sin(d * step / 2), 2)
            : d == 0 ? (1 - n * n) / 12.0 : -Sign(d) / 2 * Math.Cos(d * step / 2) / Math.Pow(Math.Sin(d * step / 2), 2));
        Tensor linear = -(second + matmul(second, second)).T.contiguous(), flux = -0.5 * first.T.contiguous();
        Tensor Tendency(Tensor u) => matmul(u, linear) + matmul(u.square(), flux);
        var x = start;
        for (int i = 0; i < (int)Math.Round(end / h); i++)
        {
            using var inner = NewDisposeScope();
            Tensor k1 = Tendency(x), k2 = Tendency(x + h / 2 * k1), k3 = Tendency(x + h / 2 * k2), k4 = Tendency(x + h * k3);
            x = (x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)).MoveToOuterDisposeScope();
        }
        return x;
    }
}
