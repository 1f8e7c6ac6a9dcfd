using System.ComponentModel;
using System.Diagnostics;

namespace DaML.Samples;

/// <summary>Programs on the PATH.</summary>
internal static class OtherProgram
{
    /// <summary>The first line that a program writes; null if it is not there, fails, or does not end within ten seconds.</summary>
    /// <param name="name">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    public static string? FirstLine(string name, params string[] arguments)
    {
        var start = new ProcessStartInfo(name, arguments)
            { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(TimeSpan.FromSeconds(10)) || !Task.WaitAll([output, errors], TimeSpan.FromSeconds(10)))
            {
                process.Kill(entireProcessTree: true);
                return null;
            }
            return process.ExitCode != 0 ? null : (output.Result + "\n" + errors.Result).Split('\n').Select(line => line.Trim())
                .FirstOrDefault(line => line.Length > 0);
        }
        catch (Win32Exception) { return null; }    // it is not there
    }
}
