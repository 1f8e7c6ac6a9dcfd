using System.Diagnostics;

namespace DaML.Tests;

/// <summary>
/// Readers and writers of NetCDF files that are not ours: Unidata's ncgen and ncdump, and Python's netCDF4 with cftime.
/// </summary>
internal static class NetCdfTools
{
    private static readonly Lazy<string?> Python = new(() => ((string[])["python3", "/usr/bin/python3"]).FirstOrDefault(python =>
        Run(python, "-c", "import netCDF4, cftime").Code == 0));

    /// <summary>Makes a file of its text (CDL), or skips the test where ncgen is not installed.</summary>
    public static string Generate(string path, string kind, string cdl)
    {
        string text = Path.ChangeExtension(path, ".cdl");
        File.WriteAllText(text, cdl);
        var (code, output) = Run("ncgen", "-k", kind, "-o", path, text);
        Assert.SkipWhen(code == -1, "ncgen is not installed");
        Assert.True(code == 0, output);
        return path;
    }

    /// <summary>A file's text, or skips the test where ncdump is not installed.</summary>
    public static string Dump(params string[] arguments)
    {
        var (code, output) = Run("ncdump", arguments);
        Assert.SkipWhen(code == -1, "ncdump is not installed");
        Assert.True(code == 0, output);
        return output;
    }

    /// <summary>What a Python script prints, or skips the test where netCDF4 is not installed.</summary>
    public static string AskPython(string script, params string[] arguments)
    {
        Assert.SkipWhen(Python.Value is null, "Python's netCDF4 is not installed");
        var (code, output) = Run(Python.Value!, ["-c", script, .. arguments]);
        Assert.True(code == 0, output);
        return output;
    }

    private static (int Code, string Output) Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true,
                RedirectStandardError = true })!;
            var errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, process.ExitCode == 0 ? output : output + errors.GetAwaiter().GetResult());
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (-1, $"there is no {program}");
        }
    }
}
