namespace DaML.Tests;

public partial class DocumentTests
{
    [Fact]
    public void Localisation_quotes_its_example_and_seven_members_find_the_truth_from_anywhere()
    {
        Assert.Contains(Marked("Localised.cs", "example"), Quoted("localisation.md"));
        Assert.InRange(Localised.Run(600), 0.15, 0.35);
    }
}
