using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The local analysis over files: the numbers of that in memory, or a refusal that leaves the files as they were.</summary>
public sealed class BlockwiseAnalysisTests : IDisposable
{
    private const int N = 6, Points = 1_200;

    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly RandomStream random = new(3, "blockwise", CPU);
    private readonly DataAssimilationContext context = new(seed: 5);

    public void Dispose()
    {
        random.Dispose();
        scope.Dispose();
        folder.Dispose();
    }

    private static LocalEnsembleTransformKalmanFilter Method(LocalisationGeometry geometry, Tensor? places = null,
        EnsembleRotation rotation = EnsembleRotation.MeanPreserving) => new()
        {
            Members = N, Localisation = new(geometry, LocalisationRadius.HalfWidth(3), null, places),
            Inflation = Inflation.StandardDeviation(1.05), Rotation = rotation,
        };

    private IReadOnlyList<string> Files(string name, int count) =>
        count == 1 ? [folder.File($"{name}.npy")] : [.. Enumerable.Range(0, count).Select(i => folder.File($"{name}-{i}.npy"))];

    private Tensor InMemory(LocalEnsembleTransformKalmanFilter method, IObservationNetwork network, Tensor members,
        Observation observation)
    {
        using var stream = context.Random($"blockwise analysis/{observation.Time:r}");
        return method.Analyzer(network).Analyze(new(members.unsqueeze(0)), observation, stream).Members[0];
    }

