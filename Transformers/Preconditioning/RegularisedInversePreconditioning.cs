using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// P = (A_0 + s I)^-1 with a fixed matrix A_0, for instance the Hessian averaged over many states
/// (<see cref="FixedPreconditioningEstimator"/>), and a shift s. If the Hessian changes with the state, the shift is essential: without
/// it, directions in which A_0 happens to be small are blown up.
/// </summary>
[Component("regularised-inverse-preconditioning")]
public sealed class RegularisedInversePreconditioning : IPreconditioning
{
    private readonly ConstantTensor matrix, factor;

    /// <summary>Makes a preconditioning.</summary>
    /// <param name="matrix">A_0, symmetric, <c>[m, m]</c>; copied.</param>
    /// <param name="shift">s, zero or above.</param>
    /// <exception cref="ArgumentException">The matrix is not square, non-finite, not symmetric, or not positive definite with the
    /// shift.</exception>
    public RegularisedInversePreconditioning(Tensor matrix, double shift)
    {
        Shift = Require.NotNegative(shift);
        if (matrix.ndim != 2 || matrix.size(0) != matrix.size(1) || !matrix.is_floating_point())
            throw new ArgumentException($"A fixed Hessian must be a square matrix in single or double precision; " +
                $"given: {matrix.DescribeSizes()}, {matrix.dtype}.", nameof(matrix));
        Require.Finite(matrix, "A fixed Hessian");
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var given = matrix.to_type(ScalarType.Float64);
        double asymmetry = (given - given.mT).abs().max().ToDouble(), largest = given.abs().max().ToDouble();
        if (asymmetry > (matrix.dtype == ScalarType.Float64 ? 1e-8 : 1e-4) * largest)
            throw new ArgumentException($"A fixed Hessian must be symmetric; " +
                $"the matrix given differs from its transpose by up to {asymmetry:g4} (largest entry {largest:g4}).", nameof(matrix));
        var regularised = 0.5 * (given + given.mT) + shift * eye(given.size(0), dtype: ScalarType.Float64, device: given.device);
        var (lower, failed) = linalg.cholesky_ex(regularised);
        if (failed.ToInt32() != 0)
            throw new ArgumentException($"A fixed Hessian with the shift {shift:g6} must be positive definite; its smallest eigenvalue is "
                +
                $"{linalg.eigvalsh(regularised).min().ToDouble():g6}. A larger shift is the remedy.", nameof(shift));
        (this.matrix, factor) = (new ConstantTensor(matrix), new ConstantTensor(lower));
    }

    /// <inheritdoc/>
    public string Name => $"inverse of a fixed Hessian + {Shift:g4}";

    /// <summary>s</summary>
    public double Shift { get; }

    private Tensor Matrix => matrix.Value;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The dimensions of the matrix and of the control vector differ.</exception>
    public IPreconditioner Prepare(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous)
    {
        var b = cost.RightSide.Values;
        if (b.size(-1) != matrix.Value.size(0))
            throw new ArgumentException(
                $"The fixed Hessian is of dimension {matrix.Value.size(0)}; the control vector has {b.size(-1)} components.");
        return new CholeskyPreconditioner(factor, Name);
    }

    // P = C^-T C^-1 with the lower triangular C.
    private sealed class CholeskyPreconditioner(ConstantTensor factor, string name) : ISplitPreconditioner
    {
        public string Name => name;

        public ControlVector Apply(ControlVector vector)
        {
            using var white = Solve(vector.Values, transposed: false);
            return new(Solve(white, transposed: true));
        }

        public ControlVector ApplyFactor(ControlVector vector) => new(Solve(vector.Values, transposed: true));

        public ControlVector ApplyFactorTranspose(ControlVector vector) => new(Solve(vector.Values, transposed: false));

        private Tensor Solve(Tensor vectors, bool transposed)
        {
            using var scope = NewDisposeScope();
            var lower = factor.Like(vectors);
            return linalg.solve_triangular(transposed ? lower.mT : lower, vectors.mT,
                upper: transposed).mT.contiguous().MoveToOuterDisposeScope();
        }
    }
}
