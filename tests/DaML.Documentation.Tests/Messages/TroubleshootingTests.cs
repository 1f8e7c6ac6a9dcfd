namespace DaML.Tests;

/// <summary>
/// The pages of docs/troubleshooting and the messages of the program are the same: every message has its place there, with a cure or,
/// where it says itself what to do, in a table; and everything named there is a message. A failure says which line to add or remove.
/// </summary>
public sealed class TroubleshootingTests
{
    private static readonly string[] Rooms =
        ["Abstractions", "Dynamics", "Transformers", "Estimators", "Interop", "Plotting", "Conformance", "Samples", "Notebooks"];

    private static readonly Lazy<SourceMessages> Sources = new(() => SourceMessages.Read(
        from room in Rooms
        from path in Directory.EnumerateFiles(Path.Combine(SdkCommand.Sources, room), "*.cs", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
        let name = Path.GetRelativePath(SdkCommand.Sources, path).Replace('\\', '/')
        where !name.Split('/').Any(folder => folder is "obj" or "bin" or "notebooks" or "daml-out")
        select (name, File.ReadAllText(path))));

    private static readonly Lazy<List<SourceMessage>> Messages = new(() =>
        [.. Sources.Value.Found, .. ScriptMessages.OfScript("daml", Text("daml")),
            .. ScriptMessages.OfBuild("Directory.Build.targets", Text("Directory.Build.targets"))]);

    private static string Text(string path) => File.ReadAllText(Path.Combine(SdkCommand.Sources, path));

    private static readonly Lazy<TroubleshootingBook> Book = new(() => TroubleshootingBook.Read(SdkCommand.Sources));

    private static IEnumerable<string> WithoutPlace(IReadOnlyList<SourceMessage> messages, TroubleshootingBook book) =>
        from message in messages
        group message by message.Words into same
        where !same.Any(message => book.Entries.Any(entry => entry.Names(message)))
        let message = same.First()
        let page = Neighbours(message, messages, book).GroupBy(entry => entry.Page).MaxBy(pages => pages.Count())?.Key
        select $"{message.File} gives a message that docs/troubleshooting does not have. Add to {page ?? "its subject's page"}, with its "
            + $"cure below: > `{message.Text}` or, where it says itself what to do, to the table: "
            + $"| `{message.Text}` | {Path.GetFileName(message.File)} |";

    // What the pages have of the same file, or else of the same folder.
    private static IEnumerable<TroubleshootingBook.Entry> Neighbours(SourceMessage message, IReadOnlyList<SourceMessage> messages,
        TroubleshootingBook book)
    {
        var near = messages.Where(other => other.File == message.File).ToList();
        if (!near.Exists(other => book.Entries.Any(entry => entry.Names(other))))
            near = [.. messages.Where(other => Path.GetDirectoryName(other.File) == Path.GetDirectoryName(message.File))];
        return near.SelectMany(other => book.Entries.Where(entry => entry.Names(other)));
    }

    private static IEnumerable<string> WithoutMessage(IReadOnlyList<SourceMessage> messages, IReadOnlyList<string> texts,
        TroubleshootingBook book)
    {
        string[] words = [.. texts.Select(SourceMessages.Words)];
        return from entry in book.Entries
            where !messages.Any(entry.Names)
                && (entry.File is not null || !words.Any(text => text.Contains(entry.Words, StringComparison.Ordinal)))
            select entry.File is null ? $"{entry.Page} quotes what no source says: {entry.Text}"
                : $"{entry.Page} has a row for what {entry.File} does not say: {entry.Text}";
    }

    [Fact]
    public void Every_message_has_its_place() => AssertNone(WithoutPlace(Messages.Value, Book.Value));

    [Fact]
    public void Every_place_has_its_message()
    {
        Assert.True(Book.Value.Entries.Count > 700, $"only {Book.Value.Entries.Count} messages were found");
        AssertNone(WithoutMessage(Messages.Value, Sources.Value.Texts, Book.Value));
    }

    // In full: Assert.Empty shortens texts, and these hold the lines to add.
    private static void AssertNone(IEnumerable<string> faults) => Assert.True(!faults.Any(), string.Join('\n', faults));

    // Every quotation and every row is read, and none says too little to be found again.
    [Fact]
    public void Every_place_is_of_the_pages_form()
    {
        Assert.Equal(Book.Value.Places, Book.Value.Entries.Count);
        Assert.DoesNotContain(Book.Value.Entries, entry => entry.Words.Count(char.IsLetter) < 8);
        Assert.Empty(Book.Value.Entries.GroupBy(entry => (entry.Words, entry.File)).Where(same => same.Count() > 1)
            .Select(same => string.Join(" and ", same.Select(entry => $"{entry.Page}: {entry.Text}"))));
    }

    private const string Page = """
        # A page

        > `There is no method '{name}'; there are: {names}.`

        Names are those of the list.

        | message | given by |
        | --- | --- |
        | `A view needs at least one cycle; given: {cycles}.` | View.cs |

        """;

    [Theory]
    [InlineData("View.cs", "A view needs at least one cycle; given: {count}.", true)]
    [InlineData("View.cs", "A view needs one cycle at least; given: {count}.", false)]
    [InlineData("Other.cs", "A view needs at least one cycle; given: {count}.", false)]    // the row says which file gives it
    [InlineData("Other.cs", "There is no method '{method}'; there are: {all}. Names are in lower case.", true)]
    [InlineData("Other.cs", "There is no sample '{method}'; there are: {all}.", false)]
    public void A_message_without_its_place_is_found(string file, string text, bool hasPlace)
    {
        var book = new TroubleshootingBook();
        book.Add("page.md", Page);
        Assert.Equal(hasPlace, !WithoutPlace([new(text, file)], book).Any());
        Assert.Equal(hasPlace ? 1 : 2, WithoutMessage([new(text, file)], [], book).Count());
    }

    [Fact]
    public void The_failure_says_which_line_to_add_and_where()
    {
        var book = new TroubleshootingBook();
        book.Add("page.md", Page);
        string told = Assert.Single(WithoutPlace(
            [new("A view needs at least one cycle; given: {count}.", "View.cs"), new("A view needs a name.", "View.cs")], book));
        Assert.Contains("Add to page.md", told, StringComparison.Ordinal);
        Assert.EndsWith("| `A view needs a name.` | View.cs |", told, StringComparison.Ordinal);
    }
}
