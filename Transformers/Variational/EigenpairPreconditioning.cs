using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>How eigenpairs of a Hessian are found from its products.</summary>
public enum EigenpairMethod
{
    /// <summary>Lanczos iterations with full re-orthogonalisation from a random vector: the most accurate for a number of products, one after the other.</summary>
    Lanczos,

    /// <summary>
    /// The randomised range finder with one pass of subspace iteration (Halko, Martinsson and Tropp 2011, SIAM Review 53, 217-288; in
    /// data assimilation Dauzickaite et al. 2021): its products do not wait for each other, and it needs two for each vector.
    /// </summary>
    Randomised,
}

/// <summary>
/// The spectral preconditioner from the leading eigenpairs of each outer loop's own Hessian, computed anew: what a
/// preconditioner could be at best, at a price of Hessian products that only many solves with one Hessian would pay for. The
/// measure for cheaper ones (Trappler and Vidard, section 1.6).
/// </summary>
/// <param name="pairs">r, the number of eigenpairs.</param>
/// <param name="method">Lanczos unless said.</param>
/// <param name="oversampling">How many more vectors than pairs are used, zero or above; as many again as pairs unless said, without which the last of them are poor.</param>
/// <param name="target">mu, where the eigenvalues go; one unless said.</param>
/// <param name="seed">Of the random vectors; zero unless said.</param>
public sealed class EigenpairPreconditioning(int pairs, EigenpairMethod method = EigenpairMethod.Lanczos, int? oversampling = null, double target = 1, long seed = 0) : IPreconditioning, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("eigenpair-preconditioning", 1, reader => new EigenpairPreconditioning(
        reader.Get<int>("pairs"), reader.Get<EigenpairMethod>("method"), reader.Get<int>("oversampling"), reader.Get<double>("target"), reader.Get<long>("seed")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public string Name => $"{Pairs} eigenpairs ({(Method == EigenpairMethod.Lanczos ? "Lanczos" : "randomised")})";

    /// <summary>r</summary>
    public int Pairs { get; } = (int)Require.AtLeast(pairs, 1);

    /// <summary>How the pairs are found.</summary>
    public EigenpairMethod Method { get; } = Enum.IsDefined(method) ? method : throw new ArgumentOutOfRangeException(nameof(method), method, $"No such method for eigenpairs: {method}.");

    /// <summary>How many more vectors than pairs are used.</summary>
    public int Oversampling { get; } = (int)Require.AtLeast(oversampling ?? pairs, 0, nameof(oversampling));

    /// <summary>mu</summary>
    public double Target { get; } = Require.Positive(target);

    /// <inheritdoc/>
    public IPreconditioner Prepare(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous) => new SpectralPreconditioner(Find(cost), Target);

    /// <summary>The leading eigenpairs of a quadratic cost's Hessian, with their residuals.</summary>
    public RitzPairs Find(QuadraticCost cost)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var b = KrylovNumbers.RightSide(cost);
        using var random = new RandomStream(seed, "eigenpairs", b.device);
        int vectors = (int)Math.Min(Pairs + (long)Oversampling, b.size(1));
        var found = Method == EigenpairMethod.Lanczos ? ByLanczos(cost, random, vectors) : ByRandomisation(cost, random, vectors);
        return found.Accurate(double.PositiveInfinity, Pairs).MoveToOuterDisposeScope();
    }

    // The Krylov space of a random right side; the cost at zero does not matter.
    private static RitzPairs ByLanczos(QuadraticCost cost, RandomStream random, int vectors)
    {
        var b = cost.RightSide.Values;
        var start = cost with { RightSide = new(random.Normal(b.Sizes(), b.dtype)), AtZero = zeros([b.size(0)], dtype: b.dtype, device: b.device) };
        return new LanczosSolver(new InnerSolverOptions { MaximumIterations = vectors, ResidualReduction = 0 }).Solve(start, new IdentityPreconditioner()).Ritz!;
    }

    // Q spans A Omega; Q^T A Q has the pairs, and with A Q at hand their residuals are known.
    private static RitzPairs ByRandomisation(QuadraticCost cost, RandomStream random, int vectors)
    {
        var b = cost.RightSide.Values;
        long batch = b.size(0), m = b.size(1);
        var basis = linalg.qr(cost.HessianProducts(random.Normal([batch, vectors, m], b.dtype)).mT).Q.mT;          // rows
        var products = cost.HessianProducts(basis);
        var small = products.matmul(basis.mT);
        var (ascending, rotation) = SymmetricEigenproblem.Solve(0.5 * (small + small.mT));
        var values = ascending.flip(-1);
        var rows = rotation.mT.flip(-2);
        var z = rows.matmul(basis);
        var residuals = (rows.matmul(products) - values.unsqueeze(-1) * z).square().sum(-1).sqrt();
        return new(values, z, residuals, ones([batch, vectors], dtype: ScalarType.Bool, device: b.device));
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("pairs", Pairs);
        writer.Set("method", Method);
        writer.Set("oversampling", Oversampling);
        writer.Set("target", Target);
        writer.Set("seed", seed);
    }
}
