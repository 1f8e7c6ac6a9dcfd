namespace DaML;

/// <summary>The number of modes that a decomposition keeps.</summary>
public abstract record ModeSelection
{
    private ModeSelection() { }

    /// <summary>A fixed number of modes.</summary>
    /// <param name="Modes">The number of modes, at least 1.</param>
    public sealed record Count(int Modes) : ModeSelection;

    /// <summary>
    /// The smallest number of modes that hold this fraction of the variance; at most
    /// <see cref="ModeFactorisation.Streaming.MaximumModes"/> if they are found by passes over the data.
    /// </summary>
    /// <param name="Fraction">The fraction, above 0 and at most 1.</param>
    public sealed record Variance(double Fraction) : ModeSelection;
}
