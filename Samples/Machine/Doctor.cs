using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>Looks at what this machine has, tries what <c>daml demo</c> needs, and says what to install for what.</summary>
internal static class Doctor
{
    private static string LibtorchCure => Environment.GetEnvironmentVariable(TorchLibraries.FolderVariable) is { Length: > 0 }
        ? $"To use the libtorch of the build, unset {TorchLibraries.FolderVariable} (docs/torch.md)."
        : "Restore the packages again: remove libtorch-cpu-* from NuGet's package folder and build (docs/torch.md).";

    /// <summary>Looks, shows what was found, and writes it as JSON where asked.</summary>
    /// <param name="console">Where findings are shown.</param>
    /// <param name="jsonFile">The file to write, or null.</param>
    /// <returns>Whether all that the demo needs works.</returns>
    public static bool Run(IAnsiConsole console, string? jsonFile)
    {
        var findings = Examine();
        bool works = findings.All(finding => finding.State != FindingState.Failed);
        Show(console, findings);
        console.WriteLine(works ? "All that 'daml demo' needs works." : "'daml demo' cannot run here; what failed is above.");
        if (jsonFile is not null)
            AtomicFile.WriteText(jsonFile, new JsonObject
            {
                ["name"] = "doctor",
                ["works"] = works,
                ["findings"] = new JsonArray([.. findings.Select(finding => (JsonNode)new JsonObject
                {
                    ["subject"] = finding.Subject, ["state"] = finding.State.ToString().ToLowerInvariant(), ["found"] = finding.Found,
                    ["cure"] = finding.Cure,
                })]),
            }.ToJsonString(new() { WriteIndented = true }) + "\n");
        return works;
    }

    /// <summary>Looks at everything, in the order in which it is shown.</summary>
    public static IReadOnlyList<Finding> Examine()
    {
        Finding[] machine =
        [
            new("DaML", FindingState.Ok, Machine.DaMLVersion),
            new("operating system", FindingState.Ok, Machine.OperatingSystem),
            new("processor", FindingState.Ok, $"{Machine.Processor}, {Machine.Counted(Machine.Cores, "core")}"),
            new("vector instructions", FindingState.Ok, Machine.VectorInstructions),
            new("memory", FindingState.Ok, Machine.Memory),
            new(".NET runtime", FindingState.Ok, Machine.Runtime),
            Program(".NET SDK", "dotnet", "--version", "dotnet-sdk-10.0", "to build and test"),
            new("TorchSharp", FindingState.Ok, Machine.TorchSharpVersion),
        ];
        var libtorch = Try("libtorch", LibtorchCure, () => $"{Machine.Libtorch.Version}, from {Machine.Libtorch.Folder}");
        return
        [
            .. machine, libtorch,
            .. libtorch.State == FindingState.Ok ? Tensors() : [],
            Gpu(libtorch.State == FindingState.Ok), NetCdf(),
            .. Programs(),
            new("OPENBLAS_CORETYPE", FindingState.Ok, Environment.GetEnvironmentVariable("OPENBLAS_CORETYPE") is { Length: > 0 } kernel
                ? $"{kernel}: a libtorch or a NumPy that computes with OpenBLAS uses the kernels of that processor"
                : "not set: a library that computes with OpenBLAS chooses its kernels itself"),
        ];
    }

