using System.Text.RegularExpressions;

namespace DaML.Tests;

/// <summary>
/// Every message that docs/troubleshooting.md quotes is one that the program can give: the texts of one compiled method hold it, with
/// anything where the quotation has a word in braces. A message that changes fails here until the page says the same.
/// </summary>
public sealed class TroubleshootingTests
{
    private static readonly Lazy<List<string>> Texts = new(() =>
        [.. Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll")
            .Where(path => Regex.IsMatch(Path.GetFileName(path), @"^(DaML\.(?!.*Tests)\w+|daml)\.dll$")).SelectMany(MethodCode.Texts)]);

    private static bool IsGiven(string message)
    {
        string[] pieces = Regex.Split(message, @"\{\w+\}");
        string longest = pieces.MaxBy(piece => piece.Length)!;
        Assert.True(longest.Length >= 8, $"'{message}' has too few words of its own to be looked for.");
        var pattern = new Regex(string.Join(".{0,200}?", pieces.Select(Regex.Escape)), RegexOptions.Singleline);
        return Texts.Value.Any(text => text.Contains(longest, StringComparison.Ordinal) && pattern.IsMatch(text));
    }

    private static List<string> Quoted()
    {
        string page = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "documents", "troubleshooting.md")).ReplaceLineEndings("\n");
        return [.. Regex.Matches(page, @"^> `([^`]+)`$", RegexOptions.Multiline)
            .Select(match => match.Groups[1].Value.Replace("\n> ", " "))];
    }

    [Fact]
    public void Every_message_quoted_is_one_that_the_program_gives()
    {
        var messages = Quoted();
        Assert.True(messages.Count > 150, $"only {messages.Count} messages were found");
        Assert.Equal(messages.Distinct(), messages);
        Assert.Empty(messages.Select(message => IsGiven(message) ? null : message).OfType<string>());
    }

    // Every quotation is a message of the page's form, so that none escapes.
    [Fact]
    public void Every_quotation_is_a_message()
    {
        string page = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "documents", "troubleshooting.md")).ReplaceLineEndings("\n");
        Assert.Equal(Regex.Matches(page, @"(?<=\n\n)> ").Count, Quoted().Count);
    }

    [Theory]
    [InlineData("The device '{device}' is not available: {reason}. To compute on the processor, use 'cpu'.", true)]
    [InlineData("The device '{device}' is not available: {reason}. To compute on the processor, say 'cpu'.", false)]
    [InlineData("The device '{device}' cannot be found: {reason}. To compute on the processor, use 'cpu'.", false)]
    [InlineData("To compute on the processor, use 'cpu'. The device '{device}' is not available", false)]
    public void A_message_that_was_changed_is_found(string message, bool isGiven) => Assert.Equal(isGiven, IsGiven(message));
}
