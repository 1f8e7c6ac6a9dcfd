using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace DaML.Tests;

/// <summary>
/// Reads what the script <c>daml</c> and the build refuse, in the form of <see cref="SourceMessage"/>: the lines that the script begins
/// with its own name, and the errors of MSBuild's targets.
/// </summary>
internal static partial class ScriptMessages
{
    /// <summary>The messages of a script of bash.</summary>
    public static IEnumerable<SourceMessage> OfScript(string path, string text) =>
        from match in Line().Matches(text)
        select new SourceMessage($"daml: {Shell().Replace(match.Groups["text"].Value, "{value}")}", path);

    /// <summary>The messages of a file of MSBuild.</summary>
    public static IEnumerable<SourceMessage> OfBuild(string path, string text) =>
        from error in XDocument.Parse(text).Descendants("Error")
        select new SourceMessage(Property().Replace(error.Attribute("Text")!.Value, "{value}"), path);

    // (the script's own function fail is "say $*")
    [GeneratedRegex("""\b(fail "|say "daml: )(?<text>[^$"].*?|\$[^*].*?)"(?=;| \}|$)""", RegexOptions.Multiline)]
    private static partial Regex Line();

    // $name, ${name[*]} and $(command)
    [GeneratedRegex(@"\$(\w+|\{[^}]*\}|\([^()]*(\([^)]*\))?[^()]*\))")]
    private static partial Regex Shell();

    [GeneratedRegex(@"[$@]\([^()]*\)")]
    private static partial Regex Property();
}
