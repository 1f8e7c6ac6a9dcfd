namespace DaML;

/// <summary>How many modes a decomposition keeps.</summary>
public abstract record ModeSelection
{
    private ModeSelection() { }

    /// <summary>A fixed number of modes.</summary>
    /// <param name="Modes">At least 1.</param>
    public sealed record Count(int Modes) : ModeSelection;

    /// <summary>
    /// The fewest modes that hold this fraction of the variance; at most <see cref="ModeFactorisation.Streaming.MaximumModes"/> where
    /// they are found by passes over the data.
    /// </summary>
    /// <param name="Fraction">Above 0, at most 1.</param>
    public sealed record Variance(double Fraction) : ModeSelection;
}
