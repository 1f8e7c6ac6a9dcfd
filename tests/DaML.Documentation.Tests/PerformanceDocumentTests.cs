namespace DaML.Tests;

/// <summary>The page on performance shows the counts that a test holds.</summary>
public sealed class PerformanceDocumentTests
{
    [Fact]
    public void The_table_of_operators_is_the_recorded_one()
    {
        string Text(string file) => File.ReadAllText(Path.Combine(SdkCommand.Sources, file)).ReplaceLineEndings("\n");
        Assert.Contains(Text("tests/DaML.Estimators.Tests/Data/operators.md"), Text("docs/performance.md"));
    }
}
