namespace DaML.Components;

/// <summary>Receives the steps of a larger work that reports itself, and ignores them.</summary>
internal sealed class SilentProgress : IProgress<ProgressReport>
{
    public static SilentProgress Instance { get; } = new();

    public void Report(ProgressReport value) { }
}
