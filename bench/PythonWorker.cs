using System.Diagnostics;

namespace DaML.Benchmarks;

/// <summary>Starts <c>python_worker.py</c>: the other side of a comparison that this program leads.</summary>
internal static class PythonWorker
{
    /// <summary>
    /// Starts it with <c>$PYTHON</c>, else <c>python3</c>; null, with the reason printed, where that one's PyTorch has no CUDA device.
    /// </summary>
    public static WorkerProcess? Start(TextWriter output) =>
        Start(output, "import sys, torch; sys.exit(0 if torch.cuda.is_available() else 1)", "PyTorch with a CUDA device", "python3");

    /// <summary>The same for a comparison with NumPy, by <c>$PYTHON</c> or the system's own <c>python3</c>.</summary>
    public static WorkerProcess? StartNumPy(TextWriter output) =>
        Start(output, "import numpy", "NumPy", File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3");

    private static WorkerProcess? Start(TextWriter output, string check, string what, string usual)
    {
        string python = Environment.GetEnvironmentVariable("PYTHON") is { Length: > 0 } named ? named : usual;
        string script = Path.Combine(AppContext.BaseDirectory, "python_worker.py");
        try
        {
            using var question = Process.Start(new ProcessStartInfo(python, ["-c", check]) { RedirectStandardError = true })!;
            question.StandardError.ReadToEnd();
            question.WaitForExit();
            if (question.ExitCode != 0)
            {
                output.WriteLine($"{python} has no {what}: no comparison (PYTHON names another).");
                return null;
            }
        }
        catch (System.ComponentModel.Win32Exception)
        {
            output.WriteLine($"There is no {python}: no comparison (PYTHON names another).");
            return null;
        }
        return new WorkerProcess(python, script);
    }
}
