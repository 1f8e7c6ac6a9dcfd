namespace DaML.Tests;

public partial class DocumentTests
{
    [Fact]
    public void Preconditioning_quotes_the_changing_observing_network() =>
        Assert.Contains(Marked("ObservingNetworks.cs", "example"), Quoted("preconditioning.md"));

    [Fact]
    public void The_preconditioner_for_changing_observing_networks_learns()
    {
        var (none, learned) = ObservingNetworks.Run(200);
        Assert.True(learned.Order().ElementAt(10) < 0.9 * none.Order().ElementAt(10));
    }

    [Fact]
    public void Preconditioning_quotes_the_learned_correction() =>
        Assert.Contains(Marked("LearnedCorrection.cs", "example"), Quoted("preconditioning.md"));

    [Fact]
    public void The_learned_correction_trains()
    {
        var history = LearnedCorrection.Run(cells: 6, rank: 20, steps: 4);
        Assert.Equal(4, history.Steps.Count);
        Assert.True(double.IsFinite(history.Best!.ValidationError!.Value));
    }
}
