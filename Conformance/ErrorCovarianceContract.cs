using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The contract of every error covariance. Inherit it in a test project of xunit v3 and define how the covariance is made.
/// </summary>
public abstract class ErrorCovarianceContract : Contract
{
    /// <summary>Makes the covariance, of dimension at least 2.</summary>
    protected abstract IErrorCovariance CreateCovariance();

    /// <summary>The largest relative error (default: 1e-9).</summary>
    protected virtual double Tolerance => 1e-9;

    /// <summary>
    /// Its matrix is symmetric and positive semidefinite, and positive definite if it does not say why not. Its determinant is the one it
    /// reports.
    /// </summary>
    [Fact]
    public void Its_matrix_is_symmetric_and_positive_definite()
    {
        using var scope = NewDisposeScope();
        var (covariance, matrix) = Create();
        DemandClose(matrix.mT, matrix, 1e-14, Name(covariance), "symmetry", "R^T against R");
        double smallest = linalg.eigvalsh(matrix).min().ToDouble();
        if (covariance.Singularity is { } why)
        {
            double largest = linalg.eigvalsh(matrix).max().ToDouble();
            Demand(smallest >= -Tolerance * largest, Name(covariance), "positive semidefiniteness",
                $"the smallest eigenvalue of its matrix is {smallest:g4}.");
            Demand(smallest <= Tolerance * largest, Name(covariance), "singularity",
                $"it says that {why} but its smallest eigenvalue is {smallest:g4}.");
            Demand(double.IsNegativeInfinity(covariance.LogDeterminant), Name(covariance), "determinant",
                $"it says ln det R = {covariance.LogDeterminant:g12}; that of a singular matrix is minus infinity.");
            return;
        }
        Demand(smallest > 0, Name(covariance), "positive definiteness", $"the smallest eigenvalue of its matrix is {smallest:g4}.");
        double logarithm = linalg.eigvalsh(matrix).log().sum().ToDouble();
        Demand(Math.Abs(covariance.LogDeterminant - logarithm) <= Tolerance * Math.Max(1, Math.Abs(logarithm)), Name(covariance),
            "determinant",
            $"it says ln det R = {covariance.LogDeterminant:g12}; its matrix has {logarithm:g12}.");
    }

    /// <summary>Its operations agree with its matrix: R^-1 v, a root L with L L^T = R, its transpose and its inverse.</summary>
    [Fact]
    public void Its_operations_are_those_of_its_matrix()
    {
        using var scope = NewDisposeScope();
        var (covariance, matrix) = Create();
        string name = Name(covariance);
        var v = Vectors(covariance, 4, 3);
        var rows = covariance.Colour(eye(covariance.Dimension, dtype: ScalarType.Float64));
        DemandClose(rows.mT.matmul(rows), matrix, Tolerance, name, "root", "L L^T against R");
        DemandClose(covariance.Colour(covariance.ColourAdjoint(v)), v.matmul(matrix), Tolerance, name, "root", "L (L^T v) against R v");
        if (covariance.Singularity is not null)
        {
            foreach (var (what,
                use) in ((string, Func<Tensor, Tensor>)[])[("R^-1 v", x => covariance.ApplyInverse(x)),
                    ("L^-1 v", x => covariance.Whiten(x))])
            {
                bool refused = false;
                try { use(v); }
                catch (NotSupportedException) { refused = true; }
                Demand(refused, name, "refusal", $"it is singular and gives {what}; a NotSupportedException is needed.");
            }
            return;
        }
        DemandClose(covariance.ApplyInverse(v), v.matmul(linalg.inv(matrix)), Tolerance, name, "inverse", "R^-1 v");
        DemandClose(covariance.Whiten(covariance.Colour(v)), v, Tolerance, name, "root", "whitening what was coloured");
        DemandClose(covariance.Whiten(v).square().sum([-1]), (v * covariance.ApplyInverse(v)).sum([-1]), Tolerance, name, "root",
            "the squared length of L^-1 v against v^T R^-1 v");
    }

