using System.CommandLine;
using System.CommandLine.Completions;

namespace DaML.Samples;

/// <summary>What a shell can complete behind an option or as an argument.</summary>
internal enum CompletedKind
{
    /// <summary>Nothing is typed here: the option is a switch, the command has no argument.</summary>
    None,

    /// <summary>One of some words, or something that the shell cannot know.</summary>
    Words,

    /// <summary>The path of a file.</summary>
    File,

    /// <summary>The path of a folder.</summary>
    Folder,
}

/// <summary>A value as a shell completes it.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Words">The words there are, for <see cref="CompletedKind.Words"/>.</param>
internal sealed record CompletedValue(CompletedKind Kind, IReadOnlyList<string> Words);

/// <summary>An option as a shell completes it.</summary>
/// <param name="Name">Its name or one of its aliases, with its hyphens.</param>
/// <param name="Description">The first sentence of its description.</param>
/// <param name="Value">What follows it.</param>
internal sealed record CompletedOption(string Name, string Description, CompletedValue Value);

/// <summary>A command of the table of commands, as a shell completes it.</summary>
/// <param name="Path">The words that lead to it, for instance <c>sample demo</c>; empty for the program itself.</param>
/// <param name="Commands">The commands below it, each with the first sentence of its description.</param>
/// <param name="Options">Its options.</param>
/// <param name="Argument">What is typed in place of a command.</param>
internal sealed record CommandNode(string Path, IReadOnlyList<(string Name, string Description)> Commands,
    IReadOnlyList<CompletedOption> Options, CompletedValue Argument)
{
    /// <summary>The options that take a value.</summary>
    public IEnumerable<CompletedOption> Takers => Options.Where(option => option.Value.Kind != CompletedKind.None);

    /// <summary>The path of a command below it.</summary>
    public string PathOf(string command) => Path.Length == 0 ? command : $"{Path} {command}";

    /// <summary>All commands of a table, each before those below it.</summary>
    public static IReadOnlyList<CommandNode> All(Command root) => [.. Of(root, "")];

    private static IEnumerable<CommandNode> Of(Command command, string path)
    {
        var options = command.Options.Where(option => !option.Hidden)
            .SelectMany(option => option.Aliases.Where(alias => alias.StartsWith('-')).Prepend(option.Name)
                .Select(name => new CompletedOption(name, FirstSentence(option.Description), ValueOf(option))));
        var node = new CommandNode(path, [.. command.Subcommands.Select(one => (one.Name, FirstSentence(one.Description)))], [.. options],
            command.Arguments is [var argument, ..]
                ? Value(argument.Name, argument.GetCompletions(CompletionContext.Empty)) : new(CompletedKind.None, []));
        return command.Subcommands.SelectMany(one => Of(one, node.PathOf(one.Name))).Prepend(node);
    }

    private static CompletedValue ValueOf(Option option) => option.ValueType == typeof(bool) || option.ValueType == typeof(void)
        ? new(CompletedKind.None, []) : Value(option.HelpName, option.GetCompletions(CompletionContext.Empty));

    // The name that stands for a value in the help says what it is.
    private static CompletedValue Value(string? standsFor, IEnumerable<CompletionItem> completions)
    {
        string[] words = [.. completions.Select(item => item.Label)];
        return new(words.Length > 0 ? CompletedKind.Words : standsFor switch
        {
            "FOLDER" => CompletedKind.Folder,
            "FILE" or "WEIGHTS" => CompletedKind.File,
            _ => CompletedKind.Words,
        }, words);
    }

    private static string FirstSentence(string? description)
    {
        string line = (description ?? "").Split('\n')[0].Trim();
        int end = line.IndexOf(". ", StringComparison.Ordinal);
        return (end < 0 ? line : line[..end]).TrimEnd('.');
    }
}
