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
}
