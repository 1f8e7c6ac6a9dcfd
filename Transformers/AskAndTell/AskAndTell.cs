using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// An ensemble method whose model runs outside the program: <see cref="Ask"/> says which states to propagate over which interval,
/// <see cref="Tell"/> takes the results (in any order, in any number of portions, crashes included), and
/// <see cref="Assimilate(Observation)"/> assimilates the observation. With the same model it gives the numbers of the method's own loop
/// to the bit. One trajectory, one thread. Between any two calls the assimilation can be written to a file and restored in another
/// process.
/// </summary>
public sealed partial class AskAndTell : IDisposable
{
    private readonly SequentialAssimilation<EnsembleMemory> method;
    private readonly AskAndTellOptions options;
    private readonly RandomStream analysing;
    private readonly List<MemberCrash> crashes = [];
    private readonly Dictionary<long, MemberResult> told = [];
    private EnsembleMemory memory;              // the state that the analysis runs start from, then the forecast, then the next analysis
    private IReadOnlyList<MemberRun> asked = [];
    private long nextId;
    private double until;
    private readonly InflationLimit<EnsembleMemory> limit;

    /// <summary>Starts at the method's first ensemble.</summary>
    /// <param name="method">Any method over an ensemble. The source, the analyzer and the procoder of its triple are used; its propagater
    /// is not.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    public AskAndTell(SequentialAssimilation<EnsembleMemory> method, AskAndTellOptions? options = null)
    {
        this.method = method;
        this.options = options ?? new();
        CheckPolicy();
        Time = until = Require.Finite(this.options.StartTime, nameof(this.options.StartTime));
        analysing = method.Random("analyzer");
        using var random = method.Random("source");
        using var noGradients = no_grad();
        memory = Checked(method.Triple.Source.Start(1, random)).Keep();
        limit = new(method.Triple);
    }

    /// <summary>The call it waits for.</summary>
    public AskAndTellStage Stage { get; private set; }

    /// <summary>The time of the ensemble, in the model's unit: the last analysis until all results are told, then the forecast.</summary>
    public double Time { get; private set; }

    /// <summary>The cycle that the runs and the next observation belong to, from 0.</summary>
    public long Cycle { get; private set; }

    /// <summary>The members, <c>[members, n]</c>, a copy that belongs to the caller.</summary>
    public Tensor Members => memory.Members[0].clone();

    /// <summary>The number of members; smaller if crashed ones were dropped.</summary>
    public int MemberCount => (int)memory.Members.size(1);

    /// <summary>The density over states that the ensemble stands for; it lives until the next call.</summary>
    public IDensity Density => method.Triple.Procoder.Decode(memory);

    /// <summary>Runs that were asked for and not yet told; after a restart, the work still to do.</summary>
    public IReadOnlyList<MemberRun> Outstanding => [.. asked.Where(run => !told.ContainsKey(run.Id))];

    /// <summary>All runs that crashed in cycles whose results are all told.</summary>
    public IReadOnlyList<MemberCrash> Crashes => [.. crashes];

    /// <summary>Gets the runs that lead the members to a time.</summary>
    /// <param name="until">The end of the runs, in the model's unit; not before <see cref="Time"/>. At that time itself there is nothing
    /// to run.</param>
    /// <exception cref="InvalidOperationException">Runs that were asked for are outstanding, or the forecast waits for its
    /// observation.</exception>
    /// <exception cref="ArgumentException">The time is not finite or lies before the ensemble's time.</exception>
    public IReadOnlyList<MemberRun> Ask(double until)
    {
        Expect(AskAndTellStage.Ask, nameof(Ask));
        if (!double.IsFinite(until) || until < Time)
            throw new ArgumentException($"{method.Name}: the members are at time {Time:g9}; runs until {until:g9} cannot be asked for.",
                nameof(until));
        this.until = until;
        if (until == Time)
        {
            Stage = AskAndTellStage.Assimilate;
            return [];
        }
        var interval = new TimeInterval(Time, until);
        asked = [.. Rows(memory.Members).Select((state, member) => new MemberRun(nextId + member, member, interval, state))];
        nextId += asked.Count;
        Stage = AskAndTellStage.Tell;
        return asked;
    }

