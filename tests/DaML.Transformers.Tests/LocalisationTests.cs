using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class LocalisationTests
{
    private static LocalisationTaper[] Tapers =>
        [LocalisationTaper.GaspariCohn, LocalisationTaper.Boxcar, LocalisationTaper.Gaussian, LocalisationTaper.Triangular,
            LocalisationTaper.Tricube];

    [Fact]
    public void Gaspari_and_Cohns_taper_is_the_autocorrelation_of_a_tent_in_space()
    {
        // Their eq. 4.10 with a = 1/2 is the normalised self-convolution, over three-dimensional space, of 1 - r on r <= 1 with c = 1.
        // For radial functions in space B(z) = 2 pi / z * integral over r of f(r) r * (integral of f(s) s over |z - r| <= s <= z + r).
        static double Moment(double from, double to) // of (1 - s) s
        {
            static double F(double s) => s * s / 2 - s * s * s / 3;
            return F(Math.Min(to, 1)) - F(Math.Min(from, 1));
        }
        static double Convolution(double z)
        {
            const int steps = 20000;
            double sum = 0;
            for (int k = 0; k < steps; k++)
            {
                double r = (k + 0.5) / steps;
                sum += (1 - r) * r * Moment(Math.Abs(z - r), z + r) / steps;
            }
            return 2 * Math.PI / z * sum;
        }
        double top = 4 * Math.PI / 30; // integral of (1 - r)^2 over the ball
        foreach (double z in new[] { 0.1, 0.5, 0.9, 1, 1.1, 1.5, 1.9 })
            Assert.Equal(Convolution(z) / top, LocalisationTaper.GaspariCohn.At(z), 1e-7);
    }

    [Fact]
    public void Tapers_fall_from_one_to_zero_and_radii_mean_what_they_say()
    {
        foreach (var taper in Tapers)
        {
            Assert.Equal(1, taper.At(0), 15);
            double before = 1;
            for (double z = 0; z < 2.5; z += 0.01)
            {
                double now = taper.At(z);
                Assert.InRange(now, 0, before);
                before = now;
            }
            Assert.Equal(0, taper.At(taper.Support * 1.0001));
            Assert.Equal(double.PositiveInfinity, taper.HalfWidth(LocalisationRadius.Infinite));
            Assert.Equal(3, taper.HalfWidth(LocalisationRadius.HalfWidth(3)));
            double AtEFolding() => taper.At(5 / taper.HalfWidth(LocalisationRadius.EFolding(5)));
            if (taper == LocalisationTaper.Boxcar) Assert.Equal(1, AtEFolding());
            else if (taper == LocalisationTaper.GaspariCohn) Assert.Equal(9.1, taper.HalfWidth(LocalisationRadius.EFolding(5)), 12);
            else Assert.Equal(Math.Exp(-0.5), AtEFolding(), 12);
        }
        // The Gaussian and the function that approximates it are close for the same radius of either kind.
        for (double z = 0; z < 2; z += 0.1)
            Assert.InRange(LocalisationTaper.Gaussian.At(z) - LocalisationTaper.GaspariCohn.At(z), -0.04, 0.01);
    }

    public static TheoryData<string> Geometries => ["circle", "line", "torus", "bounded grid", "cylinder", "places", "cube", "one row"];

    [Theory]
    [MemberData(nameof(Geometries))]
    public void Cell_lists_find_what_a_search_of_all_pairs_finds(string kind)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(3, kind, CPU);
        var (geometry, periods) = kind switch
        {
            "circle" => (LocalisationGeometry.Circle(101), new double?[] { 101 }),
            "line" => (LocalisationGeometry.Line(90, spacing: 0.7), [null]),
            "torus" => (LocalisationGeometry.Grid(9, 14, AxisEnds.Periodic, AxisEnds.Periodic), [9, 14]),
            "bounded grid" => (LocalisationGeometry.Grid(11, 8), [null, null]),
            "cylinder" => (LocalisationGeometry.Grid(10, 12, AxisEnds.Bounded, AxisEnds.Periodic, 0.5, 2), [null, 24]),
            "places" => (LocalisationGeometry.Places(random.Normal([70, 2], ScalarType.Float64) * 5), [null, null]),
            "cube" => (LocalisationGeometry.Places(random.Uniform([120, 3], ScalarType.Float64) * 10, 10, null, 10), [10, null, 10]),
            _ => (LocalisationGeometry.Grid(1, 20, AxisEnds.Periodic, AxisEnds.Bounded), new double?[] { 1, null }),
        };
        int n = (int)geometry.Dimension, axes = geometry.Axes;
        double[] coordinates = geometry.Of(new ComponentRange(n));
        // Observations inside and outside of where the state is, and periodic ones a round away.
        var observed = random.Normal([40, axes], ScalarType.Float64) * 8 + 4;
        double[] places = observed.data<double>().ToArray();
        foreach (double halfWidth in new[] { 0.3, 1.4, 3, 8, 60, double.PositiveInfinity })
        {
            var taper = LocalisationTaper.Triangular;
            var domains = new LocalDomains(geometry, new(places, axes), taper, halfWidth);
            // Searched anew for each use, where it is too much to keep, it is the same.
            var forgetful = new LocalDomains(geometry, new(places, axes), taper, halfWidth, mostKept: 3);
            LocalObservations list = new(), other = new();
            for (int i = 0; i < n; i++)
            {
                var found = domains.Of(i, list);
                var anew = forgetful.Of(i, other);
                Assert.True(found.Weights.SequenceEqual(anew.Weights));
                for (int k = 0; k < found.Count; k++) Assert.Equal(found[k], anew[k]);
                int at = 0;
                for (int j = 0; j < 40; j++)
                {
                    double squares = 0;
                    for (int axis = 0; axis < axes; axis++)
                    {
                        double difference = Math.Abs(coordinates[i * axes + axis] - places[j * axes + axis]);
                        if (periods[axis] is { } period)
                        {
                            difference %= period;
                            difference = Math.Min(difference, period - difference);
                        }
                        squares += difference * difference;
                    }
                    double expected = double.IsInfinity(halfWidth) ? 1 : taper.At(Math.Sqrt(squares) / halfWidth);
                    if (expected < 1e-12) continue;
                    Assert.Equal(j, found[at]);
                    Assert.Equal(expected, found.Weights[at++], 9);
                }
                Assert.Equal(at, found.Count);
            }
        }
    }

    [Fact]
    public void Operators_say_which_components_they_observe()
    {
        static IReadOnlyList<long>? Observed(IObservationOperator h) => (h as IPointObservationOperator)?.ObservedComponents;
        var subset = new SubsetObservationOperator(8, 5, 1, 3);
        Assert.Equal([0, 1, 2], Observed(new IdentityObservationOperator(3))!);
        Assert.Equal([5, 1, 3], Observed(subset)!);
        Assert.Equal([1, 5],
            Observed(subset.Then(new ElementwiseObservationOperator(3, ObservationFunction.Square))
                .Then(new SubsetObservationOperator(3, 1, 0)))!);
        using var matrix = ones(2, 3, dtype: ScalarType.Float64);
        Assert.Null(Observed(subset.Then(new LinearObservationOperator(matrix))));
        Assert.Equal(6, LocalisationGeometry.Circle(3).Repeat(2).Dimension);
    }

    [Fact]
    public void A_search_of_many_takes_work_in_proportion()
    {
        // 10^5 sites: all pairs would be 10^10 distances.
        var circle = LocalisationGeometry.Circle(100_000);
        var domains = new LocalDomains(circle, new(circle, new ComponentRange(100_000)), LocalisationTaper.GaspariCohn, 7.28);
        Assert.Equal(29, domains.Largest);
        Assert.Equal(29, domains.Mean);
    }

    [Fact]
    public void Saved_and_read_back_to_the_bit()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(4, "saved", CPU);
        var context = new DataAssimilationContext(1);
        var ensemble = new EnsembleMemory(random.Normal([1, 5, 12], ScalarType.Float64));
        var observation = new Observation(random.Normal([1, 12], ScalarType.Float64), null, 0);
        var registry = new ComponentRegistry([.. DynamicsComponents.All, .. TransformerComponents.All]);
        Localisation[] all =
        [
            new(LocalisationGeometry.Circle(12), LocalisationRadius.EFolding(1.7)),
            new(LocalisationGeometry.Grid(3, 4, AxisEnds.Periodic), LocalisationRadius.HalfWidth(2), LocalisationTaper.Tricube),
            new(LocalisationGeometry.Places(random.Normal([12, 3], ScalarType.Float64), null, 2.5, null), LocalisationRadius.Infinite,
                LocalisationTaper.Gaussian, random.Normal([12, 3], ScalarType.Float64)),
        ];
        foreach (var localisation in all)
        {
            var analyzer = new LocalEnsembleTransformKalmanFilterAnalyzer(new IdentityObservationOperator(12),
                ErrorCovariance.Scalar(12, 1), localisation, Inflation.StandardDeviation(1.1));
            string path = Path.GetTempFileName();
            ModelArchive.Write(analyzer, path);
            var read = ModelArchive.Read<LocalEnsembleTransformKalmanFilterAnalyzer>(path, registry, context);
            File.Delete(path);
            Assert.True(
                analyzer.Analyze(ensemble, observation, random).Members.Equals(read.Analyze(ensemble, observation, random).Members));
        }
    }
}
