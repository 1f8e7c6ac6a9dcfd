namespace DaML;

/// <summary>
/// Settings of the inflation that is estimated from the innovations during a run, with their defaults; all factors multiply the variance.
/// </summary>
public sealed record AdaptiveInflation
{
    /// <summary>The factor before the first cycle (default: 1).</summary>
    public double Start { get; init; } = 1;

    /// <summary>
    /// sigma_b, the standard deviation of the factor before a cycle's innovation is seen: the smaller it is, the more slowly the factor
    /// follows (default: 0.1, which follows a change within some hundred cycles of 40 observations; Miyoshi (2011) takes 0.04). Zero
    /// keeps the factor at its start.
    /// </summary>
    public double Deviation { get; init; } = 0.1;

    /// <summary>The smallest factor (default: 1, since sampling makes an ensemble overconfident and never underconfident).</summary>
    public double Smallest { get; init; } = 1;

    /// <summary>The largest factor (default: 10, so that a run of bad observations cannot blow the ensemble up).</summary>
    public double Largest { get; init; } = 10;

    internal AdaptiveInflation Checked()
    {
        Require.Positive(Smallest);
        Require.NotNegative(Deviation);
        if (!(Smallest <= Start && Start <= Largest && double.IsFinite(Largest)))
            throw new ArgumentException(
                $"An adaptive inflation needs smallest <= start <= largest, all finite; given: {Smallest}, {Start}, {Largest}.");
        return this;
    }
}
