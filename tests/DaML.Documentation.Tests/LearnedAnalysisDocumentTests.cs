namespace DaML.Tests;

public partial class DocumentTests
{
    [Fact]
    public void Learned_analysis_quotes_its_example_and_it_learns()
    {
        Assert.Contains(Marked("LearnedAnalysis.cs", "example"), Quoted("learned-analysis.md"));
        Assert.InRange(LearnedAnalysis.Run(60), 0.2, 0.7);
    }
}
