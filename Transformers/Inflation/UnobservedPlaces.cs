using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Keeps inflation from places without observations (docs/filters.md, Inflation where nothing is observed).</summary>
internal static class UnobservedPlaces
{
    /// <summary>Gives the analysis, or the forecast in trajectories without an observation.</summary>
    /// <param name="forecast">The tensor before the analysis, <c>[batch, ...]</c>.</param>
    /// <param name="analysis">The tensor after it, of the same shape.</param>
    /// <param name="observations">The observations of the cycle, or of the window.</param>
    public static Tensor Keep(Tensor forecast, Tensor analysis, params ReadOnlySpan<Observation> observations)
    {
        using var scope = NewDisposeScope();
        Tensor? observed = null;
        foreach (var observation in observations)
        {
            if (observation.Mask is not { } mask) return analysis;
            observed = observed is null ? mask.any(-1) : observed.logical_or(mask.any(-1));
        }
        if (observed is null || observed.all().ToBoolean()) return analysis;
        return where(observed.reshape([-1, .. Enumerable.Repeat(1L, (int)analysis.ndim - 1)]), analysis, forecast)
            .MoveToOuterDisposeScope();
    }

    /// <summary>Lowers the deviations of some components of an ensemble; its mean and all other components stay the same to the
    /// bit.</summary>
    /// <param name="ensemble"><c>[batch, N, n]</c></param>
    /// <param name="factor">The factor of the deviations, at most one, <c>[batch, n]</c>.</param>
    public static EnsembleMemory Lowered(EnsembleMemory ensemble, Tensor factor)
    {
        using var scope = NewDisposeScope();
        var members = ensemble.Members;
        var mean = members.mean([1], keepdim: true);
        var by = factor.unsqueeze(1);
        return new(where(by < 1, mean + (members - mean) * by, members).MoveToOuterDisposeScope());
    }

    /// <summary>Does the same for a mean and a covariance.</summary>
    /// <param name="memory">m and W</param>
    /// <param name="factor"><c>[batch, n]</c></param>
    public static GaussianMemory Lowered(GaussianMemory memory, Tensor factor)
    {
        using var scope = NewDisposeScope();
        return GaussianMemory.OfRoot(memory.Mean.alias().MoveToOuterDisposeScope(),
            (memory.Root * factor.unsqueeze(1)).MoveToOuterDisposeScope());
    }

    /// <summary>Does the same for both ends of a window, if it had an analysis in this cycle.</summary>
    /// <param name="window">The window.</param>
    /// <param name="factor"><c>[batch, n]</c></param>
    public static WindowMemory<EnsembleMemory> Lowered(WindowMemory<EnsembleMemory> window, Tensor factor) => window.Unused > 0 ? window
        : window.Analysed(Lowered(window.Start, factor), Lowered(window.Current, factor));
}
