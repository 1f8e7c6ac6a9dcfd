namespace DaML.Components;

/// <summary>Hears of the steps of a larger work that reports itself, and tells nobody.</summary>
internal sealed class SilentProgress : IProgress<ProgressReport>
{
    public static SilentProgress Instance { get; } = new();

    public void Report(ProgressReport value) { }
}
