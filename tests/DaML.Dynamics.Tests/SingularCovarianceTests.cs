using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Covariances without an inverse: matrix, root and draws are there all the same, and what is not says which component it lacks.
/// </summary>
public sealed class SingularCovarianceTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    public void Dispose() => scope.Dispose();

    private static readonly Dictionary<string, (Func<IErrorCovariance> Make, string Why)> Cases = new()
    {
        ["scalar"] = (() => ErrorCovariance.Scalar(4, 0), "the variance of every component is zero"),
        ["diagonal"] = (() => ErrorCovariance.Diagonal(2, 0, 1, 0), "the variance of component 1 (from 0) is zero, and of 1 more of its 4"),
        ["white acceleration"] = (() => ErrorCovariance.Full(tensor(new double[,] { { 0.25, 0.5 }, { 0.5, 1 } })),
            "component 1 (from 0) is a linear combination"),
        ["land point"] = (() => ErrorCovariance.Full(tensor(new double[,] { { 2, 0, 1 }, { 0, 0, 0 }, { 1, 0, 2 } })),
            "the variance of component 1 (from 0) is zero"),
        ["three samples"] = (() => ErrorCovariance.Full(SampleCovariance(3, 5)), "linear combination"),
        ["blocks"] = (() => ErrorCovariance.Blocks(ErrorCovariance.Scalar(2, 1), ErrorCovariance.Diagonal(1, 0)),
            "in block 1 (components 2 to 3, from 0) the variance of component 1"),
        ["diffusion without variance"] = (() => ErrorCovariance.Diffusion(new() { Columns = 6, CorrelationLength = 2, Variance = 0 }),
            "point 0"),
        ["diffusion with land"] = (() =>
            ErrorCovariance.Diffusion(new() { Columns = 3, Rows = 2, CorrelationLength = 2, Variances = [1, 2, 0, 1, 0, 3] }), "point 2"),
        ["wide diffusion"] = (() => ErrorCovariance.Diffusion(new() { Columns = 40, CorrelationLength = 30, Steps = 20 }),
            "condition number"),
        ["hybrid on land"] = (() => ErrorCovariance.Hybrid(Numbers.Normal(3, 2, 4), ErrorCovariance.Diagonal(1, 0, 1, 0), 0.5),
            "linear combination"),
        ["ensemble alone"] = (() => ErrorCovariance.Hybrid(Numbers.Normal(4, 3, 5), ErrorCovariance.Scalar(5, 1), 1), "linear combination"),
        ["joint"] = (() => Joint(ErrorCovariance.Diagonal(0, 1, 1), walks: true), "in the state the variance of component 0"),
        ["persisting parameter"] = (() => Joint(ErrorCovariance.Scalar(3, 1), walks: false), "parameter 0"),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    private static IErrorCovariance Joint(IErrorCovariance ofState, bool walks) => new JointDynamics(new Lorenz63 { ModelError = ofState },
        new EstimatedParameter("rho", 28, 1)
            { Evolution = walks ? ParameterEvolution.RandomWalk(1) : ParameterEvolution.Persistence }).ModelError!;

    private static Tensor SampleCovariance(int samples, int n)
    {
        var x = Numbers.Normal(9, samples, n);
        x = x - x.mean([0], keepdim: true);
        return x.mT.matmul(x) / (samples - 1);
    }

    [Theory, MemberData(nameof(Names))]
    public void Matrix_root_and_draws_are_there_and_the_inverse_is_refused_with_the_component(string name)
    {
        var covariance = Cases[name].Make();
        long n = covariance.Dimension;
        var matrix = covariance.ToMatrix(ScalarType.Float64, CPU);
        var root = covariance.Root(ScalarType.Float64, CPU);
        Numbers.Close(matrix + eye(n), root.mT.matmul(root) + eye(n), 1e-13);
        var v = Numbers.Normal(5, 3, n);
        Numbers.Close(v.matmul(matrix) + 1, covariance.Colour(covariance.ColourAdjoint(v)) + 1, 1e-12);
        using var random = new RandomStream(1, "draws", CPU);
        var draws = covariance.Sample([200_000], random, ScalarType.Float64);
        var deviations = matrix.diagonal().sqrt();
        Assert.Equal(0, draws.index_select(1, (deviations == 0).nonzero().reshape(-1)).abs().sum().ToDouble());
        Numbers.Close(matrix + eye(n), draws.mT.matmul(draws) / 200_000 + eye(n), 0.03);

        Assert.Equal(double.NegativeInfinity, covariance.LogDeterminant);
        Assert.Contains(Cases[name].Why, covariance.Singularity);
        var mask = ones([3, n], dtype: ScalarType.Bool);
        foreach (var refused in (Action[])[() => covariance.ApplyInverse(v), () => covariance.Whiten(v), () => covariance.Whiten(v, mask)])
            Assert.Contains(Cases[name].Why, Assert.Throws<NotSupportedException>(refused).Message);
        string needed = Assert.Throws<ArgumentException>(() =>
            covariance.Invertible("R of 'gauges'", "an analysis inverts it", "Raise it.")).Message;
        Assert.Contains("R of 'gauges' must be positive definite, since an analysis inverts it; it is singular: ", needed);
        Assert.EndsWith("Raise it.", needed);
    }

    [Theory, MemberData(nameof(Names))]
    public void They_come_back_from_a_file_to_the_bit(string name)
    {
        string path = Path.GetTempFileName();
        try
        {
            var covariance = Cases[name].Make();
            ModelArchive.Write(covariance, path);
            var read = ModelArchive.Read<IErrorCovariance>(path, new ComponentRegistry([.. DynamicsComponents.All]),
                new DataAssimilationContext(1));
            var v = Numbers.Normal(6, 2, covariance.Dimension);
            Assert.Equal(covariance.Colour(v).Bits(), read.Colour(v).Bits());
            Assert.Equal(covariance.Singularity, read.Singularity);
        }
        finally { File.Delete(path); }
    }

    [Theory]
    [InlineData(1e-24)]
    [InlineData(1)]
    [InlineData(1e24)]
    public void Definite_or_not_does_not_depend_on_units(double unit)
    {
        // A pressure in units far from a vorticity's: variances of 1e10 and 1e-10 with a correlation of 0.5, and of 1.
        double[] sizes = [1e5 * Math.Sqrt(unit), 1e-5];
        Tensor Matrix(double correlation) => tensor(new[,] { { 1, correlation }, { correlation, 1 } }) * tensor(sizes).outer(tensor(sizes));
        Assert.Null(ErrorCovariance.Full(Matrix(0.5)).Singularity);
        Assert.NotNull(ErrorCovariance.Full(Matrix(1)).Singularity);
        Assert.Throws<ArgumentException>(() => ErrorCovariance.Full(Matrix(1.01)));
    }

    [Fact]
    public void A_hybrid_of_the_ensemble_alone_or_on_land_is_its_matrix()
    {
        var members = Numbers.Normal(7, 3, 4);
        var x = members - members.mean([0], keepdim: true);
        var ensemble = x.mT.matmul(x) / 2;
        Numbers.Close(ensemble, ErrorCovariance.Hybrid(members, ErrorCovariance.Scalar(4, 1), 1).ToMatrix(ScalarType.Float64, CPU), 1e-14);
        var land = tensor(new double[] { 1, 0, 2, 0 });
        Numbers.Close(0.7 * land.diag() + 0.3 * ensemble,
            ErrorCovariance.Hybrid(members, ErrorCovariance.Diagonal(land), 0.3).ToMatrix(ScalarType.Float64, CPU), 1e-14);
        Assert.Throws<ArgumentOutOfRangeException>(() => ErrorCovariance.Hybrid(members, ErrorCovariance.Scalar(4, 1), 1.1));
    }

    [Fact]
    public void A_diffusion_has_the_variances_of_its_points_and_refuses_others()
    {
        double[] variances = [1, 2, 0, 1, 0.5, 3];
        var covariance = ErrorCovariance.Diffusion(new() { Columns = 3, Rows = 2, CorrelationLength = 1.5, Variances = variances });
        Numbers.Close(tensor(variances) + 1, covariance.ToMatrix(ScalarType.Float64, CPU).diagonal() + 1, 1e-14);
        // Where all are above zero, the root is scaled and the inverse there.
        double[] all = [1, 2, 4, 1, 0.5, 3];
        var definite = ErrorCovariance.Diffusion(new() { Columns = 3, Rows = 2, CorrelationLength = 1.5, Variances = all });
        var v = Numbers.Normal(8, 2, 6);
        Numbers.Close(v, definite.ApplyInverse(v.matmul(definite.ToMatrix(ScalarType.Float64, CPU))), 1e-10);
        Assert.Contains("3 x 2",
            Assert.Throws<ArgumentException>(() =>
                ErrorCovariance.Diffusion(new() { Columns = 2, Rows = 3, CorrelationLength = 1, Variances = [1] })).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            ErrorCovariance.Diffusion(new() { Columns = 2, CorrelationLength = 1, Variances = [1, -1] }));
    }

    [Fact]
    public void Roots_of_batches_take_singular_matrices_and_refuse_indefinite_ones()
    {
        var matrices =
            stack([eye(2, dtype: ScalarType.Float64), tensor(new double[,] { { 4, 2 }, { 2, 1 } }),
                zeros(2, 2, dtype: ScalarType.Float64)]);
        var root = CovarianceRoot.Of(matrices);
        Numbers.Close(matrices + 1, root.mT.matmul(root) + 1, 1e-14);
        Assert.True(CovarianceRoot.Of(matrices * double.NaN).isnan().all().ToBoolean());
        Assert.Throws<ArgumentException>(() => CovarianceRoot.Of(stack([matrices[0], -matrices[1]])));
    }

    [Fact]
    public void A_perfect_network_and_a_known_start_can_be_drawn()
    {
        var context = new DataAssimilationContext(1);
        var model = new Lorenz96 { ModelError = ErrorCovariance.Diagonal([0.1, .. new double[39]]) };
        var start = new GaussianInitialCondition(arange(40).to(ScalarType.Float64), ErrorCovariance.Scalar(40, 0));
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension, 0)) { Initial = start };
        using var random = context.Random("draw");
        Numbers.Close(arange(40).to(ScalarType.Float64).expand(3, 40), start.Draw(3, random, ScalarType.Float64), 0);
        using var twin = context.Data.Twin(system, new() { Cycles = 3 }).OpenCursor();
        while (twin.MoveNext()) Assert.Equal(twin[Columns.Truth].Bits(), twin[Columns.Observation].Bits());
    }

    [Theory, InlineData(0.5), InlineData(1.0)]
    public void A_component_that_never_varies_has_no_variance_in_a_hybrid(double weight)
    {
        // The mean of seven times 0.1 is not 0.1.
        var members = cat([arange(14, dtype: ScalarType.Float64).reshape(7, 2).square(), full([7, 1], 0.1, dtype: ScalarType.Float64)], 1);
        IErrorCovariance hybrid = ErrorCovariance.Hybrid(members, ErrorCovariance.Diagonal(1, 1, 0), weight);
        Assert.Contains("component 2", hybrid.Singularity);
        Assert.Equal(0, hybrid.ToMatrix(ScalarType.Float64, CPU)[2].abs().max().ToDouble());
    }
}
