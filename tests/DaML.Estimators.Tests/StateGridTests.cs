using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Networks over lines and planes.</summary>
public sealed class StateGridTests
{
    public static TheoryData<string> Grids => ["circle", "line", "torus", "cylinder", "upright cylinder", "plane"];

    private static StateGrid Grid(string name, long rows = 5, long columns = 7) => name switch
    {
        "circle" => StateGrid.Circle,
        "line" => StateGrid.Line,
        "torus" => StateGrid.Plane(rows, columns, AxisEnds.Periodic, AxisEnds.Periodic),
        "cylinder" => StateGrid.Plane(rows, columns, columnEnds: AxisEnds.Periodic),
        "upright cylinder" => StateGrid.Plane(rows, columns, rowEnds: AxisEnds.Periodic),
        _ => StateGrid.Plane(rows, columns),
    };

    private static ResidualConvolutionNetwork Network(StateGrid grid, ResidualConvolutionOptions? options = null)
    {
        using var random = new RandomStream(7, "network", CPU);
        var network =
            new ResidualConvolutionNetwork((options ?? new() { Filters = 4, Blocks = 1, SubBlocks = 1, KernelSize = 3 }) with
                { Grid = grid }, new(35, 2, 3, 1), ScalarType.Float64, random);
        network.eval();
        return network;
    }

    private static (Tensor Forecast, Tensor Innovation) Inputs(long batch, long sites)
    {
        using var random = new RandomStream(8, "inputs", CPU);
        return (random.Normal([batch, sites], ScalarType.Float64) * 3 + 2, random.Normal([batch, sites], ScalarType.Float64));
    }

    [Theory]
    [MemberData(nameof(Grids))]
    public void A_convolution_is_the_sum_over_the_neighbourhood_with_zeros_beyond_bounded_ends(string name)
    {
        using var scope = NewDisposeScope();
        var grid = Grid(name);
        int directions = grid.Directions, rows = directions == 2 ? 5 : 1, columns = 7, high = directions == 2 ? 5 : 1;
        using var random = new RandomStream(3, "convolution", CPU);
        var field = random.Normal(directions == 2 ? [2, 3, rows, columns] : [2, 3, columns], ScalarType.Float64);
        var weight = random.Normal(directions == 2 ? [4, 3, 5, 5] : [4, 3, 5], ScalarType.Float64);
        var bias = random.Normal([4], ScalarType.Float64);
        double[] x = field.data<double>().ToArray(), w = weight.data<double>().ToArray(),
            product = grid.Convolve(field, weight, bias).contiguous().data<double>().ToArray();
        int Place(int at, int size, AxisEnds ends) =>
            ends == AxisEnds.Periodic ? (at % size + size) % size : at >= 0 && at < size ? at : -1;
        int index = 0;
        for (int b = 0; b < 2; b++)
            for (int o = 0; o < 4; o++)
                for (int r = 0; r < rows; r++)
                    for (int c = 0; c < columns; c++)
                    {
                        double sum = bias[o].ToDouble();
                        for (int i = 0; i < 3; i++)
                            for (int k = 0; k < high; k++)
                                for (int l = 0; l < 5; l++)
                                {
                                    int row = Place(r + k - high / 2, rows, grid.RowEnds),
                                        column = Place(c + l - 2, columns, grid.ColumnEnds);
                                    if (row >= 0 && column >= 0)
                                        sum += w[((o * 3 + i) * high + k) * 5 + l] * x[((b * 3 + i) * rows + row) * columns + column];
                                }
                        Assert.Equal(sum, product[index++], 1e-12);
                    }
    }

    [Theory]
    [MemberData(nameof(Grids))]
    public void A_network_commutes_with_translations_along_periodic_directions_and_no_others(string name)
    {
        using var scope = NewDisposeScope();
        var grid = Grid(name);
        var network = Network(grid);
        var (forecast, innovation) = Inputs(3, 35);
        Tensor Shift(Tensor state, long rows, long columns) =>
            grid.ToState(grid.Directions == 1 ? state.roll(columns, -1) : grid.ToField(state).roll([rows, columns], [-2, -1]));
        bool Commutes(long rows, long columns) =>
            (network.call(Shift(forecast, rows, columns), Shift(innovation, rows, columns))
                - Shift(network.call(forecast, innovation), rows, columns)).abs().max().ToDouble() < 1e-13;
        Assert.Equal(grid.ColumnEnds == AxisEnds.Periodic, Commutes(0, 3));
        if (grid.Directions == 2) Assert.Equal(grid.RowEnds == AxisEnds.Periodic, Commutes(2, 0));
        if (grid.Directions == 2) Assert.Equal(grid.RowEnds == AxisEnds.Periodic && grid.ColumnEnds == AxisEnds.Periodic, Commutes(4, 5));
    }

