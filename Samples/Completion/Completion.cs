using System.CommandLine;

namespace DaML.Samples;

/// <summary>
/// Writes the script with which a shell completes <c>daml</c>. Commands, options and values come from the table of commands that also
/// parses the command line and gives the help.
/// </summary>
internal static class Completion
{
    private static readonly IReadOnlyDictionary<string, Func<IReadOnlyList<CommandNode>, string>> Scripts =
        new Dictionary<string, Func<IReadOnlyList<CommandNode>, string>>
        {
            ["bash"] = BashCompletion.Script,
            ["zsh"] = ZshCompletion.Script,
            ["fish"] = FishCompletion.Script,
        };

    /// <summary>The shells.</summary>
    public static IEnumerable<string> Shells => Scripts.Keys;

    /// <summary>The script for a shell.</summary>
    /// <param name="root">The table of commands.</param>
    /// <param name="shell">One of <see cref="Shells"/>.</param>
    public static string Script(Command root, string shell) => Scripts[shell](CommandNode.All(root));

    /// <summary>A word between single quotes, as bash and zsh read it.</summary>
    public static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>
    /// The arms of a <c>case "$route:$word"</c> of bash and zsh that follow the words typed so far: a command extends the route, and
    /// an option that takes a value makes the next word be skipped.
    /// </summary>
    public static string Steps(IReadOnlyList<CommandNode> nodes) => string.Concat(nodes.SelectMany(node =>
        node.Commands.Select(one => $"            {Quoted($"{node.Path}:{one.Name}")}) route={Quoted(node.PathOf(one.Name))} ;;\n")
            .Concat(node.Takers.Select(option => Arm(node, option, "skip=1")))));

    /// <summary>The arms of a <c>case "$route:$option"</c> of bash and zsh that complete the value of an option.</summary>
    /// <param name="nodes">The commands.</param>
    /// <param name="reply">The shell's command that completes a value.</param>
    public static string Values(IReadOnlyList<CommandNode> nodes, Func<CompletedValue, string> reply) =>
        string.Concat(nodes.SelectMany(node => node.Takers.Select(option => Arm(node, option, reply(option.Value)))));

    private static string Arm(CommandNode node, CompletedOption option, string action) =>
        $"            {Quoted($"{node.Path}:{option.Name}")}) {action} ;;\n";
}
