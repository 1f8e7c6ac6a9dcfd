using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The largest spread that an inflation may give the analyses of one run: the wider of the cycle's forecast and the method's start,
/// component by component. A method without a factor has none.
/// </summary>
internal sealed class SpreadCeiling<TMemory> : IDisposable where TMemory : IMemory<TMemory>
{
    private readonly AssimilationTriple<TMemory> triple;
    private readonly IInflatingAnalyzer<TMemory>? analyzer;
    private readonly Tensor? start;

    /// <summary>Takes down the spread at the start.</summary>
    /// <param name="triple">The method's parts.</param>
    /// <param name="memory">Gives the memory from the source, where there is a factor.</param>
    public SpreadCeiling(AssimilationTriple<TMemory> triple, Func<TMemory> memory)
    {
        this.triple = triple;
        if (triple.Analyzer is not IInflatingAnalyzer<TMemory> { Inflates: true } inflating || !triple.Procoder.HasSpread) return;
        analyzer = inflating;
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        start = triple.Procoder.Decode(memory()).StandardDeviation.DetachFromDisposeScope();
    }

    /// <summary>The analysis with no spread above the ceiling.</summary>
    /// <param name="forecast">The memory before it.</param>
    /// <param name="analysis">What the analyzer gave.</param>
    public TMemory Bounded(TMemory forecast, TMemory analysis)
    {
        if (analyzer is null) return analysis;
        using var scope = NewDisposeScope();
        var ceiling = maximum(triple.Procoder.Decode(forecast).StandardDeviation, start!);
        var bounded = analyzer.Bounded(analysis, ceiling);
        return ReferenceEquals(bounded, analysis) ? analysis : bounded.Map(tensor => tensor.MoveToOuterDisposeScope());
    }

    public void Dispose() => start?.Dispose();
}
