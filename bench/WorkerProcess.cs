using System.Diagnostics;
using System.Globalization;

namespace DaML.Benchmarks;

/// <summary>A program that does workloads on request, kept alive: one side of a comparison.</summary>
/// <param name="command">The program and its arguments; it reads lines <c>WORKLOAD REPETITIONS</c> and answers each with <c>WALL_SECONDS
/// CPU_SECONDS</c> of one repetition.</param>
internal sealed class WorkerProcess(params string[] command) : IDisposable
{
    private readonly Process process =
        Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;

    /// <summary>Seconds of one repetition of a workload.</summary>
    /// <exception cref="InvalidOperationException">The program ended.</exception>
    public (double Wall, double Cpu) Run(string workload, int repetitions)
    {
        process.StandardInput.WriteLine($"{workload} {repetitions}");
        process.StandardInput.Flush();
        string[] answer = process.StandardOutput.ReadLine()?.Split(' ')
            ?? throw new InvalidOperationException($"The worker '{string.Join(' ', command)}' ended while it ran {workload}.");
        return (double.Parse(answer[0], CultureInfo.InvariantCulture), double.Parse(answer[1], CultureInfo.InvariantCulture));
    }

    /// <summary>Lets the program end.</summary>
    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }
}
