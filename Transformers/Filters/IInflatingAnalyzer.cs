using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// An analyzer that multiplies spreads by a factor. Where observations take less from a component than the factor gives, its spread would
/// grow in every cycle; so the loop has it lowered, see <see cref="InflationLimit{TMemory}"/>.
/// </summary>
internal interface IInflatingAnalyzer<TMemory> : IAnalyzer<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>Whether there is a factor.</summary>
    bool Inflates { get; }

    /// <summary>The analysis with its deviations lowered; its mean stays.</summary>
    /// <param name="analysis">What the analyzer gave.</param>
    /// <param name="factor">What they are multiplied by, at most one, <c>[batch, n]</c>.</param>
    TMemory Lowered(TMemory analysis, Tensor factor);
}
