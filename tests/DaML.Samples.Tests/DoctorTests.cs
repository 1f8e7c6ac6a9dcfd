using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using DaML.Samples;
using TorchSharp;

namespace DaML.Tests;

/// <summary><c>daml doctor</c>: what it finds here, what it says where libtorch cannot be loaded, and its colours.</summary>
public sealed class DoctorTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("daml-doctor-");

    public void Dispose() => folder.Delete(recursive: true);

    private string Json => Path.Combine(folder.FullName, "doctor.json");

    // What was found by subject: the state, the text and the cure.
    private Dictionary<string, (string State, string Found, string? Cure)> Findings(out bool works)
    {
        var root = JsonDocument.Parse(File.ReadAllText(Json)).RootElement;
        works = root.GetProperty("works").GetBoolean();
        return root.GetProperty("findings").EnumerateArray().ToDictionary(one => one.GetProperty("subject").GetString()!,
            one => (one.GetProperty("state").GetString()!, one.GetProperty("found").GetString()!, one.GetProperty("cure").GetString()));
    }

    // The program itself, in a process of its own; a command in front may give it a terminal.
    private static (int Code, string Output) Program(Dictionary<string, string> environment, bool terminal, string arguments)
    {
        string command = $"dotnet '{Path.Combine(AppContext.BaseDirectory, "daml.dll")}' {arguments}";
        var start = terminal ? new ProcessStartInfo("script", ["-qec", command, "/dev/null"]) : new ProcessStartInfo("sh", ["-c", command]);
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.Environment.Remove("NO_COLOR");
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    [Fact]
    public void ItFindsWhatIsLoadedHereAndAllThatTheDemoNeedsWorks()
    {
        var (code, output, error) = CommandLineTests.Daml([new CommandLineTests.Fake("demo", CommandLineTests.Nothing)],
            CancellationToken.None, "doctor", "--json", Json);
        var findings = Findings(out bool works);
        Assert.True(code == 0 && works && error.Length == 0, output + error);
        Assert.Contains("All that 'daml demo' needs works.", output);
        Assert.All(findings, finding => Assert.NotEqual("failed", finding.Value.State));
        Assert.StartsWith(Version.Parse(torch.__version__).ToString(3) + ", from ", findings["libtorch"].Found);
        Assert.StartsWith($"{torch.get_num_threads()} of libtorch on {Environment.ProcessorCount} core", findings["threads"].Found);
        Assert.Equal(NetCdfFile.IsAvailable ? "ok" : "absent", findings["netcdf library"].State);
        Assert.Equal(torch.cuda.is_available() ? "ok" : "absent", findings["GPU"].State);
        string cpus = File.Exists("/proc/cpuinfo") ? File.ReadAllText("/proc/cpuinfo") : "";
        if (Regex.Match(cpus, @"model name\s*: (.*)") is { Success: true } name)
            Assert.Contains(Regex.Replace(name.Groups[1].Value.Trim(), " +", " "), findings["processor"].Found);
        Assert.Equal(System.Runtime.Intrinsics.X86.Avx2.IsSupported, findings["vector instructions"].Found.Contains("AVX2"));
        foreach (string subject in (string[])["DaML", "operating system", "memory", ".NET runtime", ".NET SDK", "TorchSharp", "tensor sum",
            "convolutions", "ETKF cycle", "awk", "PNG figures", "browser", "MPI", "OPENBLAS_CORETYPE"])
            Assert.NotEmpty(findings[subject].Found);
        Assert.All(findings.Values.Where(finding => finding.State == "absent" && finding.Cure is not null),
            finding => Assert.Matches("apt-get install|-p:TorchDevice=cuda", finding.Cure));
    }

    [Fact]
    public void WithoutLibtorchItFailsWithTheCauseAndTheCure()
    {
        string empty = folder.CreateSubdirectory("empty").FullName;
        var (code, output) = Program(new() { [TorchLibraries.FolderVariable] = empty }, false, $"doctor --json {Json}");
        Assert.True(code == CommandLine.Failure, output);
        Assert.Contains("'daml demo' cannot run here", output);
        var findings = Findings(out bool works);
        Assert.False(works);
        var libtorch = findings["libtorch"];
        Assert.Equal("failed", libtorch.State);
        Assert.Contains($"DAML_LIBTORCH_FOLDER names '{empty}'", libtorch.Found);
        Assert.Equal("To use the libtorch of the build, unset DAML_LIBTORCH_FOLDER (docs/torch.md).", libtorch.Cure);
        Assert.Equal(["libtorch"], findings.Where(finding => finding.Value.State == "failed").Select(finding => finding.Key));
        Assert.Contains("netcdf library", findings.Keys);    // it went on
    }

    [Fact]
    public void ColoursAreForTerminalsThatWantThem()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script") && File.Exists("/dev/ptmx") && Directory.Exists("/dev/pts"),
            "there is no program 'script', or it can make no terminal here");
        var plain = new Dictionary<string, string> { ["TERM"] = "xterm-256color" };
        var colour = new Regex("\u001b\\[[0-9;]*m");
        Assert.Matches(colour, Program(plain, true, "doctor").Output);
        var pipe = Program(plain, false, "doctor");
        Assert.DoesNotContain("\u001b", pipe.Output);
        Assert.Contains("libtorch", pipe.Output);
        plain["NO_COLOR"] = "1";
        var without = Program(plain, true, "doctor");
        Assert.DoesNotMatch(colour, without.Output);
        Assert.Contains("libtorch", without.Output);
    }
}
