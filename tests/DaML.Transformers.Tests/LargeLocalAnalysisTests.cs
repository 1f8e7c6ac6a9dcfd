using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The local analysis of large states: range by range, in the memory of the forecast, with little beside it.</summary>
public sealed class LargeLocalAnalysisTests
{
    private const int Large = 20_000; // more observations than have their rows at once

    private static LocalEnsembleTransformKalmanFilterAnalyzer Analyzer(IObservationOperator h, LocalisationGeometry geometry,
        double radius = 3, Tensor? places = null, EnsembleRotation rotation = EnsembleRotation.None) =>
        new(h, ErrorCovariance.Scalar(h.ObservationDimension, 0.5),
            new(geometry, LocalisationRadius.HalfWidth(radius), null, places), Inflation.StandardDeviation(1.1), rotation);

    public static TheoryData<string> Cases =>
        ["circle", "grid", "fields", "strided", "unordered", "squares", "places", "elsewhere", "single", "small"];

    /// <summary>
    /// The same numbers must come out whether or not a range's forecast is gone before a later range's observations are read, and whether
    /// the neighbours are kept as patterns or searched for (places at random).
    /// </summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void In_the_memory_of_the_forecast_it_is_the_same_to_the_bit(string what)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(8, what, CPU);
        var circle = LocalisationGeometry.Circle(Large);
        var (h, geometry, places) = what switch
        {
            "grid" => (new IdentityObservationOperator(Large), LocalisationGeometry.Grid(100, 200, columnEnds: AxisEnds.Periodic), null),
            "fields" => (new IdentityObservationOperator(Large), LocalisationGeometry.Circle(Large / 4).Repeat(4), null),
            "strided" => (SubsetObservationOperator.Strided(Large, 2), circle, null),
            "unordered" => (new SubsetObservationOperator(Large, [.. Enumerable.Range(0, Large).Select(i => (long)i * 7919 % Large)]),
                circle, null),
            "squares" => (new ElementwiseObservationOperator(Large, ObservationFunction.Square), circle, null),
            "places" => (new IdentityObservationOperator(Large), LocalisationGeometry.Places(
                random.Uniform([Large, 2], ScalarType.Float64) * 140, 140, null), null),
            // Observation i is of component i, but stands somewhere else.
            "elsewhere" => (new IdentityObservationOperator(Large), circle, (random.Uniform([Large], ScalarType.Float64) * Large)),
            "small" => (new IdentityObservationOperator(50), LocalisationGeometry.Circle(50), null),
            _ => ((IObservationOperator)new IdentityObservationOperator(Large), circle, (Tensor?)null),
        };
        var dtype = what == "single" ? ScalarType.Float32 : ScalarType.Float64;
        var rotation = what is "circle" or "small" ? EnsembleRotation.MeanPreserving : EnsembleRotation.None;
        var analyzer = Analyzer(h, geometry, 2, places, rotation);
        long n = h.StateDimension, p = h.ObservationDimension;
        var members = random.Normal([2, 5, n], dtype);
        var observation = new Observation(random.Normal([2, p], dtype), random.Uniform([2, p], dtype) > 0.1, 0);
        using RandomStream first = new(1, "turn", CPU), second = new(1, "turn", CPU);
        var given = members.clone();
        var expected = analyzer.Analyze(new(members), observation, first).Members;
        Assert.True(members.Equals(given));
        analyzer.AnalyzeInPlace(new(members), observation, second);
        Assert.True(expected.Equals(members));
        Assert.False(expected.Equals(given));
        // Each component is what an analysis of it alone gives, from its own observations (here by the tensor path).
        var reference = analyzer.InTensors(ObservedEnsemble.Of(given, h.Apply(given), observation, ErrorCovariance.Scalar(p, 0.5)),
            4, rotation == EnsembleRotation.None ? null : Turn(dtype));
        Compare.Close(reference, expected, dtype == ScalarType.Float32 ? 1e-4 : 1e-11);

