using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The network linear in the innovation: P^a = rho o (X X^T) against the dense formula, and what follows of it.</summary>
public sealed class InnovationLinearTests
{
    private static readonly AnalysisStatistics Statistics = new(40, 2.3, 3.6, 0.5);

    private static InnovationLinearOptions Options(StateGrid grid, double halfWidth = 2.3, long columns = 3) => new()
    {
        Network = new() { Filters = 4, Blocks = 1, SubBlocks = 2, KernelSize = 3, Grid = grid },
        Columns = columns,
        Radius = LocalisationRadius.HalfWidth(halfWidth),
    };

    private static InnovationLinearNetwork Network(InnovationLinearOptions options, ScalarType precision = ScalarType.Float64)
    {
        using var random = new RandomStream(7, "network", CPU);
        var network = new InnovationLinearNetwork(options, Statistics, precision, random);
        network.train();
        using (no_grad()) for (int i = 0; i < 5; i++) network.call(Inputs(8, 77, precision).Forecast, Inputs(8, 77, precision).Innovation);
        network.eval();
        return network;
    }

    private static (Tensor Forecast, Tensor Innovation) Inputs(long batch, long sites, ScalarType precision = ScalarType.Float64)
    {
        using var random = new RandomStream(8, "inputs", CPU);
        return (random.Normal([batch, sites], precision) * 3.6 + 2.3, random.Normal([batch, sites], precision));
    }

    private static double Largest(Tensor difference) => difference.abs().max().ToDouble();

    public static TheoryData<string> Grids => ["circle", "line", "torus", "cylinder", "plane"];

    private static StateGrid Grid(string name) => name switch
    {
        "circle" => StateGrid.Circle,
        "line" => StateGrid.Line,
        "torus" => StateGrid.Plane(11, 7, AxisEnds.Periodic, AxisEnds.Periodic),
        "cylinder" => StateGrid.Plane(11, 7, columnEnds: AxisEnds.Periodic),
        _ => StateGrid.Plane(11, 7),
    };

    // rho by hand, from the distance of every pair of sites.
    private static Tensor Localisation(StateGrid grid, double halfWidth)
    {
        long columns = grid.Columns ?? 77;
        double Apart(long a, long b, long size, AxisEnds ends) =>
            ends == AxisEnds.Periodic ? Math.Min(Math.Abs(a - b), size - Math.Abs(a - b)) : Math.Abs(a - b);
        double At(long i, long j) => LocalisationTaper.GaspariCohn.At(Math.Sqrt(
            Math.Pow(Apart(i / columns, j / columns, grid.Rows ?? 1, grid.RowEnds), 2)
            + Math.Pow(Apart(i % columns, j % columns, columns, grid.ColumnEnds), 2)) / halfWidth);
        return tensor(Enumerable.Range(0, 77 * 77).Select(k => At(k / 77, k % 77)).ToArray()).view(77, 77);
    }

    [Theory]
    [MemberData(nameof(Grids))]
    public void Its_covariance_is_the_dense_formula_in_every_form(string name)
    {
        using var scope = NewDisposeScope();
        var grid = Grid(name);
        double halfWidth = grid.Directions == 1 ? 4.6 : 1.7;
        var network = Network(Options(grid, halfWidth));
        var (forecast, innovation) = Inputs(3, 77);
        var covariance = network.Covariance(forecast);
        var x = covariance.Columns;                                                      // [3, m, 77]
        Assert.Equal([3, 3, 77], x.shape);
        var dense = Localisation(grid, halfWidth) * x.transpose(1, 2).matmul(x);
        Assert.Equal(0, Largest(covariance.ToMatrix() - dense), 1e-14);
        Assert.Equal(0, Largest(covariance.Diagonal - dense.diagonal(0, 1, 2)), 1e-14);
        Assert.Equal(0, Largest(covariance.Apply(innovation) - dense.matmul(innovation.unsqueeze(-1)).squeeze(-1)), 1e-13);
        Bits.Equal(network.call(forecast, innovation), covariance.Apply(innovation));
        Assert.Equal(grid.Directions == 1 ? 9 : 3, covariance.Reach);

        // The band, put back into matrices: the diagonal once, every other offset on both sides.
        var (offsets, band) = covariance.Band();
        var rebuilt = zeros(3, 77, 77, dtype: ScalarType.Float64);
        long rows = grid.Rows ?? 1, columns = grid.Columns ?? 77;
        for (int k = 0; k < offsets.Count; k++)
            for (long i = 0; i < 77; i++)
            {
                long row = i / columns + offsets[k].Rows, column = i % columns + offsets[k].Columns;
                if (grid.RowEnds == AxisEnds.Periodic) row = (row + rows) % rows;
                if (grid.ColumnEnds == AxisEnds.Periodic) column = (column + columns) % columns;
                if (row < 0 || row >= rows || column < 0 || column >= columns) { Assert.Equal(0, Largest(band[.., k, i])); continue; }
                long j = row * columns + column;
                rebuilt[.., i, j] = band[.., k, i];
                rebuilt[.., j, i] = band[.., k, i];
            }
        Assert.Equal((0, 0), offsets[0]);
        Assert.Equal(0, Largest(rebuilt - dense), 1e-14);
    }

