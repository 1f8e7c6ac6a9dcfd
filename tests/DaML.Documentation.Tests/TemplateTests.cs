using System.Globalization;
using System.Text.RegularExpressions;

namespace DaML.Tests;

/// <summary>What `dotnet new` makes of the templates builds from the packages alone and runs.</summary>
[Collection(nameof(PackedFeed))]
public sealed class TemplateTests(PackedFeed feed)
{
    // A project made of a template, under a name that is no identifier of C#.
    private (SdkCommand Sdk, string Folder) Make(string template)
    {
        var (sdk, folder) = feed.Consumer($"own.{template}");
        string[] hive = ["--debug:custom-hive", Path.Combine(Path.GetDirectoryName(folder)!, "hive")];
        sdk.Run(["new", "install", Path.Combine(feed.Folder, $"DaML.Templates.{feed.Version}.nupkg"), .. hive]);
        sdk.Succeed(["new", template, "--name", "my-own.1", "--output", ".", .. hive]);
        foreach (string path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            Assert.DoesNotContain("ProjectName", path);
            Assert.DoesNotMatch(@"ProjectName|""\{", File.ReadAllText(path));
        }
        return (sdk, folder);
    }

    // The template's program, then every step of docs/first-steps.md added to it, which prints what the page shows.
    [Fact]
    public void The_first_steps_begin_with_the_template_and_print_what_the_page_says()
    {
        string page = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "documents", "first-steps.md")).ReplaceLineEndings("\n");
        string[] Blocks(string language) =>
            [.. Regex.Matches(page, $"```{language}\n(.*?)```", RegexOptions.Singleline).Select(match => match.Groups[1].Value)];

        var (sdk, folder) = Make("daml-pipeline");
        string path = Path.Combine(folder, "Program.cs"), program = File.ReadAllText(path).ReplaceLineEndings("\n");
        string[] steps = Blocks("csharp");
        Assert.Equal(program, $"using DaML;\n\n{steps[0]}");
        File.WriteAllText(path, $"using DaML;\nusing DaML.Components;\n\n{string.Concat(steps)}");
        sdk.Succeed("build", "-c", "Release", "-nologo", "-warnaserror");
        string[] printed = sdk.Succeed(Path.Combine("bin", "Release", "net10.0", "my-own.1.dll")).TrimEnd().Split('\n');
        string[] shown = string.Concat(Blocks("text")).TrimEnd().Split('\n');

        // Filters are chaotic: the last digits follow the processor. A figure is that of the page to a tenth.
        Assert.Equal(shown.Select(Words), printed.Select(Words));
        Assert.All(printed.SelectMany(Numbers).Zip(shown.SelectMany(Numbers)), pair => Assert.True(
            Math.Abs(pair.First - pair.Second) < 0.1 * pair.Second,
            $"The page shows {pair.Second}; the program printed {pair.First}:\n{string.Join('\n', printed)}"));
        Assert.Equal(1 + 100 * 8, File.ReadAllLines(Path.Combine(folder, "analyses.csv")).Length);

        static string Words(string line) => Regex.Replace(line.TrimEnd(), @"(\+- )?\d+(\.\d+)?", "#");
        static double[] Numbers(string line) => [.. Regex.Matches(Regex.Replace(line, @"\+- \S+", ""), @"\d+\.\d+")
            .Select(match => double.Parse(match.Value, CultureInfo.InvariantCulture))];
    }

    [Fact]
    public void A_model_passes_the_tests_that_come_with_it_and_a_wrong_one_does_not()
    {
        var (sdk, folder) = Make("daml-model");
        Assert.Matches(@"Passed!.*Failed: +0, Passed: +[1-9]\d*, Skipped: +0", sdk.Succeed("test", "-nologo", "-warnaserror"));

        string path = Path.Combine(folder, "my-own.1", "OwnModel.cs"), right = File.ReadAllText(path);
        string wrong = right.Replace("z * (x - C)", "z.detach() * (x - C)");
        Assert.NotEqual(right, wrong);
        File.WriteAllText(path, wrong);
        var (code, output) = sdk.Run("test", "-nologo");
        Assert.NotEqual(0, code);
        Assert.Contains("OwnModel fails the test", output);
    }
}
