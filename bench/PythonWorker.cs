using System.Diagnostics;
using System.Globalization;

namespace DaML.Benchmarks;

/// <summary><c>python_worker.py</c>, kept alive: the other side of a comparison that this program leads.</summary>
internal sealed class PythonWorker : IDisposable
{
    private readonly Process process;

    private PythonWorker(Process process) => this.process = process;

    /// <summary>Starts it with <c>$PYTHON</c>, else <c>python3</c>; null, with the reason printed, where that one's PyTorch has no CUDA device.</summary>
    public static PythonWorker? Start(TextWriter output) =>
        Start(output, "import sys, torch; sys.exit(0 if torch.cuda.is_available() else 1)", "PyTorch with a CUDA device", "python3");

    /// <summary>The same for a comparison with NumPy, by <c>$PYTHON</c> or the system's own <c>python3</c>.</summary>
    public static PythonWorker? StartNumPy(TextWriter output) =>
        Start(output, "import numpy", "NumPy", File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3");

    private static PythonWorker? Start(TextWriter output, string check, string what, string usual)
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
        return new PythonWorker(Process.Start(new ProcessStartInfo(python, [script]) { RedirectStandardInput = true, RedirectStandardOutput = true })!);
    }

    /// <summary>Seconds of one repetition of a workload.</summary>
    /// <exception cref="InvalidOperationException">The worker ended.</exception>
    public double Run(string workload, int repetitions)
    {
        process.StandardInput.WriteLine($"{workload} {repetitions}");
        process.StandardInput.Flush();
        return process.StandardOutput.ReadLine() is { } answer ? double.Parse(answer.Split(' ')[0], CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"The Python worker ended while it ran {workload}.");
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }
}