    [Theory]
    [MemberData(nameof(Grids))]
    public void Its_covariance_is_symmetric_and_positive_with_more_directions_than_columns(string name)
    {
        using var scope = NewDisposeScope();
        var grid = Grid(name);
        var matrix = Network(Options(grid, grid.Directions == 1 ? 4.6 : 1.7)).Covariance(Inputs(3, 77).Forecast).ToMatrix();
        Assert.Equal(0, Largest(matrix - matrix.transpose(1, 2)), 1e-16);
        var eigenvalues = linalg.eigvalsh(matrix);                                       // [3, 77], rising
        double largest = eigenvalues.max().ToDouble();
        Assert.True(eigenvalues.min().ToDouble() > -1e-14 * largest);
        Assert.True((eigenvalues > 1e-6 * largest).sum(1L).min().ToInt64() > 60);
    }

    [Theory]
    [InlineData(ScalarType.Float64, 1e-13)]
    [InlineData(ScalarType.Float32, 1e-5)]
    public void It_is_linear_in_the_innovation_and_not_in_the_forecast(ScalarType precision, double tolerance)
    {
        using var scope = NewDisposeScope();
        var network = Network(Options(StateGrid.Circle), precision);
        var (forecast, innovation) = Inputs(3, 40, precision);
        var other = innovation.flip(1) * 0.7 + 0.1;
        var sum = network.call(forecast, innovation * 2.5 - other * 3);
        Assert.True(
            Largest(sum - (network.call(forecast, innovation) * 2.5 - network.call(forecast, other) * 3)) < tolerance * Largest(sum));
        Assert.Equal(0, Largest(network.call(forecast, zeros_like(innovation))));
        Assert.True(Largest(network.call(forecast.flip(1), innovation) - network.call(forecast, innovation)) > 1e-3);
    }

    [Theory]
    [InlineData(ScalarType.Float64, 1e-13)]
    [InlineData(ScalarType.Float32, 1e-5)]
    public void It_commutes_with_translations_and_its_sight_ends_at_the_reach(ScalarType precision, double tolerance)
    {
        using var scope = NewDisposeScope();
        var options = Options(StateGrid.Circle);
        var network = Network(options, precision);
        var (forecast, innovation) = Inputs(3, 100, precision);
        var increment = network.call(forecast, innovation);
        foreach (long shift in (long[])[1, 13, 99])
            Assert.True(Largest(network.call(forecast.roll(shift, 1), innovation.roll(shift, 1)) - increment.roll(shift, 1)) < tolerance);

        int reach = (int)options.Reach;
        Assert.Equal(4 + 4, reach);                                                      // (1 x 2 + 2) sites of the network, 4 of rho
        var small = network.call(forecast[.., ..60], innovation[.., ..60]);
        var difference = (increment[.., ..60] - small).abs().amax([0]);
        Assert.True(Largest(difference[reach..(60 - reach)]) < tolerance);
        Assert.True(difference[reach - 1].ToDouble() > 1e-7 && difference[60 - reach].ToDouble() > 1e-7);
    }

    // Gradients by finite differences, through the trunk and both factors of P^a.
    [Fact]
    public void Gradients_flow_through_the_covariance()
    {
        using var scope = NewDisposeScope();
        var network = Network(Options(StateGrid.Circle));
        var (forecast, innovation) = Inputs(2, 20);
        var direction = forecast.flip(1) / 3;
        var weights = innovation.roll(3, 1);
        Tensor Score(Tensor x) => (network.call(x, innovation) * weights).sum();
        var at = forecast.clone().requires_grad_();
        double slope = (autograd.grad([Score(at)], [at])[0] * direction).sum().ToDouble();
        const double step = 1e-5;
        double differences = ((Score(forecast + step * direction) - Score(forecast - step * direction)) / (2 * step)).ToDouble();
        Assert.Equal(differences, slope, 1e-7 * Math.Abs(slope) + 1e-9);
        Assert.True(Math.Abs(slope) > 1e-4);
    }

