using static DaML.Samples.Completion;

namespace DaML.Samples;

/// <summary>Completion in zsh, with descriptions.</summary>
internal static class ZshCompletion
{
    /// <summary>The script for these commands.</summary>
    public static string Script(IReadOnlyList<CommandNode> nodes) => """
        #compdef daml
        # Completion of daml for zsh: save this as _daml in a folder of $fpath, or source it after compinit.
        _daml() {
            local route='' skip='' i
            local -a found
            for ((i = 2; i < CURRENT; i++)); do
                if [[ -n $skip ]]; then skip=''; continue; fi
                case "$route:$words[i]" in

        """.ReplaceLineEndings("\n") + Steps(nodes) + """
                esac
            done
            if [[ -n $skip ]]; then
                case "$route:$words[CURRENT-1]" in

        """.ReplaceLineEndings("\n") + Values(nodes, Reply) + """
                esac
                return
            fi
            case "$route" in

        """.ReplaceLineEndings("\n") + string.Concat(nodes.Select(node =>
            $"        {Quoted(node.Path)})\n" +
            $"            if [[ $words[CURRENT] == -* ]]; then " +
            $"{Described("option", node.Options.Select(one => (one.Name, one.Description)))}\n" +
            $"            else {Next(node)}; fi ;;\n")) + """
            esac
        }
        if [[ $funcstack[1] == _daml ]]; then _daml "$@"; else compdef _daml daml; fi

        """.ReplaceLineEndings("\n");

    private static string Next(CommandNode node)
    {
        (string, string)[] words =
            [.. node.Commands.UnionBy(node.Argument.Words.Select(word => (Name: word, Description: "")), one => one.Name)];
        return words.Length > 0 ? Described("command", words) : Reply(node.Argument);
    }

    private static string Described(string kind, IEnumerable<(string Name, string Description)> words) =>
        $"found=({string.Join(' ', words.Select(one => Quoted($"{one.Name}:{one.Description}")))}); _describe {kind} found";

    private static string Reply(CompletedValue value) => value.Kind switch
    {
        CompletedKind.Words when value.Words.Count > 0 => $"compadd -- {string.Join(' ', value.Words.Select(Quoted))}",
        CompletedKind.File => "_files",
        CompletedKind.Folder => "_files -/",
        _ => ":",
    };
}
