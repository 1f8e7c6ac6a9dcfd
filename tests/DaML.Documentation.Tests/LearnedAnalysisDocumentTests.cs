namespace DaML.Tests;

public partial class DocumentTests
{
    [Theory]
    [InlineData("example")]
    [InlineData("weights")]
    [InlineData("varying")]
    public void Learned_analysis_quotes_the_marked_lines(string mark) =>
    Assert.Contains(Marked("LearnedAnalysis.cs", mark), Quoted("learned-analysis.md"));

    [Theory]
    [InlineData("begun", "methods/residual-convolution-with-memory.md")]
    [InlineData("uncertainty", "learned-analysis.md")]
    public void Memory_and_uncertainty_quote_the_marked_lines(string mark, string document) =>
        Assert.Contains(Marked("LearnedMemory.cs", mark), Quoted(document));

    [Fact]
    public void A_memory_is_learned_and_one_state_tells_its_uncertainty()
    {
        var (rmse, begun, spreadSkill) = LearnedMemory.Run(60);
        Assert.InRange(rmse, 0.2, 0.8);
        Assert.InRange(begun, 0.2, 0.8);
        Assert.InRange(spreadSkill, 0.7, 1.4);
    }

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

    [Fact]
    public void Learned_analysis_quotes_the_networks_over_fields()
    {
        Assert.Contains(Marked("LearnedFields.cs", "fields"), Quoted("learned-analysis.md"));
        string code = Whole("OwnLayers.cs");
        Assert.Contains(code, Quoted("learned-analysis.md"));
        Assert.InRange(CodeLines(code), 10, 20);
    }

    [Fact]
    public void The_networks_over_fields_beat_the_observations_and_a_module_of_ones_own_is_saved_with_its_method()
    {
        string folder = Directory.CreateTempSubdirectory("daml-fields-").FullName;
        try
        {
            var (convolution, own, read) = LearnedFields.Run(60, Path.Combine(folder, "own.daml"));
            Assert.InRange(convolution, 0.3, 0.8);
            Assert.InRange(own, 0.3, 0.8);
            Assert.Equal(own, read);
        }
        finally { Directory.Delete(folder, recursive: true); }
    }
}
