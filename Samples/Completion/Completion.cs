using System.CommandLine;

namespace DaML.Samples;

/// <summary>
/// Writes the script with which a shell completes <c>daml</c>. Commands, options and values come from the table of commands that also
/// parses the command line and gives the help.
/// </summary>
internal static class Completion
{
    /// <summary>The shells.</summary>
    public static IReadOnlyList<string> Shells { get; } = ["bash", "zsh", "fish"];

    /// <summary>The script for a shell.</summary>
    /// <param name="root">The table of commands.</param>
    /// <param name="shell">One of <see cref="Shells"/>.</param>
    public static string Script(Command root, string shell)
    {
        var nodes = CommandNode.All(root);
        return shell switch
        {
            "bash" => BashCompletion.Script(nodes),
            "zsh" => ZshCompletion.Script(nodes),
            "fish" => FishCompletion.Script(nodes),
            _ => throw new ArgumentException($"Completion exists for {string.Join(", ", Shells)}; given: '{shell}'.", nameof(shell)),
        };
    }

    /// <summary>A word between single quotes, as bash and zsh read it.</summary>
    public static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>
    /// The arms of a <c>case "$route:$word"</c> of bash and zsh that follow the words typed so far: a command extends the route, and
    /// an option that takes a value makes the next word be skipped.
    /// </summary>
    public static string Steps(IReadOnlyList<CommandNode> nodes) => string.Concat(nodes.SelectMany(node =>
        node.Commands.Select(one => $"            {Quoted($"{node.Path}:{one.Name}")}) route={Quoted(node.PathOf(one.Name))} ;;\n")
            .Concat(node.Takers.Select(option => $"            {Quoted($"{node.Path}:{option.Name}")}) skip=1 ;;\n"))));
}
