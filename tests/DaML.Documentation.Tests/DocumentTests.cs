using System.Text.RegularExpressions;

namespace DaML.Tests;

/// <summary>What the documents quote is code that was compiled, word for word, and as short as they promise.</summary>
public partial class DocumentTests
{
    private static string Document(string name) =>
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "documents", name)).ReplaceLineEndings("\n");

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Fence();

    private static List<string> Quoted(string document) => [.. Fence().Matches(Document(document)).Select(match => match.Groups[1].Value)];

    // Everything after the usings of a file that is an example as a whole.
    private static string Whole(string file) => Regex.Replace(Document(file), @"\A(using [^\n]*\n)+\n", "");

    // What stands between two marks, moved to the left margin.
    internal static string Marked(string file, string mark)
    {
        var lines = Document(file).Split('\n').SkipWhile(line => line.Trim() != $"// <{mark}>").Skip(1)
            .TakeWhile(line => line.Trim() != $"// </{mark}>").ToList();
        Assert.NotEmpty(lines);
        int margin = lines.Where(line => line.Length > 0).Min(line => line.Length - line.TrimStart().Length);
        return string.Concat(lines.Select(line => line[Math.Min(margin, line.Length)..] + "\n"));
    }

    private static int CodeLines(string code) =>
        code.Split('\n').Count(line => line.Trim().Length > 0 && !line.TrimStart().StartsWith("///", StringComparison.Ordinal));

    [Theory]
    [InlineData("Roessler.cs")]
    [InlineData("RadianceOperator.cs")]
    [InlineData("NudgingAnalyzer.cs")]
    [InlineData("NudgingMethod.cs")]
    public void Extending_quotes_each_example_whole_and_it_is_under_twenty_lines(string file)
    {
        string code = Whole(file);
        Assert.Contains(code, Quoted("extending.md"));
        Assert.InRange(CodeLines(code), 3, 19);
    }

    [Fact]
    public void Extending_quotes_the_model_with_its_derivative() => Assert.Contains(Whole("FastRoessler.cs"), Quoted("extending.md"));

    [Theory]
    [InlineData("Composition.cs", "example")]
    [InlineData("Registration.cs", "example")]
    public void Extending_quotes_the_marked_lines(string file, string mark) => Assert.Contains(Marked(file, mark), Quoted("extending.md"));

    [Fact]
    public void The_demo_is_quoted_whole_and_it_has_some_thirty_lines()
    {
        string pipeline = Marked("DemoPipeline.cs", "readme");
        Assert.Contains(pipeline, Quoted("demo.md"));
        Assert.InRange(CodeLines(pipeline), 20, 36);
    }

    [Fact]
    public void The_readme_is_short_and_its_first_example_has_five_statements_and_the_published_score()
    {
        string example = Marked("FirstSteps.cs", "example");
        Assert.Contains(example, Quoted("README.md"));
        Assert.Equal(5, example.Split('\n').Count(line => line.EndsWith(';')));
        Assert.InRange(Document("README.md").TrimEnd().Split('\n').Length, 20, 150);
        Assert.InRange(FirstSteps.Run().AnalysisRmse.Mean, 0.54, 0.66);    // DAPPER: 0.60
    }

    [Fact]
    public void The_readme_begins_with_the_two_commands()
    {
        var lines = Document("README.md").Split('\n').Where(line => line.Trim().Length > 0).Take(5).ToList();
        Assert.Contains(lines, line => line.Contains("./daml demo", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("./daml test", StringComparison.Ordinal));
    }

    [Fact]
    public void Models_quotes_its_examples_and_the_forcing_is_found()
    {
        foreach (string mark in (string[])["model", "joint"]) Assert.Contains(Marked("ParametricModels.cs", mark), Quoted("models.md"));
        Assert.NotEmpty(DynamicsConformance.Check(new ParametricModels.Roessler()));
        Assert.InRange(ParametricModels.Estimate(150), 7.7, 8.3);
    }

    [Fact]
    public void Ask_and_tell_quotes_its_example_and_it_survives_a_crash()
    {
        Assert.Contains(Marked("Ocean.cs", "example"), Quoted("ask-and-tell.md"));
        var (crashed, error) = Ocean.Run();
        Assert.Equal(1, crashed);
        Assert.InRange(error, 0.1, 2);
    }

    [Fact]
    public void Preconditioning_shallow_water_and_weights_quote_their_marked_lines()
    {
        Assert.Contains(Marked("Preconditioners.cs", "recycled"), Quoted("preconditioning.md"));
        Assert.Contains(Marked("Preconditioners.cs", "fixed"), Quoted("methods/eigenpairs.md"));
        Assert.IsType<LimitedMemoryPreconditioning>(
            ((IncrementalOptions)Preconditioners.Recycling(new KnownBackground(ErrorCovariance.Scalar(3, 1)),
                WindowCycling.Disjoint(1)).Minimisation).Preconditioning);
        Assert.Contains(Marked("Currents.cs", "example"), Quoted("shallow-water.md"));
    }
}
