using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

public sealed partial class AskAndTell
{
    private static readonly Checkpoint Files = new("ask-and-tell", 2, "assimilation", "method");   // 1: without the lift of the inflation

    private AskAndTell(SequentialAssimilation<EnsembleMemory> method, AskAndTellOptions options, ComponentReader reader)
    {
        this.method = method;
        this.options = options;
        CheckPolicy();
        Stage = reader.Get<AskAndTellStage>("stage");
        Time = reader.Get<double>("time");
        until = reader.Get<double>("until");
        Cycle = reader.Get<long>("cycle");
        nextId = reader.Get<long>("nextId");
        crashes = [.. reader.Get<MemberCrash[]>("crashes")];
        memory = Checked(new EnsembleMemory(reader.Tensor("members")));
        analysing = method.Random("analyzer");
        limit = new(method.Triple);
        if (reader.Version > 1 && reader.Get<bool>("inflated"))
        {
            using var lift = reader.Tensor("lift");
            limit.Restore(lift);
        }
        using (var state = reader.Tensor("stream"))
        using (var here = state.cpu()) analysing.Restore(here);
        if (Stage != AskAndTellStage.Tell) return;

        var interval = new TimeInterval(Time, until);
        asked = [.. Rows(memory.Members).Select((state, member) => new MemberRun(nextId - MemberCount + member, member, interval, state))];
        using var results = reader.Tensor("told");
        using var values = results.cpu();
        long[] ids = reader.Get<long[]>("toldIds");
        string[] reasons = reader.Get<string[]>("toldCrashes");
        Require.Shape(values, "The results of a checkpoint", ids.Length, method.StateDimension);
        if (reasons.Length != ids.Length) throw new ArgumentException($"It has {ids.Length} results and {reasons.Length} remarks.");
        double[] numbers = values.ToArray<double>();
        var seen = new HashSet<long>();
        for (int i = 0; i < ids.Length; i++)
        {
            int n = (int)method.StateDimension;
            var result = reasons[i].Length > 0 ? MemberResult.Crashed(ids[i], reasons[i])
                : MemberResult.Done(ids[i], numbers.AsSpan(i * n, n).ToArray());
            CheckResult(result, seen);
            told.Add(result.Id, result);
        }
    }

    /// <summary>
    /// Writes the state of the assimilation to a file at any point: the ensemble, the results told so far, the random numbers. The older
    /// file stays intact until the new one is complete.
    /// </summary>
    /// <param name="path">The file.</param>
    public void Save(string path) => Files.Write(path, ((ISequentialAssimilation)method).Identity, Save);

    /// <summary>Resumes from a file, to the bit, in this process or another.</summary>
    /// <param name="method">The method, made with the same settings and seed.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">The same settings (default: null, their defaults).</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelArchiveException">The file is damaged, is no checkpoint, or belongs to another method, seed or
    /// dimension.</exception>
    public static AskAndTell Restore(SequentialAssimilation<EnsembleMemory> method, string path, AskAndTellOptions? options = null)
    {
        AskAndTell? restored = null;
        ISequentialAssimilation of = method;
        Files.Read(path, of.Identity, method.Context, reader => restored = new AskAndTell(method, options ?? new(), reader), of.Current);
        return restored!;
    }

    private void Save(ComponentWriter writer)
    {
        writer.Set("stage", Stage);
        writer.Set("time", Time);
        writer.Set("until", until);
        writer.Set("cycle", Cycle);
        writer.Set("nextId", nextId);
        writer.Set("crashes", crashes);
        writer.Tensor("members", memory.Members);
        writer.Tensor("stream", analysing.Capture());
        writer.Set("inflated", limit.Lift is not null);
        if (limit.Lift is { } lift) writer.Tensor("lift", lift);
        if (Stage != AskAndTellStage.Tell) return;
        MemberResult[] results = [.. told.Values.OrderBy(result => result.Id)];
        writer.Set("toldIds", results.Select(result => result.Id).ToArray());
        writer.Set("toldCrashes", results.Select(result => result.Crash ?? "").ToArray());
        double[] nothing = new double[method.StateDimension];
        double[] states = [.. results.SelectMany(result => result.State ?? nothing)];
        writer.Tensor("told", tensor(states, dtype: ScalarType.Float64).reshape(results.Length, method.StateDimension));
    }
}
