namespace DaML.Tests;

public partial class DocumentTests
{
    [Fact]
    public void Data_assimilation_networks_quotes_its_example_and_it_comes_near_the_Kalman_filter()
    {
        foreach (string mark in (string[])["learn", "predict"])
            Assert.Contains(Marked("DataAssimilationNetworks.cs", mark), Quoted("data-assimilation-networks.md"));
        var (network, kalman, predicted) = DataAssimilationNetworks.Run(steps: 400);
        Assert.InRange((network - kalman) / 2, -0.002, 0.05);
        Assert.InRange(predicted, 0.4, 0.9);    // the states' standard deviation is about one
    }
}
