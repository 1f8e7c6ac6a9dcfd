namespace DaML.Tests;

public partial class DocumentTests
{
    [Fact]
    public void Localisation_quotes_its_example_and_seven_members_find_the_truth_from_anywhere()
    {
        Assert.Contains(Marked("Localised.cs", "example"), Quoted("localisation.md"));
        Assert.InRange(Localised.Run(600), 0.15, 0.35);
    }

    [Fact]
    public void Localisation_quotes_the_analysis_of_files_which_draws_the_ensemble_to_the_observations()
    {
        Assert.Contains(Marked("Localised.cs", "blockwise"), Quoted("localisation.md"));
        using var folder = new TemporaryFolder();
        var (before, after) = Localised.Blockwise(folder.FullName);
        Assert.InRange(after / before, 0.05, 0.8);
    }
}
