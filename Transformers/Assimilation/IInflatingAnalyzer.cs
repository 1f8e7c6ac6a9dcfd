using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// An analyzer that multiplies spreads by a factor. Where observations reduce the spread of a component less than the factor raises it,
/// the spread would grow in every cycle. The loop therefore has the analyzer lower it, see <see cref="InflationLimit{TMemory}"/>.
/// </summary>
internal interface IInflatingAnalyzer<TMemory> : IAnalyzer<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>
    /// The bound on the lift of a component's variance that observations do not take back, see <see cref="Components.LargestLift"/>; null
    /// without a factor.
    /// </summary>
    double? LargestLift { get; }

    /// <summary>Gives the analysis with reduced deviations and the same mean.</summary>
    /// <param name="analysis">The analyzer's output.</param>
    /// <param name="factor">The factor of the deviations, at most one, <c>[batch, n]</c>.</param>
    TMemory Lowered(TMemory analysis, Tensor factor);
}

/// <summary>The bound on how far inflation lifts the variance of a component before observations take it back.</summary>
internal static class LargestLift
{
    /// <summary>Twice the spread, for factors set by the user, which know nothing of the cycle.</summary>
    public const double OfGivenFactors = 4;

    /// <summary>
    /// Ten times the spread, for factors estimated from innovations: an ensemble far from the truth needs more than twice. (EnKF-N on
    /// Lorenz-96, started far from the truth, blew up when its components were held to twice.)
    /// </summary>
    public const double OfEstimatedFactors = 100;
}