    /// <summary>Takes results, in any order and in any number of portions. A call that is refused changes nothing.</summary>
    /// <param name="results">Results of runs that are <see cref="Outstanding"/>.</param>
    /// <exception cref="InvalidOperationException">Nothing was asked for, or too few members survived for the policy.</exception>
    /// <exception cref="ArgumentException">A run that was not asked for or was already told, a state of another dimension, or a state
    /// that is non-finite.</exception>
    /// <exception cref="MemberCrashException">A run crashed and the policy is <see cref="CrashPolicy.Fail"/>.</exception>
    public void Tell(params IReadOnlyList<MemberResult> results)
    {
        Expect(AskAndTellStage.Tell, nameof(Tell));
        var seen = new HashSet<long>();
        foreach (var result in results) CheckResult(result, seen);
        if (results.FirstOrDefault(result => result.Crash is not null) is { } crashed && options.Crashes is CrashPolicy.Failing)
            throw new MemberCrashException(method.Name, Cycle, crashed.Id, (int)(crashed.Id - asked[0].Id), crashed.Crash!);

        var all = told.Values.Concat(results).ToDictionary(result => result.Id);
        if (all.Count < asked.Count)
        {
            foreach (var result in results) told.Add(result.Id, result);
            return;
        }
        int lost = all.Values.Count(result => result.Crash is not null);
        CrashTreatment.Check(options.Crashes, asked.Count - lost, lost, method.Name);
        Complete(all);
    }

    /// <summary>Assimilates the observation at the time that was asked for.</summary>
    /// <param name="observation">Its values <c>[p]</c> or <c>[1, p]</c>, with a mask if some are missing; a mask that hides all of them
    /// stands for no observation. Its time equals the forecast's within the time tolerance of the method's context.</param>
    /// <returns>The density of the analysis; it lives until the next call.</returns>
    /// <exception cref="InvalidOperationException">There is no forecast: nothing was asked for, or runs are outstanding.</exception>
    /// <exception cref="ArgumentException">A wrong shape or time, or an observed value that is non-finite.</exception>
    /// <exception cref="DivergenceException">The analysis is non-finite, or beyond the method's bound.</exception>
    public IDensity Assimilate(Observation observation)
    {
        Expect(AskAndTellStage.Assimilate, nameof(Assimilate));
        double roundOff = 1e-9 * Math.Max(1, Math.Abs(Time));
        double ofStep = method.Context.Options.TimeTolerance * (method.Triple.Propagater.TimeStep ?? 0);
        if (!(Math.Abs(observation.Time - Time) <= Math.Max(roundOff, ofStep)))
            throw new ArgumentException(
                $"{method.Name}: the forecast is for time {Time:g9}; the observation is of time {observation.Time:g9}.",
                nameof(observation));
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var before = analysing.Capture();
        try
        {
            Replace(Analysed(Prepared(observation)));
        }
        catch
        {
            analysing.Restore(before); // as if it had not been called
            throw;
        }
        Cycle++;
        Stage = AskAndTellStage.Ask;
        return Density;
    }

    /// <summary>Assimilates an observation at the time that was asked for.</summary>
    /// <param name="values">The values of the observation, <c>[p]</c>.</param>
    public IDensity Assimilate(params double[] values)
    {
        using var given = tensor(values);
        return Assimilate(new Observation(given, null, Time));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        memory.Release();
        analysing.Dispose();
        limit.Dispose();
    }

    private void CheckPolicy()
    {
        if (options.Crashes is CrashPolicy.Resampling { Added: { } added } && added.Dimension != method.StateDimension)
            throw new ArgumentException(
                $"{method.Name}: the perturbation of resampled members has dimension {added.Dimension}; a state has " +
                    $"{method.StateDimension}.", nameof(options));
    }

    private void Expect(AskAndTellStage needed, string call)
    {
        if (Stage == needed) return;
        string now = Stage switch
        {
            AskAndTellStage.Ask => $"the ensemble is at time {Time:g9} and no runs are asked for: call {nameof(Ask)}",
            AskAndTellStage.Tell =>
                $"{Outstanding.Count} of {asked.Count} runs are outstanding ({Some(Outstanding.Select(run => run.Id))}): {nameof(Tell)} " +
                    $"their results",
            _ => $"the forecast for time {Time:g9} waits for its observation: call {nameof(Assimilate)}, with a mask where nothing was " +
                $"observed",
        };
        throw new InvalidOperationException($"{method.Name}: {call} is not possible now; {now}.");
    }

