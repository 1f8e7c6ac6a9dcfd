using System.Diagnostics;

namespace DaML.Tests;

/// <summary>Runs the SDK's command as a user would: apart from the build or the test run that runs this process.</summary>
public sealed class SdkCommand(string folder)
{
    private readonly Dictionary<string, string> environment = new()
    {
        // No server outlives the command: it would keep the command's output open.
        ["MSBUILDDISABLENODEREUSE"] = "1", ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0", ["UseSharedCompilation"] = "false",
        ["DOTNET_NOLOGO"] = "1", ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1", ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1",
        ["DOTNET_CLI_UI_LANGUAGE"] = "en",
    };

    /// <summary>The folder of the sources. A test that lies elsewhere is skipped.</summary>
    public static string Sources
    {
        get
        {
            var root = new DirectoryInfo(AppContext.BaseDirectory);
            while (root is not null && !File.Exists(Path.Combine(root.FullName, "DaML.sln"))) root = root.Parent;
            Assert.SkipWhen(root is null, "the tests do not lie beneath the sources");
            return root!.FullName;
        }
    }

    /// <summary>Sets a variable of the command's environment.</summary>
    public string this[string variable] { set => environment[variable] = value; }

    /// <summary>Runs the command to its end and gives its exit code and all that it wrote.</summary>
    public (int Code, string Output) Run(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
            { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        // What `dotnet test` tells its own MSBuild is not meant for another.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase))
            .ToList()) start.Environment.Remove(name);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    /// <summary>Runs a command that must succeed and gives what it wrote.</summary>
    public string Succeed(params string[] arguments)
    {
        var (code, output) = Run(arguments);
        Assert.True(code == 0, $"dotnet {string.Join(' ', arguments)} ended with {code}:\n{output}");
        return output;
    }
}
