using System.Diagnostics;

namespace DaML.Tests;

/// <summary>The script ./daml builds when something has changed since its last build, and only then.</summary>
public sealed class ScriptTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("daml-script-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void It_builds_only_what_has_changed()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("The script compares files by GNU find.");
            return;
        }
        string script = Path.Combine(SdkCommand.Sources, "daml");
        Write("Samples/Program.cs", "1");
        File.Copy(script, At("daml"));
        Write("Abstractions/Old.cs", "1");
        Write("packages/a.nupkg.sha512", "1");
        // Instead of the SDK: it notes what it is told to do, and its build leaves what a build leaves.
        Write("../tools/dotnet", $$"""
            #!/bin/sh
            echo "$1" >> "{{Beside("log")}}"
            case $1 in
                --list-sdks) echo "10.0.100 [/sdk]" ;;
                build) mkdir -p "$2/bin/Release/net10.0" "$2/obj"
                    echo built > "$2/bin/Release/net10.0/daml.dll"
                    echo '"{{At("packages/a.nupkg.sha512")}}"' > "$2/obj/project.nuget.cache" ;;
            esac
            """);
        File.SetUnixFileMode(Beside("tools/dotnet"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        Assert.True(Builds());
        Assert.False(Builds());
        Write("Samples/Program.cs", "2");
        Assert.True(Builds());
        Assert.False(Builds());
        File.SetLastWriteTimeUtc(At("Samples/Program.cs"), DateTime.UnixEpoch);     // older is another file too
        Assert.True(Builds());
        File.Delete(At("Abstractions/Old.cs"));
        Assert.True(Builds());
        Write("Directory.Build.props", "<Project />");
        Assert.True(Builds());
        Write("Samples/bin/Release/net10.0/daml.dll", "of another build");
        Assert.True(Builds());
        Directory.Delete(At("Samples/bin"), recursive: true);
        Assert.True(Builds());
        File.Delete(At("packages/a.nupkg.sha512"));
        Assert.True(Builds());
        Write("packages/a.nupkg.sha512", "1");
        Assert.False(Builds());
        Assert.True(Builds(("TorchDevice", "none")));
        Assert.True(Builds());
        Write("docs/page.md", "no part of a build");
        Assert.False(Builds());
    }

    private string At(string path) => Path.Combine(folder.FullName, "sources", path);

    private string Beside(string path) => Path.Combine(folder.FullName, path);

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path))!);
        File.WriteAllText(At(path), text);
    }

    // Whether ./daml list builds; in any case it runs the program.
    private bool Builds(params (string Name, string Value)[] environment)
    {
        File.Delete(Beside("log"));
        var start = new ProcessStartInfo("bash", [At("daml"), "list", "--quiet"]);
        start.Environment["PATH"] = $"{Beside("tools")}:{start.Environment["PATH"]}";
        foreach (string variable in (string[])["DAML_CONFIGURATION", "TorchDevice"]) start.Environment.Remove(variable);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        string[] calls = File.ReadAllLines(Beside("log"));
        Assert.EndsWith("daml.dll", calls[^1]);
        return calls.Contains("build");
    }
}
