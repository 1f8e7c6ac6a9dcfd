namespace DaML.Tests;

/// <summary>All progress reports, in order, taken down at once.</summary>
internal sealed class CollectedReports : List<ProgressReport>, IProgress<ProgressReport>
{
    public void Report(ProgressReport value) => Add(value);
}
