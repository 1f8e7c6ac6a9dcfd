using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Keeps inflation from places where nothing is observed (docs/filters.md, Inflation where nothing is observed).</summary>
internal static class UnobservedPlaces
{
    /// <summary>The analysis, and the forecast in trajectories without an observation.</summary>
    /// <param name="forecast">The tensor before the analysis, <c>[batch, ...]</c>.</param>
    /// <param name="analysis">The tensor after it, of the same shape.</param>
    /// <param name="observations">Those of the cycle, or of the window.</param>
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
        return where(observed.reshape([-1, .. Enumerable.Repeat(1L, (int)analysis.ndim - 1)]), analysis, forecast).MoveToOuterDisposeScope();
    }

    /// <summary>An ensemble whose spread is nowhere above a ceiling; its mean stays, and so do all components below to the bit.</summary>
    /// <param name="ensemble"><c>[batch, N, n]</c></param>
    /// <param name="ceiling"><c>[batch, n]</c></param>
    public static EnsembleMemory Bounded(EnsembleMemory ensemble, Tensor ceiling)
    {
        using var scope = NewDisposeScope();
        var members = ensemble.Members;
        var spread = EnsembleStatistics.StandardDeviation(members);
        var above = spread > ceiling;
        if (!above.any().ToBoolean()) return ensemble;
        var mean = members.mean([1], keepdim: true);
        var bounded = mean + (members - mean) * (ceiling / spread).unsqueeze(1);
        return new(where(above.unsqueeze(1), bounded, members).MoveToOuterDisposeScope());
    }

    /// <summary>The same of a mean and a covariance.</summary>
    /// <param name="memory">m and W</param>
    /// <param name="ceiling"><c>[batch, n]</c></param>
    public static GaussianMemory Bounded(GaussianMemory memory, Tensor ceiling)
    {
        using var scope = NewDisposeScope();
        var spread = memory.Root.square().sum([1]).sqrt();
        var above = spread > ceiling;
        if (!above.any().ToBoolean()) return memory;
        var root = where(above.unsqueeze(1), memory.Root * (ceiling / spread).unsqueeze(1), memory.Root);
        return GaussianMemory.OfRoot(memory.Mean.alias().MoveToOuterDisposeScope(), root.MoveToOuterDisposeScope());
    }

    /// <summary>A window whose ensembles have nowhere a spread above a ceiling, where its analysis was in this cycle.</summary>
    /// <param name="window">The window.</param>
    /// <param name="ceiling"><c>[batch, n]</c></param>
    public static WindowMemory<EnsembleMemory> Bounded(WindowMemory<EnsembleMemory> window, Tensor ceiling)
    {
        if (window.Unused > 0) return window;
        using var scope = NewDisposeScope();
        var (start, end) = (Bounded(window.Start, ceiling), Bounded(window.Current, ceiling));
        if (ReferenceEquals(start, window.Start) && ReferenceEquals(end, window.Current)) return window;
        return window.Analysed(start, end).Map(tensor => tensor.MoveToOuterDisposeScope());
    }
}
