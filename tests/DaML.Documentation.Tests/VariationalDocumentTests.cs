namespace DaML.Tests;

public partial class DocumentTests
{
    [Fact]
    public void Variational_quotes_its_examples_word_for_word()
    {
        Assert.Contains(Whole("SlowEnergy.cs"), Quoted("variational.md"));
        Assert.Contains(Marked("Variational.cs", "example"), Quoted("variational.md"));
    }

    [Fact]
    public void The_variational_example_beats_the_observations_and_reports_its_loops()
    {
        var (rmse, windows) = Variational.Run(160);
        Assert.InRange(rmse, 0.1, 0.6);
        Assert.Equal(40, windows.Count);
        Assert.All(windows, loops => Assert.InRange(loops.Length, 1, 3));
        Assert.Contains(windows, loops => loops.Length > 1 && loops[1].Contains("spectral") && loops[0].Contains("none"));
    }
}