    public static TheoryData<string, int> Cases => new()
    {
        { "circle", 1 }, { "circle", 7 }, { "circle", 256 }, { "circle", Points }, { "circle", 100_000 },
        { "grid", 100 }, { "fields", 333 }, { "unordered", 100 }, { "elsewhere", 500 }, { "single", 77 }, { "squares", 300 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_numbers_are_those_of_the_analysis_in_memory_to_the_bit(string what, int size)
    {
        var circle = LocalisationGeometry.Circle(Points);
        IObservationOperator h = what switch
        {
            "unordered" => new SubsetObservationOperator(Points, [.. Enumerable.Range(0, 900).Select(i => (long)i * 7 % 1100)]),
            "squares" => new ElementwiseObservationOperator(Points, ObservationFunction.Square),
            _ => new IdentityObservationOperator(Points),
        };
        var geometry = what switch
        {
            "grid" => LocalisationGeometry.Grid(30, 40, columnEnds: AxisEnds.Periodic),
            "fields" => LocalisationGeometry.Circle(Points / 3).Repeat(3),
            _ => circle,
        };
        var dtype = what == "single" ? ScalarType.Float32 : ScalarType.Float64;
        var method = Method(geometry, what == "elsewhere" ? random.Uniform([Points], ScalarType.Float64) * Points : null);
        var network = new ObservationNetwork(h, ErrorCovariance.Diagonal(random.Uniform([h.ObservationDimension], ScalarType.Float64) + 1));
        var members = random.Normal([N, Points], dtype);
        long p = h.ObservationDimension;
        var observation = new Observation(random.Normal([1, p], dtype), random.Uniform([1, p], dtype) > 0.2, 1.5);
        var expected = InMemory(method, network, members, observation);

        var blockwise = context.Analysis.Blockwise(network, method, pointsPerBlock: size);
        IReadOnlyList<string> together = Files("forecast", 1), apart = Files("member", N);
        NumpyArray.Write(together[0], members);
        for (int i = 0; i < N; i++) NumpyArray.Write(apart[i], members[i]);
        var observed = what == "squares" ? h.Apply(members) : null;

        blockwise.Run(together, observation, Files("analysis", N), observed);
        Assert.True(expected.Equals(stack(Files("analysis", N).Select(NumpyArray.Read))));
        blockwise.Run(apart, observation, Files("analysis", 1), observed);
        Assert.True(expected.Equals(NumpyArray.Read(Files("analysis", 1)[0])));
        blockwise.Run(apart, observation with { Values = observation.Values[0], Mask = observation.Mask![0] }, apart, observed);
        Assert.True(expected.Equals(stack(apart.Select(NumpyArray.Read))));
        Assert.Equal(1 + N + N + 1, Directory.GetFileSystemEntries(folder.FullName).Length);   // nothing else is left
    }

    [Collection(nameof(ThreadCounts))]
    public sealed class Threads
    {
        [Fact]
        public void The_same_to_the_bit_whatever_the_number_of_threads()
        {
            using var tests = new BlockwiseAnalysisTests();
            var method = Method(LocalisationGeometry.Places(tests.random.Uniform([Points, 2], ScalarType.Float64) * 35));
            var network = ObservationNetwork.Full(Points);
            NumpyArray.Write(tests.folder.File("forecast.npy"), tests.random.Normal([N, Points], ScalarType.Float64));
            var observation = new Observation(tests.random.Normal([Points], ScalarType.Float64), null, 0);
            byte[] Analysed(int threads) => ThreadCounts.With(threads, () =>
            {
                tests.context.Analysis.Blockwise(network, method, pointsPerBlock: 500)
                    .Run([tests.folder.File("forecast.npy")], observation, [tests.folder.File("analysis.npy")]);
                return File.ReadAllBytes(tests.folder.File("analysis.npy"));
            });
            byte[] one = Analysed(1);
            foreach (int other in new[] { 2, 4 }) Assert.Equal(one, Analysed(other));
        }
    }

    [Fact]
    public void A_run_says_how_far_it_is_and_can_be_ended_without_a_trace()
    {
        var method = Method(LocalisationGeometry.Circle(Points));
        var blockwise = context.Analysis.Blockwise(ObservationNetwork.Full(Points), method, pointsPerBlock: 100);
        NumpyArray.Write(folder.File("forecast.npy"), random.Normal([N, Points], ScalarType.Float64));
        var observation = new Observation(random.Normal([Points], ScalarType.Float64), null, 0);
        var reports = new CollectedReports();
        blockwise.Run([folder.File("forecast.npy")], observation, [folder.File("analysis.npy")], progress: reports);
        Assert.Equal((Points, Points), (reports[^1].Completed, reports[^1].Total));
        byte[] before = File.ReadAllBytes(folder.File("analysis.npy"));
        using var ended = new CancellationTokenSource();
        ended.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => blockwise.Run([folder.File("forecast.npy")], observation with { Time = 9 },
            [folder.File("analysis.npy")], cancellation: ended.Token));
        Assert.Equal(before, File.ReadAllBytes(folder.File("analysis.npy")));
        Assert.Equal(2, Directory.GetFileSystemEntries(folder.FullName).Length);
    }

    [Fact]
    public void What_does_not_fit_is_refused_with_its_place_and_leaves_the_files()
    {
        var method = Method(LocalisationGeometry.Circle(Points));
        var network = ObservationNetwork.Full(Points);
        var blockwise = context.Analysis.Blockwise(network, method, pointsPerBlock: 100);
        var members = random.Normal([N, Points], ScalarType.Float64);
        var observation = new Observation(random.Normal([Points], ScalarType.Float64), null, 0);
        string forecast = folder.File("forecast.npy"), analysis = folder.File("analysis.npy");
        NumpyArray.Write(forecast, members);
        File.WriteAllText(analysis, "what was here before");

        string Refused<T>(Action<BlockwiseAnalysis> run) where T : Exception
        {
            string message = Assert.ThrowsAny<T>(() => run(blockwise)).Message;
            Assert.Equal("what was here before", File.ReadAllText(analysis));
            Assert.Empty(Directory.GetFiles(folder.FullName, "*.tmp"));
            return message;
        }
        string Given<T>(Tensor other) where T : Exception
        {
            NumpyArray.Write(folder.File("other.npy"), other);
            return Refused<T>(run => run.Run([folder.File("other.npy")], observation, [analysis]));
        }

        // values that are not finite: in a block, and in a block whose neighbours see it first
        foreach (int at in new[] { 150, 203 })
        {
            var lost = members.clone();
            lost[4, at] = double.NaN;
            string message = Given<InvalidDataException>(lost);
            Assert.Contains($"Member 4 of the forecast is NaN at component {at} ('", message);
        }
        Assert.Contains($"'{folder.File("other.npy")}' has 900", Given<ArgumentException>(members[.., ..900]));
        Assert.Contains("the files hold 5", Given<ArgumentException>(members[..5]));
        Assert.Contains("must be [members, n]", Given<InvalidDataException>(members[0]));
        Assert.Contains("at least two members", Given<InvalidDataException>(members[..1]));

        byte[] whole = File.ReadAllBytes(forecast);
        string Bytes(params byte[] content)
        {
            File.WriteAllBytes(folder.File("other.npy"), content);
            return Refused<InvalidDataException>(run => run.Run([folder.File("other.npy")], observation, [analysis]));
        }
        string Header(string text) =>
            Bytes([.. whole[..8], (byte)text.Length, 0, .. Encoding.ASCII.GetBytes(text), .. whole[128..]]);
        Assert.Contains("is truncated: an array [6, 1200] of Float64 takes 57600 bytes", Bytes(whole[..^1]));
        Assert.Contains("is too long", Bytes([.. whole, 0]));
        Assert.Contains("not a NumPy file", Bytes([.. "CDF"u8, .. whole]));
        Assert.Contains("not a NumPy file", Bytes());
        Assert.Contains("within its header", Bytes(whole[..40]));
        Assert.Contains("'>f8'", Header("{'descr': '>f8', 'fortran_order': False, 'shape': (6, 1200), }"));
        Assert.Contains("Fortran", Header("{'descr': '<f8', 'fortran_order': True, 'shape': (6, 1200), }"));
        Assert.Contains("damaged header", Header("{'descr': '<f8', 'shape': (6, 1200), }"));
        Assert.Contains("damaged shape", Header("{'descr': '<f8', 'fortran_order': False, 'shape': (6, -1200), }"));
        Assert.Contains("damaged shape",
            Header("{'descr': '<f8', 'fortran_order': False, 'shape': (9000000000000000000, 1200), }"));

        NumpyArray.Write(folder.File("a.npy"), members[0]);
        NumpyArray.Write(folder.File("b.npy"), members[1].to(ScalarType.Float32));
        Assert.Contains("of Float32", Refused<InvalidDataException>(run =>
            run.Run([folder.File("a.npy"), folder.File("b.npy")], observation, [analysis])));
        Assert.Contains("must be one member [n]", Refused<InvalidDataException>(run =>
            run.Run([forecast, folder.File("a.npy")], observation, [analysis])));
        Refused<FileNotFoundException>(run => run.Run([folder.File("none.npy")], observation, [analysis]));
        Assert.Contains("needs one file, or 6; given: 2", Refused<ArgumentException>(run =>
            run.Run([forecast], observation, [analysis, folder.File("c.npy")])));
        Assert.Contains("given twice", Refused<ArgumentException>(run =>
            run.Run([forecast], observation, [.. Enumerable.Repeat(analysis, N)])));
        Assert.Contains("finite", Refused<ArgumentException>(run =>
            run.Run([forecast], observation with { Values = observation.Values * double.NaN }, [analysis])));
        Assert.Contains("1199", Refused<ArgumentException>(run =>
            run.Run([forecast], observation with { Values = observation.Values[..^1] }, [analysis])));
        Assert.Contains("boolean", Refused<ArgumentException>(run =>
            run.Run([forecast], observation with { Mask = observation.Values }, [analysis])));
        Assert.Contains("observed members", Refused<ArgumentException>(run =>
            run.Run([forecast], observation, [analysis], members[.., ..10])));

        var squares = new ObservationNetwork(new ElementwiseObservationOperator(Points, ObservationFunction.Square),
            ErrorCovariance.Scalar(Points, 1));
        Assert.Contains("give H of each member", Refused<ArgumentException>(_ =>
            context.Analysis.Blockwise(squares, method).Run([forecast], observation, [analysis])));
        Assert.Contains("multiplicative", Refused<ArgumentException>(_ =>
            context.Analysis.Blockwise(network, method with { Inflation = Inflation.RelaxationToPriorSpread(0.3) })));
        Refused<ArgumentOutOfRangeException>(_ => context.Analysis.Blockwise(network, method, pointsPerBlock: 0));
        blockwise.Run([forecast], observation, [folder.File("good.npy")]);
    }
}
