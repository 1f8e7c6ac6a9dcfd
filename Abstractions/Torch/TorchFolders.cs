using System.Reflection;
using System.Runtime.InteropServices;

namespace DaML.Components;

/// <summary>The folders in which the native libraries of TorchSharp and libtorch may lie, for one loaded TorchSharp.</summary>
/// <param name="torchSharp">TorchSharp's assembly.</param>
internal sealed class TorchFolders(Assembly torchSharp)
{
    /// <summary>The file that holds a library on this system.</summary>
    public static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    /// <summary>The full path of a library; null if no folder has it.</summary>
    public string? Find(string library) => All().Select(folder => Path.Combine(folder, FileName(library))).FirstOrDefault(File.Exists);

    /// <summary>Names the versions of TorchSharp and libtorch, for a message.</summary>
    public string Versions(string libtorch)
    {
        string python = Path.Combine(libtorch, "..", "version.py");    // beside the libraries of Python's PyTorch
        string? found = File.Exists(python)
            ? File.ReadLines(python).FirstOrDefault(line => line.StartsWith("__version__", StringComparison.Ordinal)) : null;
        return $" (TorchSharp {torchSharpVersion} is made for libtorch " +
            $"{libtorchVersion}{(found is null ? "" : $"; the folder's PyTorch says {found}")})";
    }

    /// <summary>Names the package of libtorch that this TorchSharp is made for.</summary>
    public string LibtorchPackage => $"libtorch-cpu-{System} {libtorchVersion}";

    private static string System => (OperatingSystem.IsWindows() ? "win-" : OperatingSystem.IsMacOS() ? "osx-" : "linux-")
        + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    private readonly string torchSharpVersion =
        torchSharp.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    // The constant behind torch.__version__. The property cannot be read: that would run the static constructor that led here.
    private readonly string libtorchVersion = torchSharp.GetType("TorchSharp.torch")?
        .GetField("libtorchPackageVersion", BindingFlags.NonPublic | BindingFlags.Static)?.GetRawConstantValue() is string version
        ? Version.Parse(version).ToString(3) : "";

    private IEnumerable<string> All()
    {
        string natives = Path.Combine("runtimes", System, "native"), at = torchSharp.Location;    // empty in a single file
        foreach (string folder in Listed("NATIVE_DLL_SEARCH_DIRECTORIES")) yield return folder;
        foreach (string? folder in new[] { AppContext.BaseDirectory, Path.GetDirectoryName(at) })
        {
            if (string.IsNullOrEmpty(folder)) continue;
            yield return folder;
            yield return Path.Combine(folder, natives);
        }

        // A build leaves the wrapper in the package folder, which the host lists; for libtorch the host lists the folder itself.
        foreach (string packages in Listed("PROBING_DIRECTORIES"))
            yield return Path.Combine(packages, "torchsharp", torchSharpVersion, natives);

        // A notebook takes TorchSharp.dll itself from the package folder.
        if (at.Length == 0) yield break;
        string around = Path.GetFullPath(Path.Combine(at, "..", "..", "..", "..", ".."));
        yield return Path.Combine(around, "torchsharp", torchSharpVersion, natives);
        yield return Path.Combine(around, $"libtorch-cpu-{System}", libtorchVersion, natives);
    }

    private static IEnumerable<string> Listed(string property) =>
        (AppContext.GetData(property) as string ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
}
