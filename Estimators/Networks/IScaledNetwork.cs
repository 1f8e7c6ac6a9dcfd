namespace DaML.Components;

/// <summary>
/// A network that scales what it reads and writes by constants of its own: those of the data that it, or the network it began as, first
/// learned from.
/// </summary>
internal interface IScaledNetwork
{
    /// <summary>The constants.</summary>
    AnalysisStatistics Statistics { get; }
}
