namespace DaML.Samples;

/// <summary>A preconditioner of the comparison.</summary>
/// <param name="Key">As figures name it, without rank and mu.</param>
/// <param name="Title">As tables name it.</param>
/// <param name="Rank">r; null where it has none.</param>
/// <param name="Mu">In words: smallest eigenvalue kept, or one; empty where there is none.</param>
/// <param name="Preconditioning">The preconditioner.</param>
/// <param name="BlockProducts">Hessian products that it takes in blocks, for each state.</param>
/// <param name="UsesNetwork">Whether a network is evaluated.</param>
internal sealed record PreconditionerMethod(string Key, string Title, int? Rank, string Mu, IPreconditioning Preconditioning,
    double BlockProducts = 0, bool UsesNetwork = false)
{
    public const string SmallestKept = "smallest kept", One = "1";

    /// <summary>The name that figures are kept under.</summary>
    public string Name => Key + (Rank is { } rank ? FormattableString.Invariant($".{rank}") : "") + (Mu == One ? ".mu1" : "");
}

/// <summary>The preconditioners that are compared.</summary>
internal static class PreconditionerMethods
{
    /// <summary>All of them, none first.</summary>
    /// <param name="plan">Ranks and oversampling.</param>
    /// <param name="dimension">Of the state.</param>
    /// <param name="seed">Of random searches.</param>
    /// <param name="exact">Pairs of each system's own matrix, as many as the largest rank.</param>
    /// <param name="average">The pairs of the average, as many as the largest rank.</param>
    /// <param name="inverse">The average and how it is used as an inverse; null where the matrix is too large.</param>
    /// <param name="learned">The paper's network.</param>
    /// <param name="residual">The network that corrects fixed pairs.</param>
    public static IReadOnlyList<PreconditionerMethod> All(PreconditionerPlan plan, long dimension, long seed, SharedEigenpairs exact,
        FixedEigenpairs average,
        RegularisedInversePreconditioning? inverse, LearnedEigenpairs learned, LearnedEigenpairs residual)
    {
        var methods = new List<PreconditionerMethod>
        {
            new("none", "none", null, "", new NoPreconditioning()),
            new("control_variable", "B^(1/2) (B = I: no change)", null, "",
                new CovariancePreconditioning(ErrorCovariance.Scalar(dimension, 1))),
            new("ritz_pairs", "Ritz pairs of the solve before, as they were", null, "", new RitzPreconditioning()),
            new("ritz", "Ritz vectors of the solve before, limited memory", null, PreconditionerMethod.SmallestKept,
                new LimitedMemoryPreconditioning(new RecycledEigenpairs(plan.Ranks[0]), mu: null), BlockProducts: plan.Ranks[0]),
        };
        if (inverse is not null)
            methods.Add(
                new("fixed_inverse", FormattableString.Invariant($"inverse of the average + {inverse.Shift:g3}"), null, "", inverse));
        foreach (int rank in plan.Ranks)
        {
            // What that rank would cost alone.
            var search = PreconditionerPlan.Exact(rank, plan.Oversampling, seed);
            var random = new ComputedEigenpairs(rank, EigenpairMethod.Randomised, plan.Oversampling, seed: seed);
            var fixedPairs = average.Leading(rank);
            Pair("exact_spectral", "exact spectral", exact.Leading(rank), block: search.Passes * (rank + search.Oversampling));
            Pair("randomized", "randomised, two passes", random, block: 2 * (rank + plan.Oversampling));
            Pair("fixed", "fixed, spectral", fixedPairs);
            Memory("fixed_limited_memory", "fixed, limited memory", fixedPairs, false);
            if (rank <= learned.Network.Rank)
            {
                Pair("learned", "learned, spectral", learned.Leading(rank), network: true);
                Memory("learned_limited_memory", "learned, limited memory", learned.Leading(rank), true);
            }
            if (rank > residual.Network.Rank) continue;
            Pair("learned_residual", "learned on the fixed one, spectral", residual.Leading(rank), network: true);
            Memory("learned_residual_limited_memory", "learned on the fixed one, limited memory", residual.Leading(rank), true);

            void Pair(string key, string title, IEigenpairSource source, double block = 0, bool network = false)
            {
                methods.Add(new(key, title, rank, PreconditionerMethod.SmallestKept, new SpectralPreconditioning(source), block, network));
                if (rank == plan.Ranks[^1] && key != "randomized")
                    methods.Add(
                        new(key, title, rank, PreconditionerMethod.One, new SpectralPreconditioning(source, new SpectralForm { Mu = 1 }),
                            block, network));
            }

            void Memory(string key, string title, IEigenpairSource source, bool network) =>
                methods.Add(
                    new(key, title, rank, PreconditionerMethod.SmallestKept, new LimitedMemoryPreconditioning(source, mu: null),
                        BlockProducts: rank, UsesNetwork: network));
        }
        return methods;
    }
}
