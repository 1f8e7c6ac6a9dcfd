using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace DaML.Notebooks;

/// <summary>What the code of a notebook is compiled against: all assemblies of this program, DaML's own as they were built.</summary>
internal static class ScriptReferences
{
    /// <summary>The references.</summary>
    public static ImmutableArray<MetadataReference> All { get; } = [.. Files.Select(path => MetadataReference.CreateFromFile(path))];

    /// <summary>Whether the assemblies of a package are among them; those of DaML and of libtorch always are.</summary>
    public static bool Have(string package) => package == "DaML" || package.StartsWith("libtorch-", StringComparison.OrdinalIgnoreCase)
        || Files.Any(path => string.Equals(Path.GetFileNameWithoutExtension(path), package, StringComparison.OrdinalIgnoreCase));

    private static string[] Files => ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);

    /// <summary>The namespaces that a C# project and .NET Interactive both have without asking.</summary>
    public static ImmutableArray<string> ImplicitNamespaces { get; } =
        ["System", "System.Linq", "System.Threading.Tasks", "System.Collections.Generic"];
}
