namespace DaML;

/// <summary>
/// Settings of the inflation that is estimated from the innovations while a filter runs, with their defaults; all factors are of the
/// variance.
/// </summary>
public sealed record AdaptiveInflation
{
    /// <summary>The factor before the first cycle; one unless said.</summary>
    public double Start { get; init; } = 1;

    /// <summary>
    /// sigma_b, the standard deviation of what is believed of the factor before a cycle's innovation is seen: the smaller, the
    /// slower it follows. 0.1 unless said, which follows a change within some hundred cycles of 40 observations; Miyoshi (2011)
    /// takes 0.04. Zero keeps the factor where it starts.
    /// </summary>
    public double Deviation { get; init; } = 0.1;

    /// <summary>The least factor; one unless said, since sampling makes an ensemble too sure of itself and not too unsure.</summary>
    public double Smallest { get; init; } = 1;

    /// <summary>The largest factor; ten unless said, so that a run of bad observations cannot blow the ensemble up.</summary>
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
