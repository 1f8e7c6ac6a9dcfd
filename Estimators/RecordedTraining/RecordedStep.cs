using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML;

/// <summary>What an optimiser step gave before the weights move: gradients, clipped, stand in the parameters.</summary>
/// <param name="Analysis">The memory after the last cycle, without its history; fresh tensors.</param>
/// <param name="Diverged">Which trajectories are to be started afresh, <c>[batch]</c>.</param>
/// <param name="Restarts">How many those are.</param>
/// <param name="Loss">The mean cost.</param>
/// <param name="GradientNorm">The gradient's norm before it was clipped.</param>
/// <param name="Data">Finite if truths and observations are.</param>
internal readonly record struct StepOutcome<TMemory>(TMemory Analysis, Tensor Diverged, long Restarts, double Loss, double GradientNorm, double Data);

/// <summary>
/// An optimiser step as work that is recorded once and done again (<see cref="IWorkRecorder"/>): the batch-norm statistics are
/// kept, the cycles unrolled, the way back gone, the gradients clipped. It reads <see cref="GatheredCycles"/> and a memory that
/// stays, and writes gradients, a memory and four numbers that stay, so that a step waits for the device once.
/// </summary>
/// <remarks>
/// The first step is a rehearsal: done in full where it will be recorded. If it fails, draws random numbers or gives no finite
/// loss without the cycles' times, steps stay operator by operator, and <see cref="Execution"/> says why.
/// </remarks>
internal sealed class RecordedStep<TMemory> : IDisposable where TMemory : IMemory<TMemory>
{
    private readonly CycleUnrolling<TMemory> unrolling;
    private readonly Action keepStatistics, restoreStatistics;
    private readonly RandomStream random;
    private readonly double divergedCost, gradientClip;
    private readonly Tensor gradients;      // all parameters', one after the other
    private readonly Tensor report;         // loss, norm, number of diverged trajectories, data
    private readonly Tensor diverged;
    private readonly TMemory before, after;
    private IWorkRecorder? recorder;
    private double[]? intervals;            // those of the recording
    private double start;
    private bool rehearsed, doubtful;

    /// <summary>Makes room for what stays and turns the parameters' gradients into views of one tensor.</summary>
    /// <param name="recorder">Records; it belongs to this object from now on.</param>
    /// <param name="unrolling">The cycles' computation.</param>
    /// <param name="keepStatistics">Keeps what a step that is left out must give back, on the device.</param>
    /// <param name="restoreStatistics">Gives it back.</param>
    /// <param name="parameters">What the gradients are of.</param>
    /// <param name="memory">A memory, for its shapes.</param>
    /// <param name="cycles">Where the cycles are gathered.</param>
    /// <param name="random">What the parts draw from, if they do.</param>
    /// <param name="divergedCost">The cost from which on a trajectory counts as diverged.</param>
    /// <param name="gradientClip">The gradient's largest norm.</param>
    public RecordedStep(IWorkRecorder recorder, CycleUnrolling<TMemory> unrolling, Action keepStatistics, Action restoreStatistics, IReadOnlyList<Parameter> parameters,
        TMemory memory, GatheredCycles cycles, RandomStream random, double divergedCost, double gradientClip)
    {
        (this.recorder, this.unrolling, this.keepStatistics, this.restoreStatistics) = (recorder, unrolling, keepStatistics, restoreStatistics);
        (this.random, this.divergedCost, this.gradientClip, Cycles) = (random, divergedCost, gradientClip, cycles);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var like = parameters[0];
        gradients = zeros(parameters.Sum(parameter => parameter.numel()), dtype: like.dtype, device: like.device).DetachFromDisposeScope();
        long at = 0;
        foreach (var parameter in parameters)
        {
            parameter.grad = gradients.narrow(0, at, parameter.numel()).view(parameter.shape);
            at += parameter.numel();
        }
        before = memory.Map(part => part.clone()).Keep();
        after = memory.Map(part => part.clone()).Keep();
        diverged = zeros(memory.Tensors.First().shape[0], dtype: ScalarType.Bool, device: like.device).DetachFromDisposeScope();
        report = zeros(4, dtype: ScalarType.Float64, device: like.device).DetachFromDisposeScope();
    }

    /// <summary>The cycles of the step to come.</summary>
    public GatheredCycles Cycles { get; }

    /// <summary>Whether steps may still be done this way.</summary>
    public bool Serves => recorder is not null;

