using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// An analyzer that multiplies spreads by a factor. Where observations take less from a component than the factor gives, its spread would
/// grow in every cycle; so the loop has it lowered, see <see cref="InflationLimit{TMemory}"/>.
/// </summary>
internal interface IInflatingAnalyzer<TMemory> : IAnalyzer<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>
    /// How far it may lift a component's variance that observations do not take back, see <see cref="Components.LargestLift"/>; null
    /// without a
    /// factor.
    /// </summary>
    double? LargestLift { get; }

    /// <summary>The analysis with its deviations lowered; its mean stays.</summary>
    /// <param name="analysis">What the analyzer gave.</param>
    /// <param name="factor">What they are multiplied by, at most one, <c>[batch, n]</c>.</param>
    TMemory Lowered(TMemory analysis, Tensor factor);
}

/// <summary>How far inflation may lift the variance of a component before observations take it back.</summary>
internal static class LargestLift
{
    /// <summary>Twice the spread, for factors that somebody chose: they know nothing of the cycle.</summary>
    public const double OfGivenFactors = 4;

    /// <summary>
    /// Ten times the spread, for factors that innovations ask for: an ensemble far from its truth needs more than twice. (EnKF-N on
    /// Lorenz-96 that
    /// had not found its truth blew up when its components were held to twice.)
    /// </summary>
    public const double OfEstimatedFactors = 100;
}
