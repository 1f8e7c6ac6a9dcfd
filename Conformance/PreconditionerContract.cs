using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The contract of every preconditioner: it is linear, symmetric and positive definite, separately for each trajectory of a batch.
/// Otherwise conjugate gradients may end at a wrong solution. Inherit it in a test project of xunit v3 and define how the preconditioner
/// is made.
/// </summary>
public abstract class PreconditionerContract : Contract
{
    /// <summary>Makes the preconditioner.</summary>
    protected abstract IPreconditioner CreatePreconditioner();

    /// <summary>The dimension m of the control vectors that it takes; it is applied to m unit vectors.</summary>
    protected abstract long Dimension { get; }

    /// <summary>The batch size of the control vectors that it takes (default: 2).</summary>
    protected virtual long Batch => 2;

    /// <summary>The largest relative error where the contract is exact up to round-off (default: 1e-10).</summary>
    protected virtual double Tolerance => 1e-10;

    /// <summary>P (2a - 3b) = 2 P a - 3 P b, of the shape of its input, the same each time.</summary>
    [Fact]
    public void It_is_linear()
    {
        using var scope = NewDisposeScope();
        var preconditioner = CreatePreconditioner();
        Tensor a = Vector("a"), b = Vector("b");
        var applied = Apply(preconditioner, a);
        Demand(applied.HasSizesOf(a), preconditioner.Name, "shape",
            $"a vector {ColumnDefinition.Describe(a.Sizes())} becomes {ColumnDefinition.Describe(applied.Sizes())}.");
        Demand(applied.isfinite().all().ToBoolean(), preconditioner.Name, "finite", "P v has infinite values or NaN.");
        DemandSame(Apply(preconditioner, a), applied, preconditioner.Name, "determinism", "P v applied again");
        DemandClose(Apply(preconditioner, 2 * a - 3 * b), 2 * applied - 3 * Apply(preconditioner, b), Tolerance, preconditioner.Name,
            "linearity", "P(2a - 3b) against 2 P a - 3 P b");
    }

    /// <summary>Its matrix is symmetric, and its eigenvalues are above zero.</summary>
    [Fact]
    public void It_is_symmetric_and_positive_definite()
    {
        using var scope = NewDisposeScope();
        var preconditioner = CreatePreconditioner();
        var identity = eye(Dimension, dtype: ScalarType.Float64);
        // [batch, i, :] = P e_i
        var matrix =
            stack([.. Enumerable.Range(0, (int)Dimension).Select(i => Apply(preconditioner, identity[i].expand(Batch, Dimension)))], 1);
        DemandClose(matrix.mT, matrix, Tolerance, preconditioner.Name, "symmetry", "P^T against P");
        var eigenvalues = linalg.eigvalsh((matrix + matrix.mT) / 2);
        double smallest = eigenvalues.min().ToDouble();
        Demand(smallest > 0, preconditioner.Name, "positive definiteness", $"its smallest eigenvalue is {smallest:g4}.");
    }

    /// <summary>
    /// A preconditioned solve ends at the solution of the system, for any symmetric positive definite matrix: here with eigenvalues from
    /// 1 to 100. Its factor L, if it has one, satisfies L L^T v = P v.
    /// </summary>
    [Fact]
    public void A_preconditioned_solve_has_the_same_solution()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var preconditioner = CreatePreconditioner();
        using var random = CreateContext().Random("conformance/matrix");
        var vectors = linalg.qr(random.Normal([Require.AtLeast(Batch, 2), Dimension, Dimension], ScalarType.Float64)).Q;
        var matrix = (vectors * logspace(0, 2, Dimension, 10, dtype: ScalarType.Float64)).matmul(vectors.mT);
        var b = Vector("b");
        var cost = new QuadraticCost(v => new(matrix.matmul(v.Values.unsqueeze(-1)).squeeze(-1)), new(b),
            zeros([Batch], dtype: ScalarType.Float64));
        Tensor solution;
        try { solution = new ConjugateGradientSolver(new() { MaximumIterations = (int)Dimension, ResidualReduction = 1e-13 })
            .Solve(cost, preconditioner).Solution.Values; }
        catch (ArithmeticException stopped) { throw new ConformanceException(preconditioner.Name, "solution", "conjugate gradients stop: " +
            stopped.Message); }
        DemandClose(solution, linalg.solve(matrix, b.unsqueeze(-1)).squeeze(-1), 1e-8, preconditioner.Name, "solution",
            "the solution of a preconditioned system");
        if (preconditioner is ISplitPreconditioner split)
            DemandClose(split.ApplyFactor(split.ApplyFactorTranspose(new(b))).Values, Apply(preconditioner, b), Tolerance,
                preconditioner.Name, "factor", "L L^T v against P v");
    }

    /// <summary>Every trajectory of a batch is treated separately.</summary>
    [Fact]
    public void Trajectories_are_independent()
    {
        using var scope = NewDisposeScope();
        var preconditioner = CreatePreconditioner();
        Tensor a = Vector("a"), changed = a.clone();
        changed[0] = 3 * Vector("b")[0];
        DemandClose(Apply(preconditioner, changed).narrow(0, 1, Batch - 1), Apply(preconditioner, a).narrow(0, 1, Batch - 1), 1e-13,
            preconditioner.Name, "batch independence", "P v of the others when one vector changes");
    }

    /// <summary>
    /// Inputs are unchanged and remain the caller's, and a call leaves only its result behind; several threads at once get the same.
    /// </summary>
    [Fact]
    public void It_leaves_what_it_is_given_alone()
    {
        using var scope = NewDisposeScope();
        var preconditioner = CreatePreconditioner();
        var a = Vector("a");
        byte[] before = TensorBits.Of(a);
        Apply(preconditioner, a).Dispose(); // the first call may make what it keeps
        using (var inner = NewDisposeScope())
        {
            var result = Apply(preconditioner, a);
            Demand(inner.DisposablesCount == 1, preconditioner.Name, "ownership",
                $"a call leaves {inner.DisposablesCount} tensors behind; its result alone is needed.");
            Demand(!ReferenceEquals(result, a), preconditioner.Name, "ownership",
                "it gives back the tensor it was given; an unchanged one is given back as an alias.");
        }
        Demand(!a.IsInvalid
            && TensorBits.Of(a).AsSpan().SequenceEqual(before), preconditioner.Name, "ownership",
            "it changes or disposes what it is given.");
        DemandSameOnThreads(preconditioner.Name, () =>
        {
            using var inner = NewDisposeScope();
            return TensorBits.Of(Apply(preconditioner, a));
        });
    }

    private static Tensor Apply(IPreconditioner preconditioner, Tensor values)
    {
        using var noGradients = no_grad();
        return preconditioner.Apply(new ControlVector(values)).Values;
    }

    private Tensor Vector(string name)
    {
        using var random = CreateContext().Random("conformance/" + name);
        return random.Normal([Require.AtLeast(Batch, 2), Dimension], ScalarType.Float64);
    }
}
