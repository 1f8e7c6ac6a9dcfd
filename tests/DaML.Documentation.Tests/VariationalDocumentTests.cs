using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public partial class DocumentTests
{
    [Fact]
    public void Variational_quotes_its_examples_word_for_word()
    {
        Assert.Contains(Whole("SlowEnergy.cs"), Quoted("variational.md"));
        Assert.Contains(Marked("Variational.cs", "example"), Quoted("variational.md"));
        Assert.Contains(Marked("Variational.cs", "window"), Quoted("variational.md"));
    }

    [Fact]
    public void The_variational_example_beats_the_observations_and_reports_its_loops()
    {
        using var scope = NewDisposeScope();
        var (rmse, window) = Variational.Run(160);
        Assert.InRange(rmse, 0.1, 0.6);
        Assert.InRange(window.OuterIterations.Count, 2, 3);
        Assert.Equal(["Jb", "Jo", "SlowEnergy"], window.Cost.Parts.Select(part => part.Term));
        Assert.True((window.Cost.Total < window.OuterIterations[0].Cost.Total).all().ToBoolean());
    }
}
