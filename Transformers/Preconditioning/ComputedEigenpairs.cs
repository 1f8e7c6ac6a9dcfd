using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The method of finding a Hessian's eigenpairs from its products.</summary>
public enum EigenpairMethod
{
    /// <summary>
    /// Lanczos iterations with full re-orthogonalisation from a random vector: the most accurate for a number of products, one
    /// after the other.
    /// </summary>
    Lanczos,

    /// <summary>
    /// The randomised range finder with subspace iteration (Halko, Martinsson and Tropp 2011, SIAM Review 53, 217-288; in data assimilation
    /// Dauzickaite et al. 2021): the products of a pass do not wait for each other.
    /// </summary>
    Randomised,
}

/// <summary>
/// The leading eigenpairs of each outer loop's own Hessian, computed again for each. This is the best that a preconditioner can do, at a
/// price in Hessian products that only many solves with one Hessian would repay. It is the reference for cheaper ones (Trappler and
/// Vidard, section 1.6).
/// </summary>
[Component("computed-eigenpairs")]
public sealed class ComputedEigenpairs : IEigenpairSource
{
    private readonly long seed;

    /// <summary>Makes a source.</summary>
    /// <param name="pairs">r, the number of eigenpairs, at most the dimension of the control vector.</param>
    /// <param name="method">Lanczos or randomised (default: Lanczos).</param>
    /// <param name="oversampling">
    /// The number of additional vectors beyond the pairs, zero or above (default: as many as pairs, since without them the last pairs are
    /// poor).
    /// </param>
    /// <param name="passes">
    /// The number of passes in which a randomised search applies the Hessian to all of its vectors, at least 2 (default: 2): all passes
    /// but the last turn random vectors to the leading eigenvectors, the last one finds the pairs among them. Lanczos iterations ignore
    /// it.
    /// </param>
    /// <param name="seed">The seed of the random vectors (default: 0).</param>
    public ComputedEigenpairs(int pairs, EigenpairMethod method = EigenpairMethod.Lanczos, int? oversampling = null, int passes = 2,
        long seed = 0)
    {
        Pairs = (int)Require.AtLeast(pairs, 1);
        Method = Require.Defined(method);
        Oversampling = (int)Require.AtLeast(oversampling ?? pairs, 0, nameof(oversampling));
        Passes = (int)Require.AtLeast(passes, 2);
        this.seed = seed;
    }

    /// <inheritdoc/>
    public string Name => $"{Pairs} eigenpairs ({(Method == EigenpairMethod.Lanczos ? "Lanczos" : "randomised")})";

    /// <summary>r</summary>
    public int Pairs { get; }

    /// <summary>The method of finding the pairs.</summary>
    public EigenpairMethod Method { get; }

    /// <summary>The number of additional vectors beyond the pairs.</summary>
    public int Oversampling { get; }

    /// <summary>The number of passes in which a randomised search applies the Hessian to all of its vectors.</summary>
    public int Passes { get; }

    /// <inheritdoc/>
    public RitzPairs Find(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous) => Find(cost);

    /// <summary>Finds the leading eigenpairs of a quadratic cost's Hessian, with their residuals.</summary>
    /// <exception cref="ArgumentException">More pairs are requested than the control vector has components.</exception>
    public RitzPairs Find(QuadraticCost cost)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var b = KrylovNumbers.RightSide(cost);
        if (Pairs > b.size(1))
            throw new ArgumentException($"{Pairs} eigenpairs are asked for, but the control vector has {b.size(1)} components; " +
                "ask for at most as many.");
        using var random = new RandomStream(seed, "eigenpairs", b.device);
        int vectors = (int)Math.Min(Pairs + (long)Oversampling, b.size(1));
        var found = Method == EigenpairMethod.Lanczos ? ByLanczos(cost, random, vectors) : ByRandomisation(cost, random, vectors);
        return found.Leading(Pairs).MoveToOuterDisposeScope();
    }

    // The Krylov space of a random right-hand side; the cost at zero does not matter.
    private static RitzPairs ByLanczos(QuadraticCost cost, RandomStream random, int vectors)
    {
        var b = cost.RightSide.Values;
        var start = cost with { RightSide = new(random.Normal(b.Sizes(), b.dtype)), AtZero = zeros_like(b.select(1, 0)) };
        var solver = new LanczosSolver(new InnerSolverOptions { MaximumIterations = vectors, ResidualReduction = 0 });
        return solver.Solve(start, new IdentityPreconditioner()).Ritz!;
    }

    // Q spans A^(passes - 1) Omega; Q^T A Q gives the pairs, and A Q, already computed, gives their residuals.
    private RitzPairs ByRandomisation(QuadraticCost cost, RandomStream random, int vectors)
    {
        var b = cost.RightSide.Values;
        long batch = b.size(0), m = b.size(1);
        var basis = random.Normal([batch, vectors, m], b.dtype);                                     // rows
        for (int pass = 1; pass < Passes; pass++) basis = linalg.qr(cost.HessianProducts(basis).mT).Q.mT;
        var known = ones([batch, vectors], dtype: ScalarType.Bool, device: b.device);
        var (values, z, products) = RowProducts.RayleighRitz(basis, cost.HessianProducts(basis), known);
        return new(values, z, (products - values.unsqueeze(-1) * z).square().sum(-1).sqrt(), known) { Products = products };
    }
}