    private void CheckResult(MemberResult result, HashSet<long> seen)
    {
        bool known = asked[0].Id <= result.Id && result.Id < asked[0].Id + asked.Count;
        if (!known || told.ContainsKey(result.Id) || !seen.Add(result.Id))
            throw new ArgumentException(
                $"{method.Name}: run {result.Id} {(known ? "was told already" : "was not asked for")}; outstanding are " +
                    $"{Some(Outstanding.Select(run => run.Id))}.");
        if (result.State is not { } state) return;
        if (state.Count != method.StateDimension)
            throw new ArgumentException(
                $"{method.Name}: the result of run {result.Id} has {state.Count} numbers; a state has {method.StateDimension}.");
        for (int i = 0; i < state.Count; i++)
            if (!double.IsFinite(state[i]))
                throw new ArgumentException(
                    $"{method.Name}: component {i} of the result of run {result.Id} is {state[i]}; report a run without a finite state " +
                        "as crashed.");
    }

    private void Complete(Dictionary<long, MemberResult> results)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var random = method.Random($"crashes/{Cycle}");
        double[]?[] states = [.. asked.Select(run => results[run.Id].State?.ToArray())];
        Replace(Checked(
            new EnsembleMemory(CrashTreatment.Ensemble(options.Crashes, states, memory.Members.dtype, memory.Members.device, random))));
        foreach (var run in asked)
            if (results[run.Id].Crash is { } reason) crashes.Add(new MemberCrash(Cycle, run.Id, run.Member, reason));
        asked = [];
        told.Clear();
        Time = until;
        Stage = AskAndTellStage.Assimilate;
    }

    private void Replace(EnsembleMemory next)
    {
        var kept = next.Keep();
        memory.Release();
        memory = kept;
    }

    private EnsembleMemory Analysed(Observation observation)
    {
        EnsembleMemory analysis;
        var analyzer = method.Triple.AnalyzerOf(observation);
        try { analysis = analyzer.Analyze(memory, observation, analysing); }
        catch (Exception failed) when (NonFiniteOrigin.IsNumerical(failed))
        {
            throw NonFiniteOrigin.Analysis(method.Name, analyzer, memory, observation, null, method.StateDimension, Cycle, failed);
        }
        if (!FiniteNumbers.All(analysis.Members))
            throw NonFiniteOrigin.Analysis(method.Name, analyzer, memory, observation, analysis, method.StateDimension, Cycle, null);
        return Checked(limit.Apply(memory, analysis));
    }

    // Stops non-finite numbers and states beyond the method's bound.
    private EnsembleMemory Checked(EnsembleMemory next)
    {
        using var scope = NewDisposeScope();
        Require.Shape(next.Members, $"The ensemble of {method.Name}", 1, ColumnDefinition.AnySize, method.StateDimension);
        double norm = next.Members.mean([1]).square().mean([1]).max().sqrt().ToDouble();
        if (!double.IsFinite(next.Members.sum().ToDouble()) || norm > method.Options.DivergenceBound)
            throw new DivergenceException(method.Name, Cycle, until, norm);
        return next;
    }

    private Observation Prepared(Observation observation)
    {
        long p = observation.Network?.Operator.ObservationDimension ?? method.ObservationDimension;
        Tensor Row(Tensor tensor, string what) => Require.Shape(tensor.ndim == 1 ? tensor.unsqueeze(0) : tensor, what, 1, p);
        var values = Row(observation.Values, $"The observation of {method.Name}").to(memory.Members.dtype, memory.Members.device);
        Tensor? mask = null;
        if (observation.Mask is { } given)
        {
            if (given.dtype != ScalarType.Bool)
                throw new ArgumentException(
                    $"{method.Name}: the mask of an observation must be boolean (true = observed); given: {given.dtype}.");
            mask = Row(given, $"The observation mask of {method.Name}").to(memory.Members.device);
            values = where(mask, values, zeros_like(values));
        }
        return new Observation(Require.Finite(values, $"{method.Name}: the observation of cycle {Cycle} (time {Time:g6})"), mask, Time)
            { Network = observation.Network };
    }

    // Each member's state in double precision, which holds single precision to the bit.
    private static IEnumerable<double[]> Rows(Tensor members)
    {
        using var scope = NewDisposeScope();
        var (here, n) = (members[0].cpu().to_type(ScalarType.Float64).contiguous(), (int)members.size(2));
        double[] values = here.ToArray<double>();
        return values.Chunk(n);
    }

    private static string Some(IEnumerable<long> ids)
    {
        var list = ids.ToList();
        return list.Count == 0 ? "none" : string.Join(", ", list.Take(10)) + (list.Count > 10 ? ", ..." : "");
    }
}
