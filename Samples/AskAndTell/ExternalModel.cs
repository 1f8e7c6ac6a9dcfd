using System.ComponentModel;
using System.Diagnostics;

namespace DaML.Samples;

/// <summary>
/// A model that is a program: it reads a file of runs and writes a file of results. Runs are dealt out to several processes at once.
/// </summary>
/// <param name="folder">Where the files go; made where it is missing.</param>
/// <param name="processes">How many processes share the members.</param>
/// <param name="failEvery">Every so many runs fail and say so; 0 = none.</param>
/// <param name="dieEvery">At every so many runs the process dies; 0 = never.</param>
internal sealed class ExternalModel(string folder, int processes, long failEvery, long dieEvery)
{
    private static readonly string Script = Path.Combine(AppContext.BaseDirectory, "AskAndTell", "lorenz96.awk");

    /// <summary>Processes that ended with an error.</summary>
    public int DeadProcesses { get; private set; }

    /// <summary>Runs the members, and gives back the results of each process as it ends.</summary>
    /// <exception cref="SampleException">There is no awk.</exception>
    public IEnumerable<IReadOnlyList<MemberResult>> Run(IReadOnlyList<MemberRun> runs, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        var portions = runs.Chunk((runs.Count + processes - 1) / processes).Select((portion, i) => Start(portion, i)).ToList();
        try
        {
            while (portions.Count > 0)
            {
                int first = Task.WaitAny([.. portions.Select(portion => portion.Process.WaitForExitAsync(cancellation))], cancellation);
                var (process, members, results) = portions[first];
                portions.RemoveAt(first);
                using (process)
                    if (process.ExitCode != 0) DeadProcesses++;
                yield return MemberFile.Read(results, members);
            }
        }
        finally
        {
            foreach (var (process, _, _) in portions)
                using (process)
                    if (!process.HasExited) process.Kill();
        }
    }

    private (Process Process, MemberRun[] Members, string Results) Start(MemberRun[] members, int index)
    {
        string runs = Path.Combine(folder, $"runs-{index}.txt"), results = Path.Combine(folder, $"results-{index}.txt");
        File.Delete(results);
        MemberFile.Write(runs, members);
        var start = new ProcessStartInfo("awk");
        foreach (string setting in (string[])[$"out={results}", "h=0.05", "F=8", FormattableString.Invariant($"fail={failEvery}"),
            FormattableString.Invariant($"die={dieEvery}")])
        {
            start.ArgumentList.Add("-v");
            start.ArgumentList.Add(setting);
        }
        start.ArgumentList.Add("-f");
        start.ArgumentList.Add(Script);
        start.ArgumentList.Add(runs);
        start.Environment["LC_ALL"] = "C";
        try { return (Process.Start(start)!, members, results); }
        catch (Win32Exception missing) { throw new SampleException(
            $"This sample drives a program written in awk, which could not be started here: {missing.Message}"); }
    }
}
