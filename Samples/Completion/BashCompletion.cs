using static DaML.Samples.Completion;

namespace DaML.Samples;

/// <summary>Completion in bash; needs no package beside it.</summary>
internal static class BashCompletion
{
    /// <summary>The script for these commands.</summary>
    public static string Script(IReadOnlyList<CommandNode> nodes) => $$"""
        # Completion of daml for bash: source this file, or save it as daml in the folder of bash's completions.
        _daml() {
            local word=${COMP_WORDS[COMP_CWORD]} route='' skip='' i
            COMPREPLY=()
            for ((i = 1; i < COMP_CWORD; i++)); do
                if [ -n "$skip" ]; then skip=''; continue; fi
                case "$route:${COMP_WORDS[i]}" in

        """.ReplaceLineEndings("\n") + Steps(nodes) + """
                esac
            done
            if [ -n "$skip" ]; then
                case "$route:${COMP_WORDS[COMP_CWORD-1]}" in

        """.ReplaceLineEndings("\n") + Values(nodes, Reply) + """
                esac
                return
            fi
            case "$route" in

        """.ReplaceLineEndings("\n") + string.Concat(nodes.Select(node =>
            $"        {Quoted(node.Path)})\n            case \"$word\" in\n" +
            $"                -*) {Words(node.Options.Select(one => one.Name))} ;;\n" +
            $"                *) {Next(node)} ;;\n            esac ;;\n"))
        + """
            esac
        }
        complete -F _daml daml

        """.ReplaceLineEndings("\n");

    private static string Next(CommandNode node)
    {
        string[] words = [.. node.Commands.Select(one => one.Name).Union(node.Argument.Words)];
        return words.Length > 0 ? Words(words) : Reply(node.Argument);
    }

    private static string Words(IEnumerable<string> words) => $"COMPREPLY=($(compgen -W {Quoted(string.Join(' ', words))} -- \"$word\"))";

    private static string Reply(CompletedValue value) => value.Kind switch
    {
        CompletedKind.Words when value.Words.Count > 0 => Words(value.Words),
        CompletedKind.File => Paths('f'),
        CompletedKind.Folder => Paths('d'),
        _ => ":",
    };

    // compopt fails where no completion is running, as in a script that calls the function; mapfile keeps blanks in names.
    private static string Paths(char kind) =>
        $"compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -{kind} -- \"$word\")";
}
