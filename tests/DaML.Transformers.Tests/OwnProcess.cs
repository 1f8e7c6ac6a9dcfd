using System.Diagnostics;

namespace DaML.Tests;

/// <summary>Runs an explicit test in a process of its own, whose memory nothing else uses.</summary>
internal static class OwnProcess
{
    /// <summary>Runs a test; it must pass.</summary>
    /// <param name="class">The test's class.</param>
    /// <param name="test">The test, a fact with <c>Explicit</c>.</param>
    public static void Run(Type @class, string test)
    {
        var start = new ProcessStartInfo("dotnet", [@class.Assembly.Location, "-noColor", "-noLogo", "-explicit", "only", "-method",
            $"{@class}.{test}"]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0 && output.Contains("Total: 1"), output);
    }
}