    /// <summary>How steps are carried out, in words.</summary>
    public string Execution { get; private set; } = "operator by operator, to be recorded";

    /// <summary>The step over the gathered cycles; null where it has to be done operator by operator, with everything as it was.</summary>
    /// <param name="memory">The memory before the first cycle.</param>
    /// <param name="time">Its time.</param>
    public StepOutcome<TMemory>? Take(TMemory memory, double time)
    {
        double[] now = Cycles.Intervals(time);
        if (intervals is not null && !Same(now, intervals)) return null;
        using (no_grad()) Copy(memory, before);
        start = time;
        if (!rehearsed) return Rehearse();
        if (intervals is null)
        {
            try { recorder!.Record(Work); }
            catch (Exception failed) when (failed is not OutOfMemoryException)
            {
                Refuse(failed.Message.ReplaceLineEndings(" "));
                return null;
            }
            intervals = now;
            Execution = "recorded, and done again as one";
        }
        using var phase = Telemetry.Phase(Telemetry.RecordedStep);
        recorder!.Replay();
        return Outcome();
    }

    /// <summary>Tells it whether the step that it gave back was finite when it was done operator by operator.</summary>
    public void Explain(bool finite)
    {
        if (doubtful && finite) Refuse("without the cycles' times the loss is not finite");
        doubtful = false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        recorder?.Dispose();
        Cycles.Dispose();
        gradients.Dispose();
        report.Dispose();
        diverged.Dispose();
        before.Release();
        after.Release();
    }

    private StepOutcome<TMemory>? Rehearse()
    {
        using var drawn = random.Capture();
        try { recorder!.Rehearse(Work); }
        catch (Exception failed) when (failed is not OutOfMemoryException)
        {
            Undo(drawn);
            Refuse(failed.Message.ReplaceLineEndings(" "));
            return null;
        }
        var outcome = Outcome();
        rehearsed = double.IsFinite(outcome.Loss) && double.IsFinite(outcome.GradientNorm);
        doubtful = !rehearsed;
        if (doubtful) Undo(drawn);
        else
        {
            using var now = random.Capture();
            if (!now.equal(drawn).all().ToBoolean()) Refuse("random numbers are drawn in a step");
        }
        return rehearsed ? outcome : null;
    }

    private void Undo(Tensor drawn)
    {
        random.Restore(drawn);
        restoreStatistics();
    }

    // Everything between the cycles' data and the optimiser; all that lasts is written into what stays.
    private void Work()
    {
        using var scope = NewDisposeScope();
        using (no_grad())
        {
            keepStatistics();
            gradients.zero_();
        }
        var unrolled = unrolling.Unchecked(Cycles, before, start);
        using (Telemetry.Phase(Telemetry.Backward)) unrolled.Loss.backward();
        using var phase = Telemetry.Phase(Telemetry.Optimiser);
        using var noGradients = no_grad();
        // In double precision, as where operators are called one by one: a sum of many squares loses digits.
        var norm = gradients.to(ScalarType.Float64).square().sum().sqrt();
        gradients.mul_((gradientClip / (norm + 1e-6)).clamp_max(1));
        diverged.copy_((unrolled.LastCost < divergedCost).logical_not());   // a cost that is not a number is not below
        Copy(unrolled.Analysis.Detach(), after);
        report.copy_(stack([unrolled.Loss.detach().to(ScalarType.Float64), norm, diverged.sum().to(ScalarType.Float64), unrolled.Data]));
    }

    private StepOutcome<TMemory> Outcome()
    {
        using var noGradients = no_grad();
        double[] numbers = report.cpu().data<double>().ToArray();
        return new(after.Map(part => part.clone()), diverged.clone(), (long)numbers[2], numbers[0], numbers[1], numbers[3]);
    }

    private static bool Same(double[] given, double[] recorded) =>
        given.Zip(recorded, (one, other) => Math.Abs(one - other) <= 1e-6 * Math.Abs(other)).All(same => same);

    private void Refuse(string reason)
    {
        recorder?.Dispose();
        recorder = null;
        Execution = $"operator by operator: {reason}";
    }

    private static void Copy(TMemory from, TMemory to)
    {
        using var target = to.Tensors.GetEnumerator();
        foreach (var part in from.Tensors)
        {
            target.MoveNext();
            target.Current.copy_(part);
        }
    }
}
