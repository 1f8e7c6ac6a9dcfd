using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The shallow-water model against what its equations and its scheme say.</summary>
public sealed class ShallowWaterTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    public static TheoryData<bool, bool> Boundaries => new() { { false, false }, { true, false }, { false, true }, { true, true } };

    [Fact]
    public void The_state_is_packed_as_in_the_paper()
    {
        var model = new ShallowWater();
        Assert.Equal(12160, model.Dimension);
        var x = arange(model.Dimension, dtype: ScalarType.Float64);
        Assert.Equal([64, 64], model.Height(x).shape);
        Assert.Equal([64, 63], model.VelocityX(x).shape);
        Assert.Equal([63, 64], model.VelocityY(x).shape);
        Assert.Equal(x.Bits(), model.State(model.Height(x), model.VelocityX(x), model.VelocityY(x)).Bits());
        Assert.Equal(64 * 64 + 63, model.VelocityX(x)[1, 0].ToDouble());
        Assert.Equal(3 * 32 * 32, new ShallowWater(Free(true, true)).Dimension);
    }

    /// <summary>
    /// The fluxes of neighbouring cells cancel, so the volume changes by round-off alone, in wind, drag and viscosity too.
    /// </summary>
    [Theory, MemberData(nameof(Boundaries))]
    public void Volume_is_conserved(bool periodicX, bool periodicY)
    {
        var model = ShallowWaterKernelTests.Model(20, 14, periodicX, periodicY);
        var x = ShallowWaters.Random(model, 1, 3);
        var end = model.Advance(x, new TimeInterval(0, 200 * model.TimeStep));
        double change = (model.Volume(end) - model.Volume(x)).abs().max().ToDouble();
        double size = model.Height(x).abs().sum([-2, -1]).max().ToDouble() * 3e4 * 2.5e4;
        Assert.InRange(change, 0, 1e-13 * size);
    }

    /// <summary>The energy's gradient is orthogonal to the tendency: space conserves exactly, whatever the state.</summary>
    [Theory, MemberData(nameof(Boundaries))]
    public void The_space_discretisation_conserves_energy(bool periodicX, bool periodicY)
    {
        var model = new ShallowWater(Free(periodicX, periodicY));
        var x = ShallowWaters.Random(model, 2);
        var tracked = x.clone().requires_grad_();
        model.Energy(tracked).backward();
        var terms = tracked.grad! * model.TimeDerivative(x);
        Assert.InRange(Math.Abs(terms.sum().ToDouble()), 0, 1e-14 * terms.abs().sum().ToDouble());
    }

    /// <summary>
    /// The Runge-Kutta method damps a wave by a part of the order of h^5 over a given time, and half the step therefore by a 32nd.
    /// </summary>
    [Fact]
    public void Energy_drifts_with_the_fifth_power_of_the_time_step()
    {
        double Drift(double step)
        {
            var model = new ShallowWater(Free(false, false) with { TimeStep = step });
            var x = Smooth(model);
            var end = model.Advance(x, new TimeInterval(0, 40 * 3600));
            return (model.Energy(end) / model.Energy(x) - 1).ToDouble();
        }
        double coarse = Drift(3600), fine = Drift(1800);
        Assert.True(coarse < 0 && coarse > -1e-3, $"drift {coarse:g4}");
        Assert.InRange(coarse / fine, 25, 40);
    }

    [Fact]
    public void Time_steps_converge_with_order_four()
    {
        Tensor End(double step)
        {
            var model = new ShallowWater(Free(false, false) with { TimeStep = step });
            return model.Advance(Smooth(model), new TimeInterval(0, 24 * 3600));
        }
        var exact = End(225);
        double coarse = (End(3600) - exact).norm().ToDouble(), fine = (End(1800) - exact).norm().ToDouble();
        Assert.InRange(Math.Log2(coarse / fine), 3.7, 4.3);
    }

    /// <summary>The tendency of smooth periodic fields against the equations differentiated by hand, at each field's own points.</summary>
    [Fact]
    public void Space_converges_with_order_two()
    {
        double[] errors = [.. ((int[])[24, 48, 96]).Select(cells =>
        {
            const double side = 1.8e6, g = 0.02, depth = 500, f = 7e-5, nu = 3000, drag = 1e-6;
            var model = new ShallowWater(new ShallowWaterOptions
            {
                CellsX = cells, CellsY = cells, PeriodicX = true, PeriodicY = true, Beta = 0, Viscosity = nu, Drag = drag, WindStress = 0,
                TimeStep = 300,
            });
            double k = 2 * Math.PI / side, d = side / cells;
            // eta = a sin kx cos ky, u = b cos kx cos ky + b/2, v = b sin kx sin 2ky
            double a = 40, b = 0.4;
            double Eta(double x, double y) => a * Math.Sin(k * x) * Math.Cos(k * y);
            double EtaX(double x, double y) => a * k * Math.Cos(k * x) * Math.Cos(k * y);
            double EtaY(double x, double y) => -a * k * Math.Sin(k * x) * Math.Sin(k * y);
            double U(double x, double y) => b * Math.Cos(k * x) * Math.Cos(k * y) + b / 2;
            double Ux(double x, double y) => -b * k * Math.Sin(k * x) * Math.Cos(k * y);
            double Uy(double x, double y) => -b * k * Math.Cos(k * x) * Math.Sin(k * y);
            double V(double x, double y) => b * Math.Sin(k * x) * Math.Sin(2 * k * y);
            double Vx(double x, double y) => b * k * Math.Cos(k * x) * Math.Sin(2 * k * y);
            double Vy(double x, double y) => 2 * b * k * Math.Sin(k * x) * Math.Cos(2 * k * y);
            double EtaT(double x, double y) => -(depth + Eta(x, y)) * (Ux(x, y) + Vy(x, y)) - EtaX(x, y) * U(x, y) - EtaY(x, y) * V(x, y);
            double UT(double x, double y) =>
                -U(x, y) * Ux(x, y) - V(x, y) * Uy(x, y) +
                f * V(x, y) - g * EtaX(x, y) - 2 * nu * k * k * (U(x, y) - b / 2) - drag * U(x, y);
            double VT(double x, double y) =>
                -U(x, y) * Vx(x, y) - V(x, y) * Vy(x, y) - f * U(x, y) - g * EtaY(x, y) - 5 * nu * k * k * V(x, y) - drag * V(x, y);
            Tensor Field(Func<double, double, double> value, double east, double north) =>
                tensor(Enumerable.Range(0, cells * cells).Select(i => value((i % cells + east) * d, (i / cells + north) * d)).ToArray())
                    .reshape(cells, cells);
            var state = model.State(Field(Eta, 0.5, 0.5), Field(U, 1, 0.5), Field(V, 0.5, 1));
            var rate = model.TimeDerivative(state);
            double Error(Tensor given, Tensor exact) => ((given - exact).square().mean() / exact.square().mean()).sqrt().ToDouble();
            return Error(model.Height(rate), Field(EtaT, 0.5, 0.5)) + Error(model.VelocityX(rate), Field(UT, 1, 0.5)) +
                Error(model.VelocityY(rate), Field(VT, 0.5, 1));
        })];
        Assert.InRange(errors[^1], 0, 0.01);
        Assert.InRange(Math.Log2(errors[0] / errors[1]), 1.9, 2.1);
        Assert.InRange(Math.Log2(errors[1] / errors[2]), 1.9, 2.1);
    }

    /// <summary>A jet along x whose height is integrated from the discrete balance q mean_y(U) = -dB/dy stays as it is.</summary>
    [Fact]
    public void A_balanced_jet_is_steady()
    {
        var options = new ShallowWaterOptions { CellsX = 12, CellsY = 40, PeriodicX = true, Viscosity = 0, Drag = 0, WindStress = 0 };
        var model = new ShallowWater(options);
        double dy = options.LengthY / 40, g = options.Gravity, depth = options.Depth;
        double[] u = [.. Enumerable.Range(0, 40).Select(j => 0.3 * Math.Exp(-Math.Pow((j - 19.5) / 5, 2)))], eta = new double[40];
        for (int j = 0; j + 1 < 40; j++)
        {
            double f = options.Coriolis + options.Beta * ((j + 1) * dy - options.LengthY / 2), vorticity = f - (u[j + 1] - u[j]) / dy;
            eta[j + 1] = eta[j];
            for (int i = 0; i < 100; i++)
            {
                double flux = ((depth + eta[j]) * u[j] + (depth + eta[j + 1]) * u[j + 1]) / 2,
                    q = vorticity / (depth + (eta[j] + eta[j + 1]) / 2);
                eta[j + 1] = eta[j] + (u[j] * u[j] - u[j + 1] * u[j + 1]) / (2 * g) - dy * q * flux / g;
            }
        }
        var state = model.State(tensor(eta).unsqueeze(-1).expand(40, 12), tensor(u).unsqueeze(-1).expand(40, 12),
            zeros([39, 12], dtype: ScalarType.Float64));
        var end = model.Advance(state, new TimeInterval(0, 10 * ShallowWater.Day));
        Assert.True(model.Height(state).abs().max().ToDouble() > 20);
        Assert.InRange((model.Height(end) - model.Height(state)).abs().max().ToDouble(), 0, 1e-10);
        Assert.InRange(model.VelocityY(end).abs().max().ToDouble(), 0, 1e-12);
    }

    /// <summary>
    /// A wave of small amplitude along x is an eigenvector of the discrete system with the frequency w = 2 c sin(k dx / 2) / dx, and a
    /// step multiplies it by 1 + z + z^2/2 + z^3/6 + z^4/24, z = -i w h.
    /// </summary>
    [Theory, InlineData(1), InlineData(3), InlineData(7)]
    public void A_gravity_wave_has_the_speed_of_the_discrete_dispersion_relation(int waves)
    {
        const int cells = 20, steps = 30;
        var model = new ShallowWater(Free(true, true) with { CellsX = cells, CellsY = 4, Coriolis = 0 });
        double dx = model.Options.LengthX / cells, k = 2 * Math.PI * waves / model.Options.LengthX,
            c = Math.Sqrt(model.Options.Gravity * model.Options.Depth);
        double frequency = 2 * c / dx * Math.Sin(k * dx / 2);
        Complex z = new(0, -frequency * model.TimeStep), growth = Complex.Pow(1 + z * (1 + z / 2 * (1 + z / 3 * (1 + z / 4))), steps);
        const double amplitude = 1e-7;
        Tensor Wave(Complex factor)
        {
            Tensor Row(double east, double scale) =>
                tensor(Enumerable.Range(0, cells).Select(i => scale * (factor * Complex.Exp(new Complex(0, k * (i + east) * dx))).Real)
                    .ToArray()).expand(4, cells);
            return model.State(Row(0.5, amplitude), Row(1, amplitude * c / model.Options.Depth),
                zeros([4, cells], dtype: ScalarType.Float64));
        }
        ShallowWaters.CloseByField(model, Wave(growth) + 1e-20, model.Advance(Wave(1), new TimeInterval(0, steps * model.TimeStep)) + 1e-20,
            1e-7);
    }

    /// <summary>The double gyre spins up from rest, in both regimes, and stays within what the model can describe.</summary>
    [Fact]
    public void A_year_runs_through()
    {
        foreach (var options in (ShallowWaterOptions[])[ShallowWaterOptions.Calm, ShallowWaterOptions.Turbulent])
        {
            var model = new ShallowWater(options);
            using var random = new RandomStream(1, "rest", CPU);
            var end = model.Advance(model.InitialCondition.Draw(1, random, ScalarType.Float64),
                new TimeInterval(0, 365 * ShallowWater.Day));
            Assert.InRange(model.VelocityX(end).abs().max().ToDouble(), 0.01, 3);
            Assert.InRange(model.Height(end).abs().max().ToDouble(), 1, 450);
        }
    }

    [Theory]
    [InlineData(nameof(ShallowWaterOptions.CellsX)), InlineData(nameof(ShallowWaterOptions.Depth)),
        InlineData(nameof(ShallowWaterOptions.Gravity)), InlineData(nameof(ShallowWaterOptions.Density))]
    [InlineData(nameof(ShallowWaterOptions.Viscosity)), InlineData(nameof(ShallowWaterOptions.Drag)),
        InlineData(nameof(ShallowWaterOptions.LengthX)), InlineData(nameof(ShallowWaterOptions.TimeStep))]
    [InlineData(nameof(ShallowWaterOptions.WindStress)), InlineData(nameof(ShallowWaterOptions.WindStressX)),
        InlineData(nameof(ShallowWaterOptions.WindStressY)), InlineData(nameof(ShallowWaterOptions.Beta))]
    public void Bad_settings_are_refused(string name)
    {
        var good = new ShallowWaterOptions();
        var bad = name switch
        {
            nameof(ShallowWaterOptions.CellsX) => good with { CellsX = 2 },
            nameof(ShallowWaterOptions.Depth) => good with { Depth = 0 },
            nameof(ShallowWaterOptions.Gravity) => good with { Gravity = double.NaN },
            nameof(ShallowWaterOptions.Density) => good with { Density = -1 },
            nameof(ShallowWaterOptions.Viscosity) => good with { Viscosity = -1 },
            nameof(ShallowWaterOptions.Drag) => good with { Drag = double.PositiveInfinity },
            nameof(ShallowWaterOptions.LengthX) => good with { LengthX = 0 },
            nameof(ShallowWaterOptions.TimeStep) => good with { TimeStep = 1.001 * good.LongestTimeStep },
            nameof(ShallowWaterOptions.WindStress) => good with { WindStress = double.NaN },
            nameof(ShallowWaterOptions.WindStressX) => good with { WindStressX = new double[65] },
            nameof(ShallowWaterOptions.WindStressY) => good with { WindStressY = [.. Enumerable.Repeat(double.NaN, 64)] },
            _ => good with { PeriodicY = true },
        };
        Assert.Contains($"{name}", Assert.ThrowsAny<ArgumentException>(() => new ShallowWater(bad)).Message);
        Assert.ThrowsAny<ArgumentException>(() => new ShallowWaterInitialCondition(bad));
    }

    [Fact]
    public void The_message_on_a_long_time_step_says_the_limit()
    {
        var refused = Assert.Throws<ArgumentOutOfRangeException>(() => new ShallowWater(new() { TimeStep = 20000 }));
        Assert.Contains("20000", refused.Message);
        Assert.Contains($"{new ShallowWaterOptions().LongestTimeStep:g6}", refused.Message);
        // The limit is the one of the gravity waves: just below it the roughest wave stays, and it is far from the viscous one.
        var options = Free(true, true) with { Coriolis = 0 };
        var model = new ShallowWater(options with { TimeStep = 0.999 * options.LongestTimeStep });
        var rough = 1e-6 * ShallowWaters.Random(model, 3);
        double before = model.Energy(rough).ToDouble(),
            after = model.Energy(model.Advance(rough, new TimeInterval(0, 2000 * model.TimeStep))).ToDouble();
        Assert.InRange(after, 0, before);
    }

    [Fact]
    public void A_run_that_dries_out_is_reported_with_its_step()
    {
        var model = new ShallowWater(Free(false, false) with { WindStress = 0 });
        var calm = zeros([model.Dimension], dtype: ScalarType.Float64);
        // a current that empties its cells within some steps
        var storm = model.State(model.Height(calm), full([32, 31], 5.0, dtype: ScalarType.Float64), model.VelocityY(calm));
        var dried = Assert.Throws<ModelStateException>(() =>
            model.Advance(stack([calm, calm, calm, calm, calm, calm, storm]), new TimeInterval(7200, 7200 + 300 * model.TimeStep)));
        Assert.Equal(6, dried.Row);
        Assert.InRange(dried.Step, 2, 50);
        Assert.Equal(7200 + dried.Step * model.TimeStep, dried.Time);
        Assert.Contains($"step {dried.Step}", dried.Message);
        model.Advance(storm, new TimeInterval(0, (dried.Step - 1) * model.TimeStep));
        Assert.Equal(dried.Step,
            Assert.Throws<ModelStateException>(() => model.Advance(storm, new TimeInterval(0, dried.Step * model.TimeStep))).Step);
        Assert.Equal(dried.Step,
            Assert.Throws<ModelStateException>(() => model.Linearise(storm, new TimeInterval(0, 300 * model.TimeStep))).Step);
        Assert.Equal(0, Assert.Throws<ModelStateException>(() => model.Advance(calm / 0, new TimeInterval(0, model.TimeStep))).Step);
        // what failed leaves nothing behind
        Assert.Equal(calm.Bits(), model.Advance(calm, new TimeInterval(0, 5 * model.TimeStep)).Bits());
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        var model = new ShallowWater(Free(false, false));
        Tensor x = zeros([2, model.Dimension], dtype: ScalarType.Float64);
        var step = new TimeInterval(0, model.TimeStep);
        Assert.Throws<ArgumentException>(() => model.Advance(zeros([2, 7], dtype: ScalarType.Float64), step));
        Assert.Throws<ArgumentException>(() => model.Advance(x.to_type(ScalarType.Int64), step));
        Assert.Throws<ArgumentException>(() => model.Advance(x, new TimeInterval(0, 1.5 * model.TimeStep)));
        Assert.Throws<ArgumentException>(() => model.TangentLinear(x, x[0], step));
        Assert.Throws<ArgumentException>(() => model.Adjoint(x, x[0], step));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Linearise(x, step, new() { KeptStates = 0 }));
        using var linear = model.Linearise(x, step);
        Assert.Contains("2", Assert.Throws<ArgumentException>(() => linear.TangentLinear(x[0])).Message);
        Assert.Throws<ArgumentException>(() => linear.Adjoint(x.to_type(ScalarType.Float32)));
    }

    [Fact]
    public void Initial_heights_have_the_standard_deviation_that_was_asked_for()
    {
        var options = Free(false, true) with { InitialHeight = 12 };
        var initial = new ShallowWaterInitialCondition(options);
        using var random = new RandomStream(4, "initial", CPU);
        var draws = initial.Draw(400, random, ScalarType.Float64);
        var model = new ShallowWater(options);
        Assert.InRange(model.Height(draws).square().mean().sqrt().ToDouble(), 11.4, 12.6);
        Assert.InRange((model.Volume(draws) / (options.LengthX * options.LengthY)).abs().max().ToDouble(), 0, 1e-12);
        Assert.Equal(0, model.VelocityX(draws).abs().max().ToDouble());
        Assert.IsType<AttractorInitialCondition>(new ShallowWater(options with { SpinUpTime = 1e5 }).InitialCondition);
    }

    private static ShallowWaterOptions Free(bool periodicX, bool periodicY) => new()
    {
        CellsX = 32, CellsY = 32, PeriodicX = periodicX, PeriodicY = periodicY, Beta = periodicY ? 0
            : 2e-11, Viscosity = 0, Drag = 0, WindStress = 0,
    };

    // A bump of height that is well resolved.
    private static Tensor Smooth(ShallowWater model)
    {
        var x = (arange(model.Options.CellsX, dtype: ScalarType.Float64) + 0.5) / model.Options.CellsX;
        var bump = (-(x - 0.4).square() / 0.02).exp();
        var rest = zeros([model.Dimension], dtype: ScalarType.Float64);
        return model.State(30 * outer(bump, bump.flip(0)), model.VelocityX(rest), model.VelocityY(rest));
    }
}
