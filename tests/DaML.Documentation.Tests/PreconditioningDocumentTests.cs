namespace DaML.Tests;

public partial class DocumentTests
{
    [Fact]
    public void The_page_of_learned_preconditioners_quotes_the_learned_correction() =>
        Assert.Contains(Marked("LearnedCorrection.cs", "example"), Quoted("methods/learned-preconditioning.md"));

    [Fact]
    public void The_learned_correction_trains()
    {
        var history = LearnedCorrection.Run(cells: 6, rank: 20, steps: 4);
        Assert.Equal(4, history.Steps.Count);
        Assert.True(double.IsFinite(history.Best!.ValidationError!.Value));
    }
}
