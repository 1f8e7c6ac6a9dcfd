namespace DaML.Samples;

/// <summary>Completion in fish, with descriptions.</summary>
internal static class FishCompletion
{
    /// <summary>The script for these commands.</summary>
    public static string Script(IReadOnlyList<CommandNode> nodes) => """
        # Completion of daml for fish: save this as daml.fish in ~/.config/fish/completions.
        function __daml_route
            set -l route ''
            set -l skip 0
            for word in (commandline -opc)[2..]
                if test $skip = 1
                    set skip 0
                    continue
                end
                switch "$route:$word"

        """.ReplaceLineEndings("\n") + string.Concat(nodes.SelectMany(Steps)) + """
                end
            end
            echo $route
        end
        complete -c daml -f

        """.ReplaceLineEndings("\n") + string.Concat(nodes.SelectMany(Rules));

    private static IEnumerable<string> Steps(CommandNode node) =>
        node.Commands.Select(one =>
            $"            case {Quoted($"{node.Path}:{one.Name}")}\n                set route {Quoted(node.PathOf(one.Name))}\n")
            .Concat(node.Takers.Select(option => $"            case {Quoted($"{node.Path}:{option.Name}")}\n                set skip 1\n"));

    private static IEnumerable<string> Rules(CommandNode node)
    {
        string here = $"complete -c daml -n {Quoted($"test (__daml_route) = \"{node.Path}\"")}";
        foreach (var (name, description) in node.Commands) yield return $"{here} -a {Quoted(name)} -d {Quoted(description)}\n";
        string[] words = [.. node.Argument.Words.Except(node.Commands.Select(one => one.Name))];
        if (words.Length > 0) yield return $"{here} -a {Quoted(string.Join(' ', words))}\n";
        else if (node.Argument.Kind == CompletedKind.File) yield return $"{here} -F\n";
        else if (node.Argument.Kind == CompletedKind.Folder) yield return $"{here} -a '(__fish_complete_directories)'\n";
        foreach (var option in node.Options)
            yield return $"{here} {Switch(option.Name)}{Value(option.Value)} -d {Quoted(option.Description)}\n";
    }

    // -l takes a long name, -s a single letter, -o a long name with one hyphen.
    private static string Switch(string name) => name.StartsWith("--", StringComparison.Ordinal) ? $"-l {Quoted(name[2..])}"
        : $"{(name.Length == 2 ? "-s" : "-o")} {Quoted(name[1..])}";

    private static string Value(CompletedValue value) => value.Kind switch
    {
        CompletedKind.None => "",
        CompletedKind.File => " -r -F",
        CompletedKind.Folder => " -x -a '(__fish_complete_directories)'",
        _ => value.Words.Count > 0 ? $" -x -a {Quoted(string.Join(' ', value.Words))}" : " -x",
    };

    private static string Quoted(string text) =>
        $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
}
