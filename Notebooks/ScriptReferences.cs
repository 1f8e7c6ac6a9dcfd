using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace DaML.Notebooks;

/// <summary>What the code of a notebook is compiled against: all assemblies of this program, DaML's own as they were built.</summary>
internal static class ScriptReferences
{
    /// <summary>The references.</summary>
    public static ImmutableArray<MetadataReference> All { get; } =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path))];

    /// <summary>The namespaces that a C# project has without asking.</summary>
    public static ImmutableArray<string> ImplicitNamespaces { get; } =
        ["System", "System.IO", "System.Linq", "System.Net.Http", "System.Threading", "System.Threading.Tasks",
            "System.Collections.Generic"];
}