    /// <summary>With a mask it is the covariance of the components that exist: missing ones have infinite variance.</summary>
    [Fact]
    public void A_mask_is_the_smaller_covariance()
    {
        using var scope = NewDisposeScope();
        var (covariance, matrix) = Create();
        if (covariance.Singularity is not null) return;
        string name = Name(covariance);
        long p = covariance.Dimension;
        var v = Vectors(covariance, 3, 2);
        var mask = ones([3, p], dtype: ScalarType.Bool);
        mask[0, 0] = false;                               // the first is missing
        mask.select(0, 1).narrow(0, 1, p - 1).fill_(false); // all but the first are missing
        mask.select(0, 2).fill_(false);                   // all are missing
        Tensor inverse = covariance.ApplyInverse(v, mask), white = covariance.Whiten(v, mask);
        for (long i = 0; i < 3; i++)
        {
            var index = mask[i].nonzero().squeeze(-1);
            var expected = zeros_like(v[i]);
            if (index.numel() > 0)
            {
                var smaller = matrix.index_select(0, index).index_select(1, index);
                expected = expected.index_copy(-1, index, v[i].index_select(-1, index).matmul(linalg.inv(smaller)));
            }
            DemandClose(inverse[i] + 1, expected + 1, Tolerance, name, "mask", "R^-1 v of what exists, zero elsewhere,");
            DemandClose(white[i].square().sum([-1]) + 1, (v[i] * expected).sum([-1]) + 1, Tolerance, name, "mask",
                "the squared length of L^-1 v of what exists");
            DemandClose(white[i] * mask[i].logical_not(), zeros_like(v[i]), 0, name, "mask", "L^-1 v where nothing exists");
        }
    }

    /// <summary>Every vector of a batch is treated separately, inputs are not changed, and wrong sizes are refused.</summary>
    [Fact]
    public void Batches_are_independent_and_wrong_sizes_refused()
    {
        using var scope = NewDisposeScope();
        var (covariance, _) = Create();
        string name = Name(covariance);
        var v = Vectors(covariance, 4, 3);
        byte[] before = TensorBits.Of(v);
        foreach (var (what, use) in ((string, Func<Tensor, Tensor>)[])[
            ("R^-1 v", x => covariance.ApplyInverse(x)), ("L^-1 v", x => covariance.Whiten(x)), ("L v", covariance.Colour),
            ("L^T v", covariance.ColourAdjoint)])
        {
            if (covariance.Singularity is not null && what.Contains("^-1")) continue;
            DemandClose(use(v[2]), use(v)[2], 1e-13, name, "batch independence", what);
            bool refused = false;
            try { use(cat([v, v.narrow(-1, 0, 1)], -1)); }
            catch (ArgumentException) { refused = true; }
            Demand(refused, name, "refusal",
                $"{what} takes vectors of size {covariance.Dimension + 1} where {covariance.Dimension} is its dimension; an " +
                    $"ArgumentException is needed.");
        }
        Demand(TensorBits.Of(v).AsSpan().SequenceEqual(before), name, "ownership", "it changes the vector it is given.");
    }

    /// <summary>After saving and reading, it is the same to the bit; skipped if it cannot be saved.</summary>
    [Fact]
    public void It_comes_back_from_a_file_to_the_bit()
    {
        using var scope = NewDisposeScope();
        var (covariance, _) = Create();
        var read = RoundTrip(covariance, CreateContext());
        var v = Vectors(covariance, 2, 2);
        if (covariance.Singularity is null)
            DemandSame(read.ApplyInverse(v), covariance.ApplyInverse(v), Name(covariance), "saving",
                "R^-1 v of the covariance read from a file");
        DemandSame(read.Colour(v), covariance.Colour(v), Name(covariance), "saving", "L v of the covariance read from a file");
    }

    private (IErrorCovariance, Tensor) Create()
    {
        var covariance = CreateCovariance();
        Require.AtLeast(covariance.Dimension, 2, "Dimension");
        return (covariance, covariance.ToMatrix(ScalarType.Float64, CPU));
    }

    private Tensor Vectors(IErrorCovariance covariance, params long[] leading)
    {
        using var random = CreateContext().Random("conformance/vectors");
        return random.Normal([.. leading, covariance.Dimension], ScalarType.Float64);
    }

    private static string Name(IErrorCovariance covariance) => covariance.GetType().Name;
}
