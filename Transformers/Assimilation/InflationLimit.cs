using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Keeps an inflation from growing without bound where observations do not reduce the spread. With s_f and s_a the spreads of a component
/// before and after an analysis, the variance has been lifted by
/// <code>
/// l &lt;- max(1, l (s_a / s_f)^2)
/// </code>
/// since observations last took it back. If l would exceed the analyzer's <see cref="LargestLift"/>, the analysis' deviations are lowered
/// until it does not. Where observations reduce the spread more than the factor raises it, as intended, l stays near one and nothing
/// changes.
/// </summary>
internal sealed class InflationLimit<TMemory>(AssimilationTriple<TMemory> triple) : IDisposable where TMemory : IMemory<TMemory>
{
    private readonly IInflatingAnalyzer<TMemory>? analyzer =
        triple.Analyzer is IInflatingAnalyzer<TMemory> { LargestLift: not null } inflating && triple.Procoder.HasSpread ? inflating : null;

    /// <summary>l, <c>[batch, n]</c>; null before the first analysis, and for methods without a factor.</summary>
    public Tensor? Lift { get; private set; }

    /// <summary>The largest l allowed; infinite for methods without a factor.</summary>
    public double Most => analyzer?.LargestLift ?? double.PositiveInfinity;

    /// <summary>Resumes with the lifts of an earlier run.</summary>
    /// <param name="lift">l; copied.</param>
    public void Restore(Tensor lift)
    {
        Lift?.Dispose();
        Lift = lift.clone().DetachFromDisposeScope();
    }

    /// <summary>Gives l, at first one; null for methods without a factor.</summary>
    /// <param name="batch">The number of trajectories.</param>
    /// <param name="n">The dimension of the state.</param>
    /// <param name="like">A tensor on the memory's device, in its precision.</param>
    public Tensor? LiftOf(long batch, long n, Tensor like) => analyzer is null ? null
        : Lift ??= ones([batch, n], dtype: like.dtype, device: like.device).DetachFromDisposeScope();

    /// <summary>Gives the analysis, with deviations lowered if its inflation went too far.</summary>
    /// <param name="forecast">The memory before it.</param>
    /// <param name="analysis">The analyzer's output.</param>
    public TMemory Apply(TMemory forecast, TMemory analysis)
    {
        if (analyzer is null) return analysis;
        if (Ensembles(forecast) is { } before && Ensembles(analysis) is { } after)
        {
            if (EnsembleStatistics.Lift(after, before, LiftOf(after.size(0), after.size(2), after)!, Most) is { } beyond)
                return beyond ? Lowered(analysis) : analysis;
        }
        using (var scope = NewDisposeScope())
        {
            Tensor old = triple.Procoder.Decode(forecast).StandardDeviation, now = triple.Procoder.Decode(analysis).StandardDeviation;
            var lifted = (Lift ?? ones_like(now)) * (now / old).square().where(old > 0, ones_like(now));
            Restore(lifted.where(lifted > 1, ones_like(lifted)));
            if (!(Lift! > Most).any().ToBoolean()) return analysis;
        }
        return Lowered(analysis);
    }

    public void Dispose() => Lift?.Dispose();

    /// <summary>Gives the analysis with deviations lowered until no l exceeds <see cref="Most"/>.</summary>
    /// <param name="analysis">The analyzer's output; l includes it already.</param>
    public TMemory Lowered(TMemory analysis)
    {
        using var scope = NewDisposeScope();
        var factor = (Most / Lift!).sqrt().clamp_max(1);
        Lift!.clamp_max_(Most);
        return analyzer!.Lowered(analysis, factor).Map(tensor => tensor.MoveToOuterDisposeScope());
    }

    // The members, of memories that are ensembles at the time of the analysis.
    private static Tensor? Ensembles(TMemory memory) => memory switch
    {
        EnsembleMemory ensemble => ensemble.Members,
        WindowMemory<EnsembleMemory> window => window.Current.Members,
        ProductMemory<EnsembleMemory, VectorMemory> product => product.First.Members,
        _ => null,
    };
}
