namespace DaML.Tests;

public partial class DocumentTests
{
    [Theory]
    [InlineData("example")]
    [InlineData("weights")]
    [InlineData("varying")]
    public void Learned_analysis_quotes_the_marked_lines(string mark) => Assert.Contains(Marked("LearnedAnalysis.cs", mark), Quoted("learned-analysis.md"));

    [Fact]
    public void Varying_observations_tell_what_is_there_and_how_large_its_errors_are()
    {
        var (columns, fraction) = LearnedAnalysis.Varying();
        Assert.Contains("observation-mask[40], observation-error-scale[]", columns);
        Assert.InRange(fraction, 0.65, 0.85);
    }

    [Fact]
    public void The_learned_analysis_learns_and_its_weights_are_read_again()
    {
        string folder = Directory.CreateTempSubdirectory("daml-weights-").FullName;
        try
        {
            var (trained, read) = LearnedAnalysis.Run(60, Path.Combine(folder, "weights"));
            Assert.InRange(trained, 0.2, 0.7);
            Assert.Equal(trained, read);
        }
        finally { Directory.Delete(folder, recursive: true); }
    }
}
