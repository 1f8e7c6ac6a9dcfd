using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Interpolation from a grid of latitudes and longitudes to sites.</summary>
public sealed class InterpolationObservationTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    public void Dispose() => scope.Dispose();

    private static readonly double[] Falling = [60, 57.5, 50, 40.1], Rising = [40.1, 50, 57.5, 60], Regional = [230, 232.5, 240.3],
        Global = [0, 90, 180, 270];

    [Fact]
    public void It_is_exact_for_fields_that_are_linear_in_each_coordinate()
    {
        (double, double)[] sites = [(59, 231), (57.5, 239), (50, 232.5), (40.1, 230), (60, 240.3), (41.3, -125.2)];
        foreach (double[] latitudes in (double[][])[Falling, Rising])
        {
            var h = new InterpolationObservationOperator(latitudes, Regional, sites);
            static double F(double latitude, double longitude) => 3 + 2 * latitude - 0.5 * longitude + 0.1 * latitude * longitude;
            var field = tensor(latitudes.SelectMany(latitude => Regional.Select(longitude => F(latitude, longitude))).ToArray());
            var expected = tensor(sites.Select(site => F(site.Item1, site.Item2 < 0 ? site.Item2 + 360 : site.Item2)).ToArray());
            Numbers.Close(expected, h.Apply(field), 1e-14);
            Numbers.Close(expected.expand(2, 3, 6), h.Apply(field.expand(2, 3, 12)), 1e-14);
            Numbers.Close(expected.to(ScalarType.Float32), h.Apply(field.to(ScalarType.Float32)), 1e-5);
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public void At_grid_points_it_is_the_subset_to_the_bit_whatever_is_beside_them(bool global)
    {
        double[] longitudes = global ? [0.1, 90.2, 180.3, 270.4] : Regional;
        long n = Falling.Length * longitudes.Length;
        var points = Enumerable.Range(0, (int)n).Select(i => (Falling[i / longitudes.Length], longitudes[i % longitudes.Length])).ToArray();
        var field = Numbers.Normal(1, 3, n);
        var subset = new SubsetObservationOperator(n, [.. Enumerable.Range(0, (int)n).Select(i => (long)i)]);
        foreach (double turn in (double[])[0, 360, -360])
        {
            var h = new InterpolationObservationOperator(Falling, longitudes, [.. points.Select(point => (point.Item1, point.Item2 +
                turn))]);
            Assert.Equal(subset.Apply(field).Bits(), h.Apply(field).Bits());
            Assert.Equal(subset.Indices, h.ObservedComponents);
        }
        field[1, 5] = double.NaN;
        var (row, column) = points[6];
        Assert.Equal(field[.., 6].Bits(), new InterpolationObservationOperator(Falling, longitudes, [(row, column)]).Apply(field).Bits());
    }

    [Fact]
    public void A_global_grid_closes_on_itself_and_another_refuses()
    {
        // Between 270 and 360 = 0 degrees, a third of the way.
        var h = new InterpolationObservationOperator([10, 0], Global, (10, 300), (5, -15), (0, 359.99999999999));
        Assert.True(h.IsGlobal);
        Assert.Null(((IPointObservationOperator)h).ObservedComponents);
        var field = tensor(new double[] { 1, 2, 3, 4, 5, 6, 7, 8 });
        Numbers.Close(tensor(new[] { 4 * 2 / 3.0 + 1 / 3.0, (4 + 8) / 12.0 + 5 / 12.0 * (1 + 5), 5 }), h.Apply(field), 1e-11);
        Numbers.Close(tensor(new[,] { { 0, 3 + 1 / 3.0 }, { 0.5, 3 + 5 / 6.0 }, { 1, 0 } }), h.GridPositions(), 1e-11);

        var regional = new InterpolationObservationOperator(Falling, Regional, (50, 240.3));
        Assert.False(regional.IsGlobal);
        foreach (var site in ((double, double)[])[(50, 229.9), (50, 240.4), (50, 0), (60.1, 231), (40, 231)])
        {
            string message = Assert.Throws<ArgumentException>(() => new InterpolationObservationOperator(Falling, Regional, (50, 231),
                site)).Message;
            Assert.Contains("The site 1 (from 0)", message);
            Assert.Contains("outside the grid", message);
        }
        Assert.Contains("outside the grid", Assert.Throws<ArgumentException>(() => new InterpolationObservationOperator([10, 0], Global,
            (10.1, 0))).Message);
    }

    [Fact]
    public void It_keeps_the_contract_of_operators_with_its_exact_adjoint_alone_and_composed()
    {
        using var random = new RandomStream(1, "sites", CPU);
        var draws = random.Uniform([15, 2], ScalarType.Float64).ToArray<double>();
        (double, double)[] sites = [.. Enumerable.Range(0, 15).Select(i => (40.1 + 19.9 * draws[2 * i], 230 + 10.3 * draws[2 * i + 1])),
            (60, 230), (60, 230), (57.5, 231)];
        var h = new InterpolationObservationOperator(Falling, Regional, sites);
        foreach (var each in (IObservationOperator[])[h, new LinearObservationOperator(Numbers.Normal(5, 12, 4)).Then(h)])
        {
            Assert.True(each.IsLinear);
            Assert.Contains(ObservationOperatorConformance.Check(each), result => result.Test == "dot product" && result.Measured < 1e-14);
        }
        // Its matrix: four weights a site, which add up to one.
        var matrix = h.Apply(eye(12, dtype: ScalarType.Float64)).T;
        Numbers.Close(matrix.T, h.Adjoint(zeros([18, 12], dtype: ScalarType.Float64), eye(18, dtype: ScalarType.Float64)).T, 1e-16);
        Assert.True(((matrix != 0).sum(-1) <= 4).all().ToBoolean());
        Assert.True((matrix >= 0).all().ToBoolean());
        Numbers.Close(ones(18, dtype: ScalarType.Float64), matrix.sum(-1), 1e-15);
    }

    [Fact]
    public void Bad_grids_and_sites_are_refused()
    {
        (double, double) site = (50, 231);
        foreach (var (latitudes, longitudes, sites, what) in ((double[], double[], (double, double)[], string)[])
            [([50], Regional, [site], "at least two latitudes"), (Falling, [230], [site], "at least two longitudes"), ([60, 50, 55],
                Regional, [site], "rise or fall"),
            (Falling, [240, 230], [site], "longitudes must be finite and rise"), ([60, double.NaN], Regional, [site], "finite"),
                ([100, 50], Regional, [site], "between -90 and 90"),
            (Falling, [0, 180, 360], [site], "less than 360"), (Falling, Regional, [], "at least one site"), (Falling, Regional,
                [(double.NaN, 231)], "finite coordinates")])
            Assert.Contains(what, Assert.Throws<ArgumentException>(() => new InterpolationObservationOperator(latitudes, longitudes,
                sites)).Message);
    }
}
