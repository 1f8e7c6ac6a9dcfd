using System.Globalization;
using System.Text;

namespace DaML.Components;

/// <summary>
/// Runs and their results as plain text, one per line, for programs in any language. A file of runs begins with the line
/// <c># from to n</c>; every other line is the run's number and the n numbers of its state, with 17 digits, which represent a double to
/// the bit. A file of results has such lines, or the run's number, <c>failed</c> and a reason; each ends with a line feed.
/// </summary>
public static class MemberFile
{
    /// <summary>Writes runs; a reader sees the whole file or none.</summary>
    /// <param name="path">The file.</param>
    /// <param name="runs">Runs over the same interval, at least one.</param>
    public static void Write(string path, IReadOnlyList<MemberRun> runs)
    {
        if (runs.Count == 0) throw new ArgumentException("There are no runs to write.", nameof(runs));
        if (runs.Any(run => run.Interval != runs[0].Interval))
            throw new ArgumentException("The runs of a file must share their interval.", nameof(runs));
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {runs[0].Interval.From:R} {runs[0].Interval.To:R} {runs[0].State.Count}\n");
        foreach (var run in runs)
        {
            text.Append(run.Id);
            foreach (double value in run.State) text.Append(' ').Append(value.ToString("R", CultureInfo.InvariantCulture));
            text.Append('\n');
        }
        AtomicFile.WriteText(path, text.ToString());
    }

    /// <summary>
    /// Reads the results of runs. A run counts as crashed if the file does not mention it, if its line breaks off, or if the line holds
    /// something that is not a finite number; a program that was killed leaves such a file. If there is no file, all runs count as
    /// crashed.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="runs">The runs whose results are expected in the file.</param>
    /// <returns>A result for each of the runs, in their order.</returns>
    /// <exception cref="InvalidDataException">A line does not begin with the number of one of the runs, or one comes twice.</exception>
    public static IReadOnlyList<MemberResult> Read(string path, IReadOnlyList<MemberRun> runs)
    {
        var asked = runs.ToDictionary(run => run.Id);
        var results = new Dictionary<long, MemberResult>();
        bool exists = File.Exists(path);
        string[] lines = exists ? File.ReadAllText(path).Split('\n') : [""];
        for (int number = 1; number < lines.Length; number++) // text after the last line feed is an unfinished line
        {
            string[] words = lines[number - 1].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0 || words[0] == "#") continue;
            if (!long.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out long id)
                || !asked.TryGetValue(id, out var run))
                throw new InvalidDataException(
                    $"'{path}', line {number}: '{words[0]}' is not the number of one of the {runs.Count} runs whose results the file " +
                        $"should hold.");
            if (!results.TryAdd(id, Result(run, words.AsSpan(1))))
                throw new InvalidDataException($"'{path}', line {number}: run {id} comes twice.");
        }
        string missing = exists ? "the file of results does not mention it" : "there is no file of results";
        return [.. runs.Select(run => results.GetValueOrDefault(run.Id) ?? MemberResult.Crashed(run.Id, missing))];
    }

    private static MemberResult Result(MemberRun run, ReadOnlySpan<string> words)
    {
        if (words.Length > 0 && words[0] == "failed")
            return MemberResult.Crashed(run.Id, words.Length > 1 ? string.Join(' ', words[1..].ToArray()) : "failed");
        if (words.Length != run.State.Count)
            return MemberResult.Crashed(run.Id, $"its line has {words.Length} of {run.State.Count} numbers");
        var state = new double[words.Length];
        for (int i = 0; i < state.Length; i++)
            if (!double.TryParse(words[i], NumberStyles.Float, CultureInfo.InvariantCulture, out state[i]) || !double.IsFinite(state[i]))
                return MemberResult.Crashed(run.Id, $"component {i} is '{words[i]}'");
        return MemberResult.Done(run.Id, state);
    }
}