    private static IEnumerable<Finding> Tensors() =>
    [
        Try("threads", "", () => $"{Machine.Threads} of libtorch on {Machine.Counted(Machine.Cores, "core")}; OMP_NUM_THREADS is " +
            (Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is { Length: > 0 } limit ? limit : "not set")),
        Try("tensor sum", LibtorchCure, () =>
        {
            using var scope = NewDisposeScope();
            double sum = arange(1, 1001, dtype: ScalarType.Float64).sum().ToDouble();
            return sum == 500_500 ? "the numbers from 1 to 1000 add up to 500500"
                : throw new ArithmeticException(string.Create(CultureInfo.InvariantCulture,
                    $"the numbers from 1 to 1000 add up to {sum}, not to 500500"));
        }),
        Try("convolutions", "docs/convolutions.md tells which processors are concerned.", () =>
        {
            ConvolutionGuard.Check();
            return "as in double precision";
        }),
        Try("ETKF cycle", LibtorchCure, () =>
        {
            var context = new DataAssimilationContext(seed: 1);
            var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
            var filter = context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 20 });
            double error = context.Scores.Evaluate(filter.Transform(context.Data.Twin(system, new() { Cycles = 1 })), new())
                .AnalysisRmse.Mean;
            return double.IsFinite(error)
                ? string.Create(CultureInfo.InvariantCulture, $"20 members, Lorenz-96: analysis RMSE {error:F2} after one cycle")
                : throw new ArithmeticException("the analysis of Lorenz-96 is not finite");
        }),
    ];

    private static Finding Gpu(bool libtorch)
    {
        const string driver = "/proc/driver/nvidia/version";
        bool present = File.Exists(driver);
        if (libtorch && Devices.WhyNoCuda is not { } why)
            return new("GPU", FindingState.Ok, $"{Machine.Counted(cuda.device_count(), "CUDA device")}, for --device cuda");
        if (!present) return new("GPU", FindingState.Absent, "no NVIDIA driver; DaML computes on the processor");
        return new("GPU", FindingState.Absent, "there is an NVIDIA driver, which this program does not use" +
            (libtorch ? $": {Devices.WhyNoCuda}" : ""),
            "Build with -p:TorchDevice=cuda (package TorchSharp-cuda-linux or TorchSharp-cuda-windows; docs/torch.md).");
    }

    private static Finding NetCdf() => NetCdfFile.LibraryVersion is { } version ? new("netcdf library", FindingState.Ok, version)
        : new("netcdf library", FindingState.Absent, "not installed",
            "For NetCDF files and the samples pressure-analysis and pod-lstm-4dvar: apt-get install libnetcdf-dev.");

    private static IEnumerable<Finding> Programs() =>
    [
        Program("awk", "awk", "BEGIN { print \"found\" }", "mawk", "for the sample ask-and-tell"),
        Program("PNG figures", "rsvg-convert", "--version", "librsvg2-bin", "for figures as PNG; SVG needs nothing"),
        Program("browser", "chromium", "--version", "chromium", "for the tests that open pages"),
        OtherProgram.FirstLine("mpirun", "--version") is { } version ? new("MPI", FindingState.Ok, version + "; " + WithoutMpi)
            : new("MPI", FindingState.Absent, "not found on the PATH; " + WithoutMpi),
    ];

    private const string WithoutMpi = "DaML does not use it: it computes with the threads of one machine";

    // A program on the PATH and the first line of what it says of itself.
    private static Finding Program(string subject, string name, string argument, string package, string purpose) =>
        OtherProgram.FirstLine(name, argument) is { } line ? new(subject, FindingState.Ok, line)
            : new(subject, FindingState.Absent, "not found on the PATH",
                $"{char.ToUpperInvariant(purpose[0])}{purpose[1..]}: apt-get install {package}.");

    private static Finding Try(string subject, string cure, Func<string> attempt)
    {
        try { return new(subject, FindingState.Ok, attempt()); }
        catch (Exception failed)    // whatever it is, it is what this command is asked for
        {
            var cause = failed is TypeInitializationException { InnerException: { } inner } ? inner : failed;
            return new(subject, FindingState.Failed, cause.Message.ReplaceLineEndings(" "), cure.Length > 0 ? cure : null);
        }
    }

    private static void Show(IAnsiConsole console, IReadOnlyList<Finding> findings)
    {
        var grid = new Grid().AddColumn(new GridColumn { NoWrap = true }).AddColumn(new GridColumn { NoWrap = true }).AddColumn();
        foreach (var finding in findings)
        {
            string colour = finding.State switch { FindingState.Ok => "green", FindingState.Failed => "red", _ => "yellow" };
            grid.AddRow(new Markup($"[{colour}]{finding.State.ToString().ToLowerInvariant()}[/]"), new Text(finding.Subject),
                new Text(finding.Cure is null ? finding.Found : $"{finding.Found}\n{finding.Cure}"));
        }
        console.Write(grid);
    }
}