        static Tensor Turn(ScalarType dtype)
        {
            using var again = new RandomStream(1, "turn", CPU);
            return RandomRotation.MeanPreserving(2, 5, again, dtype);
        }
    }

    [Fact]
    public void Where_the_kernel_does_not_serve_the_analysis_is_copied()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(9, "copied", CPU);
        var h = new IdentityObservationOperator(30);
        var observation = new Observation(random.Normal([1, 30], ScalarType.Float64), null, 0);
        var relaxed = new LocalEnsembleTransformKalmanFilterAnalyzer(h, ErrorCovariance.Scalar(30, 1),
            new(LocalisationGeometry.Circle(30), LocalisationRadius.HalfWidth(2)), Inflation.RelaxationToPriorSpread(0.5));
        var members = random.Normal([1, 6, 30], ScalarType.Float64);
        var turned = random.Normal([1, 30, 6], ScalarType.Float64).transpose(1, 2);
        foreach (var (analyzer, forecast) in new[] { (relaxed, members), (Analyzer(h, LocalisationGeometry.Circle(30)), turned) })
        {
            var expected = analyzer.Analyze(new(forecast), observation, random).Members;
            analyzer.AnalyzeInPlace(new(forecast), observation, random);
            Assert.True(expected.Equals(forecast));
        }
        var before = members.clone();
        Assert.Throws<ArgumentException>(() => relaxed.AnalyzeInPlace(new(members), new(ones(1, 29), null, 0), random));
        Assert.True(before.Equals(members));
    }

    /// <summary>An operator whose observations are a part of the state's own memory must not see the analysis.</summary>
    private sealed class FirstPart() : ObservationOperator(Large, Large - 5_000)
    {
        protected override Tensor Observe(Tensor state) => state.narrow(-1, 0, ObservationDimension);
    }

    [Fact]
    public void Observations_that_are_views_of_the_state_are_those_of_the_forecast()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(10, "views", CPU);
        var h = new FirstPart();
        var analyzer = Analyzer(h, LocalisationGeometry.Circle(Large), 3, arange(h.ObservationDimension, dtype: ScalarType.Float64) + 4000);
        var members = random.Normal([1, 3, Large], ScalarType.Float64);
        var observation = new Observation(random.Normal([1, h.ObservationDimension], ScalarType.Float64), null, 0);
        var expected = analyzer.Analyze(new(members), observation, random).Members;
        analyzer.AnalyzeInPlace(new(members), observation, random);
        Assert.True(expected.Equals(members));
    }

    [Collection(nameof(ThreadCounts))]
    public sealed class Threads
    {
        [Fact]
        public void The_same_to_the_bit_whatever_the_number_of_threads()
        {
            using var scope = NewDisposeScope();
            using var random = new RandomStream(11, "threads", CPU);
            var members = random.Normal([1, 6, Large], ScalarType.Float64);
            var observation = new Observation(random.Normal([1, Large], ScalarType.Float64), null, 0);
            var irregular = LocalisationGeometry.Places(random.Uniform([Large, 2], ScalarType.Float64) * 140);
            foreach (var geometry in new[] { LocalisationGeometry.Circle(Large), irregular })
            {
                Tensor Analysed(int threads) => ThreadCounts.With(threads, () =>
                {
                    var here = members.clone();
                    Analyzer(new IdentityObservationOperator(Large), geometry, 2).AnalyzeInPlace(new(here), observation, random);
                    return here;
                });
                var one = Analysed(1);
                foreach (int other in new[] { 2, 4 }) Assert.True(one.Equals(Analysed(other)));
            }
        }
    }

    /// <summary>
    /// An ensemble of 20 members and 250,000 observed components is analysed with less than 0.3 of its 40 MB beside it, the search for
    /// neighbours included; one in a file, every tenth component observed, with less than a quarter in memory at all. Each runs in a
    /// process of its own, whose memory nothing else uses.
    /// </summary>
    [Theory]
    [InlineData(nameof(An_analysis_in_place_measured))]
    [InlineData(nameof(An_analysis_of_a_file_measured))]
    public void Memory_is_a_share_of_the_ensemble(string test)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the largest memory of a process can be measured anew on Linux only");
        OwnProcess.Run(typeof(LargeLocalAnalysisTests), test);
    }

    private const int Measured = 250_000, Members = 20;
    private const long Size = 8L * Measured * Members;

    [Fact(Explicit = true)]
    public void An_analysis_in_place_measured()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(12, "memory", CPU);
        // Code is compiled on a smaller state, so that what is measured has the memory of the large one.
        foreach (int points in new[] { Large, Measured })
        {
            using var inner = NewDisposeScope();
            var ensemble = random.Normal([1, Members, points], ScalarType.Float64);
            var observation = new Observation(random.Normal([1, points], ScalarType.Float64), null, 0);
            long used = Used(() =>
            {
                var analyzer = Analyzer(new IdentityObservationOperator(points), LocalisationGeometry.Circle(points), 7.28);
                for (int cycle = 0; cycle < 2; cycle++) analyzer.AnalyzeInPlace(new(ensemble), observation, random);
            });
            Assert.True(points < Measured || used < Size * 3 / 10,
                $"{used >> 10} KiB were used beside an ensemble of {Size >> 10} KiB; {Size * 3 / 10 >> 10} are allowed.");
        }
    }

    [Fact(Explicit = true)]
    public void An_analysis_of_a_file_measured()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var random = new RandomStream(13, "memory", CPU);
        foreach (int points in new[] { Large, Measured })
        {
            using var inner = NewDisposeScope();
            using (var members = random.Normal([Members, points], ScalarType.Float64)) NumpyArray.Write(folder.File("f.npy"), members);
            var observation = new Observation(random.Normal([points / 10], ScalarType.Float64), null, 0);
            long used = Used(() => new DataAssimilationContext(1).Analysis.Blockwise(ObservationNetwork.Strided(points, 10),
                new()
                {
                    Members = Members,
                    Localisation = new(LocalisationGeometry.Circle(points), LocalisationRadius.HalfWidth(15)),
                }, pointsPerBlock: 10_000).Run([folder.File("f.npy")], observation, [folder.File("a.npy")]));
            Assert.True(points < Measured || used < Size / 4,
                $"{used >> 10} KiB were used for an ensemble of {Size >> 10} KiB; {Size / 4 >> 10} are allowed.");
        }
    }

    // The largest memory that some work takes.
    private static long Used(Action work)
    {
        GC.Collect();
        File.WriteAllText("/proc/self/clear_refs", "5");   // begins the measurement anew: Linux, proc(5)
        long before = Memory("VmHWM");
        work();
        return Memory("VmHWM") - before;
    }

    private static long Memory(string what) =>
        1024 * long.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith(what)).Split(' ',
            StringSplitOptions.RemoveEmptyEntries)[^2]);
}
