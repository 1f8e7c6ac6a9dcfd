using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text;
using TorchSharp;

namespace DaML.Samples;

/// <summary>The machine that this program runs on, and the software underneath, as a page or a report of a fault names them.</summary>
internal static class Machine
{
    /// <summary>The version of DaML and the commit it was built from, for instance <c>0.1.0 (commit 1a2b3c4d5e)</c>.</summary>
    public static string DaMLVersion => InformationalVersion(typeof(DataAssimilationContext)) is var (version, commit) && commit.Length > 0
        ? $"{version} (commit {commit[..Math.Min(commit.Length, 10)]})" : InformationalVersion(typeof(DataAssimilationContext)).Version;

    /// <summary>The processor's name: as Linux gives it, else as it gives it itself, or its architecture where it gives none.</summary>
    public static string Processor
    {
        get
        {
            string? named = File.Exists("/proc/cpuinfo")
                ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
            if (named is not null)
                return string.Join(' ', named[(named.IndexOf(':') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries));
            if (!X86Base.IsSupported) return RuntimeInformation.ProcessArchitecture.ToString();
            Span<int> name = stackalloc int[12];    // three leaves of four registers, sixteen letters each
            for (int leaf = 0; leaf < 3; leaf++)
                (name[4 * leaf], name[4 * leaf + 1], name[4 * leaf + 2], name[4 * leaf + 3]) =
                    X86Base.CpuId(unchecked((int)0x80000002) + leaf, 0);
            string text = Encoding.ASCII.GetString(MemoryMarshal.AsBytes(name));
            return string.Join(' ', text.Split([' ', '\0'], StringSplitOptions.RemoveEmptyEntries));
        }
    }

    /// <summary>The processor cores that this process may use.</summary>
    public static int Cores => Environment.ProcessorCount;

    /// <summary>The vector instructions that .NET uses, the widest first.</summary>
    public static string VectorInstructions
    {
        get
        {
            (string Name, bool Used)[] all =
            [
                ("AVX-512", Avx512F.IsSupported), ("AVX2", Avx2.IsSupported), ("FMA", Fma.IsSupported), ("AVX", Avx.IsSupported),
                ("SSE4.2", Sse42.IsSupported), ("NEON", AdvSimd.IsSupported),
            ];
            string[] used = [.. all.Where(one => one.Used).Select(one => one.Name)];
            return used.Length > 0 ? string.Join(", ", used) : "none";
        }
    }

    /// <summary>The memory that this process may use, for instance <c>15.6 GiB</c>; a container's limit counts.</summary>
    public static string Memory =>
        (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30)).ToString("0.0", CultureInfo.InvariantCulture) + " GiB";

    /// <summary>The operating system and its architecture.</summary>
    public static string OperatingSystem =>
        $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";

    /// <summary>The .NET runtime, for instance <c>.NET 10.0.1</c>.</summary>
    public static string Runtime => RuntimeInformation.FrameworkDescription;

    /// <summary>The version of TorchSharp's managed half; it can be read where libtorch cannot be loaded.</summary>
    public static string TorchSharpVersion => InformationalVersion(typeof(torch)).Version;

    /// <summary>The version of the libtorch that is loaded, as it says itself, and the folder it was loaded from.</summary>
    /// <exception cref="DllNotFoundException">No libtorch can be loaded; the message says why.</exception>
    public static unsafe (string Version, string Folder) Libtorch
    {
        get
        {
            torch.get_num_threads();    // loads it
            string path = Process.GetCurrentProcess().Modules.Cast<ProcessModule>()
                .First(module => module.ModuleName.Contains("torch_cpu", StringComparison.Ordinal)).FileName;
            // major, minor and patch in the three highest bytes (torch/csrc/inductor/aoti_torch/c/shim.h)
            nint export = NativeLibrary.GetExport(NativeLibrary.Load(path), "aoti_torch_abi_version");
            ulong version = ((delegate* unmanaged<ulong>)export)();
            return ($"{version >> 56}.{version >> 48 & 255}.{version >> 40 & 255}", Path.GetDirectoryName(path)!);
        }
    }

    /// <summary>The threads that libtorch computes with.</summary>
    public static int Threads => torch.get_num_threads();

    /// <summary>A number of things, for instance <c>1 core</c> or <c>2 cores</c>.</summary>
    public static string Counted(int count, string thing) => $"{count} {thing}{(count == 1 ? "" : "s")}";

    private static (string Version, string Commit) InformationalVersion(Type type)
    {
        string[] parts = (type.Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "").Split('+');
        return (parts[0], parts.Length > 1 ? parts[1] : "");
    }
}