    [Fact]
    public void Tapers_that_are_no_correlations_and_bands_that_close_are_refused()
    {
        using var scope = NewDisposeScope();
        var options = Options(StateGrid.Circle);
        InnovationLinearNetwork With(InnovationLinearOptions changed) => Network(changed);
        Assert.Contains("is not a correlation",
            Assert.Throws<ArgumentException>(() => With(options with { Taper = LocalisationTaper.Boxcar })).Message);
        // its cut-off edge
        Assert.Contains("is not a correlation",
            Assert.Throws<ArgumentException>(() =>
                With(options with { Taper = LocalisationTaper.Gaussian, Radius = LocalisationRadius.HalfWidth(7) })).Message);
        With(options with { Taper = LocalisationTaper.Triangular });                     // one on a line, none on a plane
        Assert.Contains("is not a correlation",
            Assert.Throws<ArgumentException>(() =>
                With(Options(Grid("torus"), 1.7) with { Taper = LocalisationTaper.Triangular })).Message);
        Assert.Contains("end within",
            Assert.Throws<ArgumentException>(() => With(options with { Radius = LocalisationRadius.Infinite })).Message);
        Assert.Contains("Columns", Assert.Throws<ArgumentOutOfRangeException>(() => With(options with { Columns = 0 })).Message);
        Assert.Contains("InnovationTerm",
            Assert.Throws<ArgumentException>(() =>
                With(options with { Network = options.Network with { InnovationTerm = InnovationTerm.Trainable } })).Message);
        Assert.Contains("Inputs",
            Assert.Throws<ArgumentException>(() =>
                With(options with { Network = options.Network with { Inputs = AnalysisInputs.InnovationOnly } })).Message);
        var (forecast, innovation) = Inputs(2, 8);
        Assert.Contains("at least 9 sites", Assert.Throws<ArgumentException>(() => Network(options).call(forecast, innovation)).Message);
        Assert.Contains("scaled innovation",
            Assert.Throws<ArgumentException>(() => Network(options).call(Inputs(2, 9).Forecast, innovation)).Message);
    }

    [Fact]
    public void It_comes_back_from_a_file_to_the_bit()
    {
        using var scope = NewDisposeScope();
        foreach (var options in (InnovationLinearOptions[])[Options(StateGrid.Circle) with { Taper = LocalisationTaper.Triangular },
            Options(Grid("cylinder"), 1.5)])
        {
            var network = Network(options, ScalarType.Float32);
            var read = Reloaded.Of(network, new DataAssimilationContext());
            read.eval();
            Assert.Equal(network.Options, read.Options);
            Bits.Equal(network, read);
            var (forecast, innovation) = Inputs(2, 77, ScalarType.Float32);
            Bits.Equal(network.call(forecast, innovation), read.call(forecast, innovation));
        }
    }

    // Another unit of the state is another unit of its covariance and nothing else.
    [Fact]
    public void Its_covariance_has_the_states_unit_squared_and_a_size_that_the_number_of_columns_does_not_change()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var options = Options(StateGrid.Circle);
        InnovationLinearNetwork In(double unit, long columns)
        {
            using var random = new RandomStream(7, "network", CPU);
            var network = new InnovationLinearNetwork(options with { Columns = columns }, new(40, 2.3 * unit, 3.6 * unit, 0.5 / unit),
                ScalarType.Float64, random);
            network.eval();
            return network;
        }
        var (forecast, innovation) = Inputs(3, 40);
        var covariance = In(1, 3).Covariance(forecast);
        Assert.Equal(0, Largest(In(10, 3).Covariance(forecast * 10).ToMatrix() / 100 - covariance.ToMatrix()), 1e-12);
        Assert.Equal(0, Largest(In(10, 3).call(forecast * 10, innovation / 10) / 10 - covariance.Apply(innovation)), 1e-12);
        double few = In(1, 8).Covariance(forecast).Diagonal.mean().ToDouble(),
            many = In(1, 512).Covariance(forecast).Diagonal.mean().ToDouble();
        Assert.InRange(many / few, 0.5, 2);
    }

    // What it says of its error is that of its own: no spread is trained, only the mean's error, and yet the two agree (2025, section 3.1).
    [Fact]
    public void It_learns_an_analysis_and_with_it_a_covariance_of_about_its_error()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin();
        var system = twin.System;
        var options = new InnovationLinearOptions { Network = SmallTwin.Network, Columns = 8, Radius = LocalisationRadius.HalfWidth(2.5) };
        var training = SmallTwin.Brief with
            { Steps = 150, Truncation = 8, ValidationInterval = 50, ValidationBurnIn = 40, ValidationCycles = 100 };
        var method = twin.Context.Analysis.InnovationLinear(system, new() { Network = options, Training = training })
            .Fit(twin.Training, twin.Validation);
        double rmse = twin.Rmse(method);
        Assert.True(rmse < 0.4, $"test {rmse}");
        var network = (InnovationLinearNetwork)SmallTwin.Analyzer(method).Network;
        using var cursor = method.Transform(twin.Test).OpenCursor();
        for (int k = 0; k < 80; k++) Assert.True(cursor.MoveNext());
        double spread = network.Covariance(cursor[Columns.Forecast].to(ScalarType.Float32)).Diagonal.mean().sqrt().ToDouble();
        Assert.InRange(spread / rmse, 0.6, 1.7);
    }
}
