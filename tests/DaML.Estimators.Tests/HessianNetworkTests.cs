using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class HessianNetworkTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly RandomStream random = new(3, "hessian networks", CPU);

    public void Dispose()
    {
        random.Dispose();
        scope.Dispose();
    }

    private static readonly FieldLayout Circle = FieldLayout.Circle(8);
    private static readonly FieldLayout Staggered = new(StateGrid.Plane(3, 4), [new(3, 4), new(3, 3), new(2, 4)]);

    public static TheoryData<string, string> Cases => new()
    {
        { "spectral", "circle" }, { "spectral", "staggered" }, { "transported", "circle" }, { "transported", "staggered" },
        { "transported", "periodic" },
    };

    private static FieldLayout Layout(string name) => name switch
    {
        "circle" => Circle,
        "staggered" => Staggered,
        _ => new(StateGrid.Plane(3, 4, AxisEnds.Periodic, AxisEnds.Periodic), [new(3, 4), new(3, 4)]),
    };

    // Weights that begin as zero would hide what they multiply.
    private HessianNetwork Network(string kind, FieldLayout layout, int rank = 5)
    {
        long channels = layout.Fields.Count, n = layout.Dimension;
        var trunk = new UNet(layout, channels, new() { Features = 4, Levels = 1, Heads = 2 }, ScalarType.Float64);
        HessianNetwork network;
        if (kind == "spectral") network = new SpectralHessianNetwork(trunk, 4, layout, rank, largest: 50, precision: ScalarType.Float64);
        else
        {
            var vectors = linalg.qr(random.Normal([n, rank], ScalarType.Float64)).Q.mT.unsqueeze(0);
            var values = arange(rank + 1, 1, -1, dtype: ScalarType.Float64).unsqueeze(0) * 3;
            network = new TransportedHessianNetwork(trunk, channels, 4, layout,
                new FixedEigenpairs(new(values, vectors, zeros_like(values), values > 0)), precision: ScalarType.Float64);
        }
        using var noGradients = no_grad();
        foreach (var parameter in network.parameters()) parameter.copy_(0.3 * random.Normal(parameter.Sizes(), ScalarType.Float64));
        return network;
    }

    private Tensor Inputs(FieldLayout layout, long batch = 2) =>
        layout.ToFields(random.Normal([batch, layout.Dimension], ScalarType.Float64));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Products_are_those_of_the_eigenpairs_beside_the_rest(string kind, string grid)
    {
        var layout = Layout(grid);
        var network = Network(kind, layout);
        var inputs = Inputs(layout);
        long n = layout.Dimension;
        using var noGradients = no_grad();
        var unit = eye(n, dtype: ScalarType.Float64);
        var matrix = network.call(inputs, unit.expand(2, n, n));
        Assert.Equal(0, (matrix - matrix.mT).abs().max().ToDouble(), 1e-10);
        var (values, vectors) = network.Eigenpairs(inputs);
        Assert.Equal(0, (vectors.matmul(vectors.mT) - eye(5, dtype: ScalarType.Float64)).abs().max().ToDouble(), 1e-9);
        var composed = unit + vectors.mT.matmul((values - 1).unsqueeze(-1) * vectors);
        Assert.Equal(0, (matrix - composed).abs().max().ToDouble(), 1e-9 * matrix.abs().max().ToDouble());
        var y = random.Normal([2, 3, n], ScalarType.Float64);
        var (solved, logarithm) = network.Invert(inputs, y);
        Assert.Equal(0, (network.call(inputs, solved) - y).abs().max().ToDouble(), 1e-9);
        Assert.Equal(0, (logarithm - linalg.slogdet(matrix).Item2).abs().max().ToDouble(), 1e-9);
        Assert.True((values.diff(dim: 1) <= 0).all().ToBoolean());
        Assert.True((matrix[0] - matrix[1]).abs().max().ToDouble() > 1e-3, "The matrix must depend on the state.");
    }

    [Theory]
    [InlineData("circle")]
    [InlineData("staggered")]
    [InlineData("periodic")]
    public void The_transport_and_its_transpose_are_adjoint(string grid)
    {
        var layout = Layout(grid);
        var transport = new LocalTransport(layout, 1);
        long fields = layout.Fields.Count;
        var coefficients = random.Normal([2, fields, fields, transport.Offsets, layout.Points], ScalarType.Float64);
        Tensor y = random.Normal([2, 3, layout.Dimension], ScalarType.Float64),
            z = random.Normal([2, 3, layout.Dimension], ScalarType.Float64);
        double along = (transport.Apply(coefficients, y) * z).sum().ToDouble(),
            back = (y * transport.ApplyTranspose(coefficients, z)).sum().ToDouble();
        Assert.Equal(along, back, 1e-10);
        // Vectors that the batch shares.
        var shared = y.narrow(0, 0, 1);
        Assert.Equal(0,
            (transport.Apply(coefficients, shared) - transport.Apply(coefficients, shared.expand(2, -1, -1))).abs().max().ToDouble(),
            1e-12);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradients_of_the_products_are_those_of_finite_differences(string kind, string grid)
    {
        var layout = Layout(grid);
        var network = Network(kind, layout);
        Tensor inputs = Inputs(layout), z = random.Normal([2, 3, layout.Dimension], ScalarType.Float64),
            weigh = random.Normal([2, 3, layout.Dimension], ScalarType.Float64);
        Tensor Weighed()
        {
            var (solved, logarithm) = network.Invert(inputs, z);
            return ((network.call(inputs, z) + 10 * solved) * weigh).sum() + logarithm.sum();
        }
        double Value() => Weighed().ToDouble();
        network.zero_grad();
        Weighed().backward();
        foreach (var (name, parameter) in network.named_parameters())
        {
            if (parameter.grad is null) continue;
            using var noGradients = no_grad();
            var direction = random.Normal(parameter.Sizes(), ScalarType.Float64);
            double slope = (parameter.grad * direction).sum().ToDouble(), step = 1e-5;
            var start = parameter.clone();
            parameter.copy_(start + step * direction);
            double above = Value();
            parameter.copy_(start - step * direction);
            double below = Value();
            parameter.copy_(start);
            Assert.True(Math.Abs((above - below) / (2 * step) - slope) <= 1e-5 * Math.Max(1, Math.Abs(slope)),
                $"{name}: {(above - below) / (2 * step)} by differences, {slope} by the gradient");
        }
    }

    [Fact]
    public void The_correction_begins_as_the_fixed_pairs()
    {
        var values = tensor((double[])[9, 4, 2]).unsqueeze(0);
        var vectors = linalg.qr(random.Normal([8, 3], ScalarType.Float64)).Q.mT.unsqueeze(0);
        var pairs = new FixedEigenpairs(new(values, vectors, zeros_like(values), values > 0));
        var network = (TransportedHessianNetwork)LearnedPreconditioningEstimator.Transported(Circle, pairs,
            new() { Features = 4, Levels = 1 })(
            HessianInputs.Measure(Circle, [Window(4)], null), random);
        var (found, rows) = network.Eigenpairs(Inputs(Circle).to_type(ScalarType.Float32));
        Assert.Equal(0, (found - values).abs().max().ToDouble(), 1e-4);
        Assert.Equal(1, (rows * vectors).sum(-1).abs().min().ToDouble(), 1e-5);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Learned_pairs_come_back_from_a_file_to_the_bit(string kind, string grid)
    {
        var layout = Layout(grid);
        var learned = new LearnedEigenpairs(Network(kind, layout), HessianInputs.Measure(layout, [Window(4, layout.Dimension)], null),
            pairs: 4);
        string file = Path.Combine(Directory.CreateTempSubdirectory().FullName, "learned.daml");
        ModelArchive.Write(learned, file);
        var read = new DataAssimilationContext(1).Model.Load<LearnedEigenpairs>(file);
        var inputs = Inputs(layout);
        var (values, vectors) = learned.Network.Eigenpairs(inputs);
        var (again, same) = read.Network.Eigenpairs(inputs);
        Assert.True(values.equal(again).all().ToBoolean() && vectors.equal(same).all().ToBoolean());
        Assert.Equal(4, read.Pairs);
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    private AssimilationWindow Window(long batch, long n = 8) =>
        new(new State(random.Normal([batch, n], ScalarType.Float64)), new TimeInterval(0, 0.1), 0.05, []);
}
