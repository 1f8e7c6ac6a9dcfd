using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// An analyzer that multiplies spreads by a factor. Where observations take less from a component than the factor gives, its spread grows in
/// every cycle; so the loop bounds it by the wider of the forecast's spread and that at the method's start.
/// </summary>
internal interface IInflatingAnalyzer<TMemory> : IAnalyzer<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>Whether there is a factor to bound.</summary>
    bool Inflates { get; }

    /// <summary>The analysis with no spread above the ceiling; its mean stays.</summary>
    /// <param name="analysis">What the analyzer gave.</param>
    /// <param name="ceiling"><c>[batch, n]</c></param>
    TMemory Bounded(TMemory analysis, Tensor ceiling);
}
