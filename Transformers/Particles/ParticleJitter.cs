using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>The particles that a regularised filter moves after resampling.</summary>
public enum JitterTarget
{
    /// <summary>The particles that were drawn more than once.</summary>
    Duplicates,

    /// <summary>All particles, like draws from a density of kernels (Musso, Oudjane and Le Gland 2001).</summary>
    All,
}

/// <summary>
/// The regularisation of a particle filter: particles are drawn from a density of normal kernels around the weighted particles, so that
/// no two are equal. A kernel's standard deviation is factor N^(-1/(n + 4)) times the square root of the particles' covariance (Silverman
/// 1986, section 12.2.2, with Scott's rule for the bandwidth). If fewer than n + 1 particles count, too few for a covariance in n
/// dimensions, their weights are first made more equal, by a power of 1/2, 1/4 and so on. Without this, a filter whose particles all
/// missed the truth collapses to a point and never recovers (three of ten runs of 2000 cycles of Lorenz-63 with 800 particles).
/// </summary>
public sealed record ParticleJitter
{
    private ParticleJitter([Saved("jitter")] double factor, [Saved("jitterTarget")] JitterTarget target)
    {
        Target = target;
        Factor = Require.NotNegative(factor);
    }

    /// <summary>No regularisation: the bootstrap filter, for models whose own error separates the copies of a particle.</summary>
    public static ParticleJitter None { get; } = new(0, JitterTarget.Duplicates);

    /// <summary>Moves the particles that were drawn more than once.</summary>
    /// <param name="factor">The factor of Scott's bandwidth; zero or above.</param>
    public static ParticleJitter OfDuplicates(double factor) => new(factor, JitterTarget.Duplicates);

    /// <summary>Moves all particles.</summary>
    /// <param name="factor">The factor of Scott's bandwidth; zero or above.</param>
    public static ParticleJitter OfAll(double factor) => new(factor, JitterTarget.All);

    /// <summary>The particles that are moved.</summary>
    public JitterTarget Target { get; }

    /// <summary>The factor of Scott's bandwidth.</summary>
    public double Factor { get; }

    /// <summary>Moves the drawn particles.</summary>
    /// <param name="drawn">The members that were drawn, <c>[batch, N, n]</c>.</param>
    /// <param name="indices">The indices of the drawn members, <c>[batch, N]</c>.</param>
    /// <param name="before">The weighted members before, whose covariance the kernels use.</param>
    /// <param name="random">The stream of the moves.</param>
    internal Tensor Apply(Tensor drawn, Tensor indices, ParticleMemory before, RandomStream random)
    {
        if (Factor == 0) return drawn;
        using var scope = NewDisposeScope();
        long members = drawn.size(1), n = drawn.size(2);
        var covariance = new ParticleDensity(before.Members, Tempered(before.LogWeights, Math.Min(n + 1, 0.5 * members))).Covariance;
        // A non-finite trajectory remains non-finite, so that the loop sees it.
        var (values, vectors) = SymmetricEigenproblem.Solve(covariance.nan_to_num(0, 0, 0));
        var root = vectors * values.clamp_min(0).sqrt().unsqueeze(-2);
        double bandwidth = Factor * Math.Pow(members, -1.0 / (n + 4));
        var moves = bandwidth * random.Normal(drawn.Sizes(), drawn.dtype).matmul(root.mT);
        if (Target == JitterTarget.Duplicates)
        {
            var counts = zeros_like(indices).scatter_add(1, indices, ones_like(indices));
            moves = moves * (counts.gather(1, indices) > 1).to(drawn.dtype).unsqueeze(-1);
        }
        return (drawn + moves).MoveToOuterDisposeScope();
    }

    // The weights to the largest of the powers 1, 1/2, 1/4, ... for which enough particles count.
    private static Tensor Tempered(Tensor logWeights, double least)
    {
        using var scope = NewDisposeScope();
        var tempered = logWeights.alias();
        for (int halving = 0; halving < 60; halving++)
        {
            var poor = ParticleDensity.EffectiveSizeOf(tempered) < least;
            if (!poor.any().ToBoolean()) break;
            var half = 0.5 * tempered;
            tempered = where(poor.unsqueeze(-1), half - half.logsumexp(1, keepdim: true), tempered);
        }
        return tempered.alias().MoveToOuterDisposeScope();
    }
}