    // Away from the ends a bounded grid is a periodic one, and a row of columns is a line.
    [Fact]
    public void Ends_matter_within_the_reach_of_a_network_and_not_beyond()
    {
        using var scope = NewDisposeScope();
        var (forecast, innovation) = Inputs(2, 12 * 15);
        var network = Network(Grid("plane", 12, 15));
        int reach = (int)network.Options.Reach;
        Assert.Equal(3, reach);
        Tensor On(string name) => network.On(Grid(name, 12, 15)).call(forecast, innovation).view(2, 12, 15);
        var (plane, cylinder, torus) = (On("plane"), On("cylinder"), On("torus"));
        Tensor Difference(Tensor a, Tensor b) => (a - b).abs().amax([0]);
        Assert.Equal(0, Difference(plane, cylinder)[.., reach..(15 - reach)].max().ToDouble(), 1e-14);
        Assert.True(Difference(plane, cylinder)[.., reach - 1].min().ToDouble() > 1e-9);
        Assert.Equal(0, Difference(plane, torus)[reach..(12 - reach), reach..(15 - reach)].max().ToDouble(), 1e-14);
        Assert.Equal(0, Difference(cylinder, torus)[reach..(12 - reach)].max().ToDouble(), 1e-14);
        Assert.True(Difference(cylinder, torus)[reach - 1].min().ToDouble() > 1e-9);

        // A larger plane that holds the same in a corner.
        var (wide, news) = Inputs(2, 20 * 30);
        wide.view(2, 20, 30)[.., ..12, ..15] = forecast.view(2, 12, 15);
        news.view(2, 20, 30)[.., ..12, ..15] = innovation.view(2, 12, 15);
        var larger = network.On(StateGrid.Plane(20, 30)).call(wide, news).view(2, 20, 30)[.., ..12, ..15];
        Assert.Equal(0, Difference(larger, plane)[..(12 - reach), ..(15 - reach)].max().ToDouble(), 1e-14);
        Assert.True(Difference(larger, plane)[..(12 - reach), 15 - reach].max().ToDouble() > 1e-9);
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        using var scope = NewDisposeScope();
        var (forecast, innovation) = Inputs(2, 34);
        Assert.Contains("5 x 7", Assert.Throws<ArgumentException>(() => Network(Grid("plane")).call(forecast, innovation)).Message);
        var twin = new SmallTwin();
        var system = twin.System;
        Assert.Contains("given: 12",
            Assert.Throws<ArgumentException>(() =>
                twin.Context.Analysis.ResidualConvolution(system, new() { Network = new() { Grid = StateGrid.Plane(3, 5) } })).Message);
        Assert.Contains("directions", Assert.Throws<ArgumentException>(() => Network(Grid("plane")).On(StateGrid.Line)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => StateGrid.Plane(0, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => StateGrid.Plane(3, 3, (AxisEnds)5));
        Assert.Contains("rows and columns",
            Assert.Throws<ArgumentException>(() => new StateGrid(3, null, AxisEnds.Bounded, AxisEnds.Bounded)).Message);
        var narrow = Network(StateGrid.Plane(17, 2, AxisEnds.Bounded, AxisEnds.Periodic),
            new() { Filters = 2, Blocks = 1, SubBlocks = 1, KernelSize = 7 });
        Assert.Contains("at least 3 sites", Assert.Throws<ArgumentException>(() => narrow.call(forecast, innovation)).Message);
        Assert.Equal([2, 34], Network(StateGrid.Plane(17, 2), narrow.Options).call(forecast, innovation).shape);
    }

    [Fact]
    public void It_says_that_only_circles_are_fused()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(1, "weights", CPU);
        string Way(StateGrid grid) =>
            new ResidualConvolutionNetwork(new() { Grid = grid }, new(35, 2, 3, 1), ScalarType.Float32, random).ComputationInUse;
        Assert.StartsWith("fused", Way(StateGrid.Circle));
        Assert.Contains("this grid is a line", Way(StateGrid.Line));
        Assert.Contains("bounded 5 rows x periodic 7 columns", Way(Grid("cylinder")));
    }
}
