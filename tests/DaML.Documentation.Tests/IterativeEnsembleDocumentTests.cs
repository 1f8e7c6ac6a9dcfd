namespace DaML.Tests;

public partial class DocumentTests
{
    [Fact]
    public void Iterative_ensemble_quotes_its_example_and_the_past_is_known_better_than_the_present()
    {
        Assert.Contains(Marked("IterativeEnsemble.cs", "example"), Quoted("iterative-ensemble.md"));
        var table = IterativeEnsemble.Run(120);
        var (now, spread, start, smoothed) = table[^1];
        Assert.Equal(10 * 0.05, now - start, 9);
        Assert.InRange(smoothed / spread, 0.3, 0.8);
    }
}
