using System.Reflection;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// What the preconditioners here are made from: a random Hessian of dimension 7 for each of two trajectories, and vectors that are
/// no eigenvectors of it.
/// </summary>
internal sealed class PreconditionedSystem
{
    public PreconditionedSystem()
    {
        using var random = new RandomStream(1, "pairs", CPU);
        var q = linalg.qr(random.Normal([2, 7, 7], ScalarType.Float64)).Q;
        var matrix = (q * logspace(0, 2, 7, 10, dtype: ScalarType.Float64)).matmul(q.mT);
        Cost = new(v => new(matrix.matmul(v.Values.unsqueeze(-1)).squeeze(-1)), new(random.Normal([2, 7], ScalarType.Float64)),
            zeros([2], dtype: ScalarType.Float64));
        Matrix = matrix[0];
        Subspace = random.Normal([2, 3, 7], ScalarType.Float64);
        Vectors = linalg.qr(Subspace.mT).Q.mT;
        Values = 1 + 10 * random.Uniform([2, 3], ScalarType.Float64);
        Pairs = new(Values, Vectors, zeros_like(Values), tensor(new[] { true, true, true, true, true, false }).reshape(2, 3));
    }

    public QuadraticCost Cost { get; }
    public Tensor Matrix { get; }
    public Tensor Subspace { get; }
    public Tensor Vectors { get; }
    public Tensor Values { get; }
    public RitzPairs Pairs { get; }

    /// <summary>The pairs of the first trajectory, for any.</summary>
    public FixedEigenpairs Fixed => new(new(Pairs.Values.narrow(0, 0, 1), Pairs.Vectors.narrow(0, 0, 1), Pairs.Residuals.narrow(0, 0, 1),
        Pairs.Known.narrow(0, 0, 1)));

    public IPreconditioner Prepare(IPreconditioning preconditioning, params IReadOnlyList<InnerSolution> previous) =>
        preconditioning.Prepare(null!, Cost, previous);

    /// <summary>A solve of a few iterations.</summary>
    public InnerSolution Solved(IPreconditioner? preconditioner = null)
    {
        var solver = new ConjugateGradientSolver(new() { MaximumIterations = 5, ResidualReduction = 0.1, KeepDirections = true });
        return solver.Solve(Cost, preconditioner ?? new IdentityPreconditioner());
    }
}

public abstract class SmallPreconditionerContract : PreconditionerContract
{
    protected override long Dimension => 7;
    private protected PreconditionedSystem System { get; } = new();
}

public sealed class SpectralPreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() => new SpectralPreconditioner(System.Pairs, new() { Mu = 1 });
}

public sealed class SmallestKeptSpectralPreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() => new SpectralPreconditioner(System.Pairs,
        new() { Alpha = -0.5, Beta = 0.7 });
}

public sealed class LimitedMemoryPreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() => new LimitedMemoryPreconditioner(System.Subspace, Products(), mu: 2.5);

    private Tensor Products() => stack([.. Enumerable.Range(0, 3).Select(i =>
        System.Cost.HessianProduct(new(System.Subspace.select(1, i))).Values)], 1);
}

public sealed class RecycledPreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() =>
        System.Prepare(new LimitedMemoryPreconditioning(new RecycledEigenpairs(4), mu: null), System.Solved());
}

public sealed class RecycledSpectralPreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() => System.Prepare(new SpectralPreconditioning(new RecycledEigenpairs()),
        System.Solved());
}

public sealed class RitzPreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() => System.Prepare(new RitzPreconditioning(0.5), System.Solved());
}

public sealed class StackedSpectralPreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner()
    {
        var preconditioning = new RitzPreconditioning(0.5, form: new() { Beta = 0.8 });
        var first = System.Solved();
        return System.Prepare(preconditioning, first, System.Solved(System.Prepare(preconditioning, first)));
    }
}

public sealed class QuasiNewtonPreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() => System.Prepare(new QuasiNewtonPreconditioning(3), System.Solved());
}

public sealed class RandomisedPreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() =>
        System.Prepare(new SpectralPreconditioning(new ComputedEigenpairs(3, EigenpairMethod.Randomised, oversampling: 1, passes: 3)));
}

public sealed class FixedPreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() => System.Prepare(new LimitedMemoryPreconditioning(System.Fixed));
}

public sealed class RegularisedInverseConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() => System.Prepare(new RegularisedInversePreconditioning(System.Matrix, 0.5));
}

public sealed class CovariancePreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() =>
        System.Prepare(new CovariancePreconditioning(ErrorCovariance.Full(System.Matrix)));
}

public sealed class TwoLevelPreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() => System.Prepare(new TwoLevelPreconditioning(
        new RegularisedInversePreconditioning(System.Matrix, 5), new LimitedMemoryPreconditioning(new ComputedEigenpairs(2))));
}

public sealed class LanczosPreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() => System.Prepare(new SpectralPreconditioning(new ComputedEigenpairs(4)));
}

public sealed class FixedSpectralPreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() => System.Prepare(new SpectralPreconditioning(System.Fixed));
}

