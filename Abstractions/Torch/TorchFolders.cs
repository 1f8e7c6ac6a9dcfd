using System.Reflection;
using System.Runtime.InteropServices;

namespace DaML;

/// <summary>The folders in which the native libraries of TorchSharp and libtorch may lie, for one loaded TorchSharp.</summary>
/// <param name="torchSharp">TorchSharp's assembly.</param>
internal sealed class TorchFolders(Assembly torchSharp)
{
    /// <summary>The file that holds a library on this system.</summary>
    public static string FileName(string library) => OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    /// <summary>The full path of a library (default: null).</summary>
    public string? Find(string library) => All().Select(folder => Path.Combine(folder, FileName(library))).FirstOrDefault(File.Exists);

    /// <summary>Says which versions were put together, for a message.</summary>
    public string Versions(string libtorch)
    {
        string python = Path.Combine(libtorch, "..", "version.py");    // beside the libraries of Python's PyTorch
        string? found = File.Exists(python) ? File.ReadLines(python).FirstOrDefault(line => line.StartsWith("__version__", StringComparison.Ordinal)) : null;
        return $" (TorchSharp {torchSharpVersion} is made for libtorch {libtorchVersion}{(found is null ? "" : $"; the folder's PyTorch says {found}")})";
    }

    private static string System => (OperatingSystem.IsWindows() ? "win-" : OperatingSystem.IsMacOS() ? "osx-" : "linux-")
        + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    private readonly string torchSharpVersion = torchSharp.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    // The constant behind torch.__version__, which cannot be asked: that would run the static constructor that led here.
    private readonly string libtorchVersion = torchSharp.GetType("TorchSharp.torch")?
        .GetField("libtorchPackageVersion", BindingFlags.NonPublic | BindingFlags.Static)?.GetRawConstantValue() is string version ? Version.Parse(version).ToString(3) : "";

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

        // A build leaves the libraries in the package folder; a notebook takes TorchSharp.dll itself from there.
        var packages = Listed("PROBING_DIRECTORIES").ToList();
        if (at.Length > 0) packages.Add(Path.GetFullPath(Path.Combine(at, "..", "..", "..", "..", "..")));
        foreach (string folder in packages)
        {
            yield return Path.Combine(folder, "torchsharp", torchSharpVersion, natives);
            yield return Path.Combine(folder, $"libtorch-cpu-{System}", libtorchVersion, natives);
        }
    }

    private static IEnumerable<string> Listed(string property) =>
        (AppContext.GetData(property) as string ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
}
