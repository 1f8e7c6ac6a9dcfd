namespace DaML.Components;

/// <summary>Settings of an assimilation by ask and tell, with their defaults.</summary>
public sealed record AskAndTellOptions
{
    /// <summary>The time of the first ensemble, in the model's unit; 0 unless said.</summary>
    public double StartTime { get; init; }

    /// <summary>What becomes of crashed members; <see cref="CrashPolicy.Fail"/> unless said, so that nobody overlooks a crash.</summary>
    public CrashPolicy Crashes { get; init; } = CrashPolicy.Fail;
}

/// <summary>What an assimilation by ask and tell waits for.</summary>
public enum AskAndTellStage
{
    /// <summary>To be asked: the ensemble is that of the start or of an analysis.</summary>
    Ask,

    /// <summary>To be told the results of runs that were asked for.</summary>
    Tell,

    /// <summary>For the observation: the ensemble is a forecast.</summary>
    Assimilate,
}
