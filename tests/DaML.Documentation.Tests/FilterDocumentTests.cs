namespace DaML.Tests;

public partial class DocumentTests
{
    [Fact]
    public void Filters_and_tuning_quote_their_examples_word_for_word()
    {
        Assert.Contains(Marked("Filters.cs", "example"), Quoted("filters.md"));
        Assert.Contains(Marked("Filters.cs", "tuning"), Quoted("tuning.md"));
        Assert.Contains(Marked("Filters.cs", "figure"), Quoted("tuning.md"));
        // Six lines, the two of the model and what is observed among them.
        Assert.InRange(CodeLines(Marked("Filters.cs", "tuning")), 5, 6);
    }

    [Fact]
    public void The_filter_example_ends_with_filters_that_beat_the_observations()
    {
        var scores = Filters.Run(120);
        Assert.Equal(4, scores.Count);
        Assert.All(scores.Where(score => score.Key != "optimal interpolation"), score => Assert.InRange(score.Value, 0.3, 0.75));
        Assert.InRange(scores["optimal interpolation"], 0.85, 1.1);
    }

    [Fact]
    public void The_tuning_example_finds_an_inflation_that_works()
    {
        var (inflation, figure, method) = Filters.Tune(90);
        Assert.InRange(inflation, 1.01, 1.29);
        Assert.Contains("analysis RMSE", figure);
        Assert.Equal("ETKF (N = 40)", method.Name);
    }

    [Fact]
    public void Filters_quotes_the_networks_that_change_and_the_filter_follows_the_truth()
    {
        Assert.Contains(Marked("ChangingNetworks.cs", "example"), Quoted("filters.md"));
        Assert.InRange(ChangingNetworks.Run(200), 0.1, 0.5);
    }

    [Fact]
    public void Filters_quotes_the_smoother_and_the_likelihood_finds_the_error()
    {
        Assert.Contains(Marked("Smoothed.cs", "example"), Quoted("filters.md"));
        var (filtered, smoothed, best) = Smoothed.Run(200);
        Assert.Equal(0.5, best);
        Assert.InRange(smoothed / filtered, 0.6, 0.95);
    }
}
