namespace DaML.Samples.Service;

/// <summary>Settings of the service, the section <c>Service</c> of its configuration, with their defaults.</summary>
public sealed record ServiceOptions
{
    /// <summary>
    /// The largest number of batches of a session that wait for an earlier one (default: 4). With one more, the earliest is assimilated
    /// without what it waited for. Zero = no batch waits.
    /// </summary>
    public int HoldCount { get; set; } = 4;

    /// <summary>The longest time in seconds that a batch waits for an earlier one (default: 30).</summary>
    public double HoldSeconds { get; set; } = 30;

    /// <summary>The number of latest answers of a session that are kept to be given again (default: 8).</summary>
    public int Answers { get; set; } = 8;

    /// <summary>The number of latest cycles of a session whose diagnostics are kept in memory (default: 500).</summary>
    public int Diagnostics { get; set; } = 500;

    /// <summary>The size in bytes of the largest request and of the largest file of a batch (default: 1 MiB).</summary>
    public int LargestBody { get; set; } = 1 << 20;

    /// <summary>The longest lead of a forecast, in the model's unit of time (default: 20).</summary>
    public double LongestLead { get; set; } = 20;

    /// <summary>
    /// The longest time from the latest analysis to a batch, in the model's unit (default: 100). The model runs through it at once, and the
    /// session answers nothing else meanwhile.
    /// </summary>
    public double LongestGap { get; set; } = 100;

    /// <summary>
    /// The largest chi-square of a batch (default: 10,000, observations a hundred standard deviations away from the forecast). Larger ones
    /// are left out as gross errors, such as a wrong unit.
    /// </summary>
    public double LargestChiSquare { get; set; } = 1e4;

    /// <summary>The folder that is watched for files of batches (default: null, none).</summary>
    public string? Inbox { get; set; }

    /// <summary>The time in seconds between two looks into the folder (default: 0.5).</summary>
    public double InboxSeconds { get; set; } = 0.5;

    /// <summary>Refuses settings that are out of their range.</summary>
    /// <exception cref="ArgumentException">A setting is; the message names it.</exception>
    public ServiceOptions Checked()
    {
        Range(HoldCount, 0, 10_000, nameof(HoldCount));
        Range(HoldSeconds, 0, 1e6, nameof(HoldSeconds));
        Range(Answers, 1, 1000, nameof(Answers));
        Range(Diagnostics, 1, 100_000, nameof(Diagnostics));
        Range(LargestBody, 100, 1 << 30, nameof(LargestBody));
        Range(LongestLead, 0, 1e6, nameof(LongestLead));
        Range(LongestGap, 0, 1e6, nameof(LongestGap));
        Range(LargestChiSquare, 1, double.MaxValue, nameof(LargestChiSquare));
        Range(InboxSeconds, 0.01, 3600, nameof(InboxSeconds));
        return this;
    }

    private static void Range(double value, double smallest, double largest, string name)
    {
        if (!(value >= smallest && value <= largest))
            throw new ArgumentException($"The setting 'Service:{name}' must be from {smallest} to {largest}; given: {value}.");
    }
}
