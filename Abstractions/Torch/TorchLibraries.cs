using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Runtime.Versioning;

namespace DaML.Components;

/// <summary>
/// Finds and loads TorchSharp's native wrapper and libtorch where the ordinary search does not: in the package folder, and
/// on systems whose libstdc++ is older than the one the wrapper was linked with (docs/torch.md).
/// </summary>
public static class TorchLibraries
{
    /// <summary>
    /// The variable that names a folder with the libtorch to use, for instance of Python's PyTorch on a GPU node (default: none).
    /// </summary>
    public const string FolderVariable = "DAML_LIBTORCH_FOLDER";

    private const string Wrapper = "LibTorchSharp";

    // What the wrapper needs of GCC 13's libstdc++ and never calls: including <iostream> leaves this mark in an object file.
    private const string MarkerVersion = "GLIBCXX_3.4.32", Marker = "_ZSt21ios_base_library_initv";

    // In the order in which they need one another. A library that is already loaded is not searched for by name, so a libtorch of the
    // system is never taken instead. Libraries that a folder lacks are skipped.
    private static readonly string[] Libtorch = ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"];

    private static readonly Lock gate = new();
    private static bool prepared;
    private static nint wrapper;
    private static string? failure;

    /// <summary>
    /// Prepares the search for the native libraries, and ensures that libtorch's convolutions are right (<see cref="ConvolutionGuard"/>).
    /// It must run before TorchSharp is first used, since a search that failed is never repeated. Module initializers call it; repeated
    /// calls do nothing. It loads libraries only if <see cref="FolderVariable"/> is set, or TorchSharp is not beside the program.
    /// </summary>
    public static void Prepare()
    {
        lock (gate)
        {
            if (prepared) return;
            prepared = true;
            ConvolutionGuard.Prepare();
            WaitingThreads.Apply(NativeEnvironment.Get, NativeEnvironment.Set);
            var own = AssemblyLoadContext.GetLoadContext(typeof(TorchLibraries).Assembly)!;
            own.ResolvingUnmanagedDll += Resolve;
            if (own != AssemblyLoadContext.Default) AssemblyLoadContext.Default.ResolvingUnmanagedDll += Resolve;

            // Without a libtorch of the build, the runtime's search would find one of the system before it asks here. So would that of
            // a host which takes TorchSharp from the package folder, as notebooks do: .NET Interactive tries the wrapper by its path,
            // the system's libtorch is loaded with it, stays loaded though the attempt fails, and no other can be loaded any more.
            var torchSharp = typeof(TorchSharp.torch).Assembly;
            if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } || IsFromElsewhere(torchSharp)) TryLoad(torchSharp);
        }
    }

    private static bool IsFromElsewhere(Assembly torchSharp) => Path.GetDirectoryName(torchSharp.Location) is { Length: > 0 } folder
        && Path.TrimEndingDirectorySeparator(folder) != Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);

    /// <summary>
    /// Resolves a library that the runtime did not find. TorchSharp's static constructor swallows an exception, copies half a gigabyte
    /// and blames a missing package. A failure is therefore reported one call later: the static constructor gets an arbitrary handle, and
    /// the next native call gets the reason as its exception.
    /// </summary>
    private static nint Resolve(Assembly assembly, string name)
    {
        if (name != Wrapper) return 0;
        lock (gate)
        {
            if (TryLoad(assembly)) return wrapper;
            if (failure is null || !OperatingSystem.IsLinux()) return 0;    // if no wrapper is known, TorchSharp itself says so
            bool swallows = new StackTrace().GetFrames().Any(frame => frame.GetMethod()?.Name == "LoadNativeBackend");
            return swallows ? NativeLibrary.GetMainProgramHandle() : throw new DllNotFoundException(failure);
        }
    }

    /// <summary>Loads the libraries, or keeps the reason why it cannot; it runs once.</summary>
    private static bool TryLoad(Assembly torchSharp)
    {
        if (wrapper != 0 || failure is not null) return wrapper != 0;
        try
        {
            wrapper = Load(torchSharp);
        }
        catch (Exception failed)
        when (failed is DllNotFoundException or BadImageFormatException or IOException or UnauthorizedAccessException
        or InvalidDataException)
        {
            failure = failed.Message;
        }
        return wrapper != 0;
    }

    /// <summary>Loads libtorch, then the wrapper; 0 if no folder with the wrapper is known.</summary>
    private static nint Load(Assembly torchSharp)
    {
        var folders = new TorchFolders(torchSharp);
        if (folders.Find(Wrapper) is not { } path) return 0;
        string libtorch = LibtorchFolder(folders);
        foreach (string library in Libtorch)
        {
            string file = Path.Combine(libtorch, TorchFolders.FileName(library));
            if (!File.Exists(file)) continue;
            try { NativeLibrary.Load(file); }
            catch (DllNotFoundException failed)
            {
                throw new DllNotFoundException(
                    $"libtorch cannot be loaded from '{libtorch}'{folders.Versions(libtorch)}: {failed.Message}");
            }
        }
        try { return NativeLibrary.Load(path); }
        catch (DllNotFoundException failed)
        {
            if (OperatingSystem.IsLinux() && failed.Message.Contains(MarkerVersion, StringComparison.Ordinal)) return LoadRelaxed(path);
            throw new DllNotFoundException(
                $"TorchSharp's native wrapper cannot be loaded with the libtorch of '{libtorch}'{folders.Versions(libtorch)}: " +
                    $"{failed.Message}");
        }
    }

    private static string LibtorchFolder(TorchFolders folders)
    {
        string? built = folders.Find("torch_cpu") is { } found ? Path.GetDirectoryName(found) : null;
        if (Environment.GetEnvironmentVariable(FolderVariable) is not { Length: > 0 } named)
            return built
                ?? throw new DllNotFoundException(
                    $"No libtorch was found beside TorchSharp: reference the package {folders.LibtorchPackage}, or set " +
                        $"{FolderVariable} to a folder that has it.");
        if (built is not null)
            throw new DllNotFoundException(
                $"{FolderVariable} names '{named}', but this program was built with its own libtorch, in '{built}'; a process can load " +
                    "only one. Build it with -p:TorchDevice=none.");
        return File.Exists(Path.Combine(named, TorchFolders.FileName("torch_cpu"))) ? Path.GetFullPath(named)
            : throw new DllNotFoundException(
                $"{FolderVariable} names '{named}', which has no {TorchFolders.FileName("torch_cpu")}; Python's PyTorch keeps its " +
                    $"libraries in site-packages/torch/lib.");
    }

    /// <summary>Loads a copy of the wrapper that needs the marker's version only weakly; the loader names what else is missing.</summary>
    [SupportedOSPlatform("linux")]
    private static nint LoadRelaxed(string path)
    {
        byte[] shipped = File.ReadAllBytes(path), relaxed;
        try { relaxed = NeededVersion.Weaken(shipped, MarkerVersion, Marker); }
        catch (InvalidDataException refused)
        {
            throw new DllNotFoundException(
                $"TorchSharp's native wrapper '{path}' needs {MarkerVersion} of libstdc++ (GCC 13), which this system lacks, and " +
                    $"cannot be changed to work without it: {refused.Message}");
        }
        string copy;
        try { copy = LibraryCache.Default().Keep(shipped, relaxed); }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new DllNotFoundException(
                $"TorchSharp's native wrapper needs {MarkerVersion} of libstdc++ (GCC 13), which this system lacks, and a copy that " +
                    $"works without it cannot be written: {refused.Message}");
        }
        try { return NativeLibrary.Load(copy); }
        catch (DllNotFoundException failed)
        {
            throw new DllNotFoundException(
                $"TorchSharp's native wrapper cannot be loaded on this system, even without {MarkerVersion}: {failed.Message}");
        }
    }
}