public sealed class HandedOnPreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner()
    {
        var preconditioning = new LimitedMemoryPreconditioning(new RecycledEigenpairs(4, betweenWindows: true));
        var solved = System.Solved();
        return System.Prepare(preconditioning, new InnerSolution(solved.Solution, [], preconditioning.HandedOn([solved])));
    }
}

public sealed class NoPreconditioningConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() => System.Prepare(new NoPreconditioning());
}

/// <summary>Pairs of networks with random weights on a circle of seven, in both forms.</summary>
public abstract class LearnedPreconditionerContract : SmallPreconditionerContract
{
    protected abstract HessianNetwork CreateNetwork(FieldLayout layout);

    protected abstract IPreconditioning Form(IEigenpairSource source);

    protected override IPreconditioner CreatePreconditioner()
    {
        using var random = new RandomStream(2, "learned", CPU);
        var layout = FieldLayout.Circle(7);
        var network = CreateNetwork(layout);
        using (no_grad())
            foreach (var parameter in network.parameters()) parameter.copy_(0.3 * random.Normal(parameter.Sizes(), parameter.dtype));
        var states = new State(random.Normal([2, 7], ScalarType.Float64));
        var window = new AssimilationWindow(states, new TimeInterval(0, 0), 0.05, []);
        var learned = new LearnedEigenpairs(network, HessianInputs.Measure(layout, [window], null));
        return Form(learned).Prepare(new WindowTrajectory<State>(window, [states]), System.Cost, []);
    }

    protected UNet Trunk(FieldLayout layout) => new(layout, 1, new() { Features = 4, Levels = 1, Heads = 2 }, ScalarType.Float64);
}

public sealed class LearnedSpectralConformance : LearnedPreconditionerContract
{
    protected override HessianNetwork CreateNetwork(FieldLayout layout) =>
        new SpectralHessianNetwork(Trunk(layout), 4, layout, 3, 200, precision: ScalarType.Float64);
    protected override IPreconditioning Form(IEigenpairSource source) => new SpectralPreconditioning(source);
}

public sealed class LearnedLimitedMemoryConformance : LearnedPreconditionerContract
{
    protected override HessianNetwork CreateNetwork(FieldLayout layout) =>
        new SpectralHessianNetwork(Trunk(layout), 4, layout, 3, 200, precision: ScalarType.Float64);
    protected override IPreconditioning Form(IEigenpairSource source) => new LimitedMemoryPreconditioning(source, mu: null);
}

public sealed class LearnedCorrectionConformance : LearnedPreconditionerContract
{
    protected override HessianNetwork CreateNetwork(FieldLayout layout) =>
        new TransportedHessianNetwork(Trunk(layout), 1, 4, layout, System.Fixed, precision: ScalarType.Float64);
    protected override IPreconditioning Form(IEigenpairSource source) => new SpectralPreconditioning(source);
}

/// <summary>A second level that has no factor.</summary>
public sealed class TwoLevelsWithoutFactorConformance : SmallPreconditionerContract
{
    private sealed class Diagonal : IPreconditioner
    {
        public string Name => "diagonal";
        public ControlVector Apply(ControlVector vector) => new(vector.Values * arange(1, 8, dtype: ScalarType.Float64));
    }

    protected override IPreconditioner CreatePreconditioner() => new TwoLevelPreconditioner(
        (ISplitPreconditioner)System.Prepare(new RegularisedInversePreconditioning(System.Matrix, 5)), new Diagonal());
}

/// <summary>B by diffusion on two fields with other units, as a first level.</summary>
public sealed class DiffusionPreconditionerConformance : PreconditionerContract
{
    private static readonly DiffusionOptions Field = new() { Columns = 3, Rows = 2, CorrelationLength = 1.5, Variance = 2 };

    protected override long Dimension => 12;
    protected override IPreconditioner CreatePreconditioner() => new CovariancePreconditioner(ErrorCovariance.Blocks(
        ErrorCovariance.Diffusion(Field), ErrorCovariance.Diffusion(Field with { Variance = 0.01, BoundaryX = DiffusionBoundary.Zero })));
}

/// <summary>B of an ensemble and a static part.</summary>
public sealed class HybridPreconditionerConformance : SmallPreconditionerContract
{
    protected override IPreconditioner CreatePreconditioner() => new CovariancePreconditioner(
        ErrorCovariance.Hybrid(System.Subspace[0], ErrorCovariance.Scalar(7, 0.5), 0.6));
}

/// <summary>No preconditioner of this project is left out.</summary>
public sealed class EveryPreconditionerTests
{
    [Fact]
    public void Every_preconditioner_passes_the_contract()
    {
        using var scope = NewDisposeScope();
        const BindingFlags hidden = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;
        var tested = typeof(EveryPreconditionerTests).Assembly.GetTypes()
            .Where(type => type is { IsAbstract: false, IsNested: false } && type.IsSubclassOf(typeof(PreconditionerContract)))
            .Select(type => type.GetMethod("CreatePreconditioner", hidden)!.Invoke(Activator.CreateInstance(type), [])!.GetType())
            .ToHashSet();
        var there = typeof(SpectralPreconditioner).Assembly.GetTypes()
            .Where(type => type is { IsAbstract: false, IsInterface: false } && type.IsAssignableTo(typeof(IPreconditioner)));
        Assert.Empty(there.Except(tested));
    }
}
