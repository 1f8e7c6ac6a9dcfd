namespace DaML.Components;

/// <summary>Settings of an assimilation by ask and tell, with their defaults.</summary>
public sealed record AskAndTellOptions
{
    /// <summary>The time of the first ensemble, in the model's unit (default: 0).</summary>
    public double StartTime { get; init; }

    /// <summary>The treatment of crashed members (default: <see cref="CrashPolicy.Fail"/>, so that no crash goes unnoticed).</summary>
    public CrashPolicy Crashes { get; init; } = CrashPolicy.Fail;
}

/// <summary>The call that an assimilation by ask and tell waits for.</summary>
public enum AskAndTellStage
{
    /// <summary>Waits for <c>Ask</c>: the ensemble is that of the start or of an analysis.</summary>
    Ask,

    /// <summary>Waits for the results of the runs that were asked for.</summary>
    Tell,

    /// <summary>Waits for the observation: the ensemble is a forecast.</summary>
    Assimilate,
}
