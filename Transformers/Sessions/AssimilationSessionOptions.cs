namespace DaML.Components;

/// <summary>Settings of <see cref="AssimilationSessions"/>, with their defaults.</summary>
public sealed record AssimilationSessionOptions
{
    /// <summary>
    /// The folder of the sessions' files, <c>FOLDER/PIPELINE/NAME.session</c> (default: null, sessions live in memory only). One process
    /// uses it at a time.
    /// </summary>
    public string? Folder { get; set; }

    /// <summary>
    /// The largest number of sessions in memory. The session that was used least recently goes to its file when another needs its place;
    /// without a folder, a further session is refused.
    /// </summary>
    public int Capacity { get; set; } = 1000;

    /// <summary>
    /// The number of cycles after which a session is written (default: 1, each cycle is on the disk before its result is returned). After
    /// a crash a session is where it was last written; the cycles since are lost. All are written when the program ends in order.
    /// </summary>
    public int CheckpointEvery { get; set; } = 1;

    /// <summary>The time of the state before a session's first cycle, in the model's unit (default: 0).</summary>
    public double StartTime { get; set; }
}
