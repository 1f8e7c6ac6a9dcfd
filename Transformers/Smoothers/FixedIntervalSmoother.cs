using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A fixed-interval smoother: a filter forward over a view that ends, then backward from its last cycle, so that every cycle's estimate
/// uses all observations, earlier and later. It adds the filter's columns, and <see cref="Columns.Smoothed"/> and
/// <see cref="Columns.SmoothedSpread"/>. The last cycle's smoothed estimate is its analysis.
/// </summary>
/// <remarks>
/// A cursor runs the filter twice: over the whole view when it is first moved, and again along with its output. It keeps the analyses and
/// forecasts of all cycles; for a Kalman filter these are two matrices per cycle.
/// </remarks>
/// <typeparam name="TMemory">The filter's memory.</typeparam>
[Component("fixed-interval-smoother", 2)]
public sealed class FixedIntervalSmoother<TMemory> : ITransformer where TMemory : IMemory<TMemory>
{
    private readonly SequentialAssimilation<TMemory> filter;
    private readonly IBackwardStep<TMemory> step;

    /// <summary>Makes a smoother.</summary>
    /// <param name="name">The method's name in messages and tables.</param>
    /// <param name="filter">The filter; its procoder has a spread.</param>
    /// <param name="step">The backward step.</param>
    /// <param name="method">The method's settings (default: null, the smoother is made of its parts alone).</param>
    public FixedIntervalSmoother(string name, SequentialAssimilation<TMemory> filter, IBackwardStep<TMemory> step,
        [NotSaved] AssimilationMethod? method = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        (Name, this.filter, this.step, Method) = (name, filter, step, method);
        Contract = new SchemaContract(filter.Contract.Requires,
            [.. filter.Contract.Adds, new(Columns.Smoothed, filter.StateDimension), new(Columns.SmoothedSpread, filter.StateDimension)]);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <summary>
    /// The record that it was made of, also after it was saved and read; null if it was made of its parts. A record with a part that is no
    /// component is not written, and files before version 2 of this kind have none.
    /// </summary>
    public AssimilationMethod? Method { get; private init; }

    // The record, if files can hold it.
    [Saved("method", Since = 2)]
    private AssimilationMethod? WrittenMethod
    {
        get => Method is { } method && ModelArchive.CanHold(method) ? method : null;
        init => Method = value;
    }

    /// <summary>The filter of the forward pass.</summary>
    public SequentialAssimilation<TMemory> Filter => filter;

    /// <inheritdoc/>
    public TrajectorySchema GetOutputSchema(TrajectorySchema input)
    {
        filter.GetOutputSchema(input);
        return Contract.Apply(input, Name);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The view never ends.</exception>
    public ITrajectoryView Transform(ITrajectoryView input)
    {
        if (input.CycleCount is null)
            throw new ArgumentException(
                $"{Name} starts from the last cycle of a view, and this view is endless; take a number of its cycles first.",
                nameof(input));
        return new TrajectoryView(GetOutputSchema(input.Schema), input, source => new Cursor(this, input, source));
    }

    // The smoothed memories of all cycles, in order of time.
    private List<TMemory> Smooth(ITrajectoryView view)
    {
        var passed = new List<(TMemory Forecast, TMemory Analysis, double Time)>();
        var smoothed = new List<TMemory>();
        try
        {
            // The times of the model's steps, which divide the backward pass.
            using (var run = filter.Run(StepClock.Align(view, filter.Triple.Propagater.TimeStep, filter.Context.Options.TimeTolerance)))
                while (run.MoveNext()) passed.Add((Copy(run.Forecast), Copy(run.Analysis), run.Time));
            if (passed.Count == 0) return smoothed;
            smoothed.Add(Copy(passed[^1].Analysis));
            for (int k = passed.Count - 2; k >= 0; k--)
            {
                using var scope = NewDisposeScope();
                var interval = new TimeInterval(passed[k].Time, passed[k + 1].Time);
                var back = interval.Length == 0 ? smoothed[^1].Map(tensor => tensor.alias())
                    : step.Back(passed[k].Analysis, passed[k + 1].Forecast, smoothed[^1], interval);
                foreach (var tensor in back.Tensors)
                    if (!FiniteNumbers.All(tensor)) throw new DivergenceException($"{Name}, going back,", k, passed[k].Time, double.NaN);
                smoothed.Add(back.Keep());
            }
            smoothed.Reverse();
            return smoothed;
        }
        catch
        {
            foreach (var memory in smoothed) memory.Release();
            throw;
        }
        finally
        {
            foreach (var (forecast, analysis, _) in passed)
            {
                forecast.Release();
                analysis.Release();
            }
        }
    }

    private static TMemory Copy(TMemory memory) => memory.Map(tensor => tensor.clone()).Keep();

    // The filter's own run once more, with the smoothed memories.
    private sealed class Cursor(FixedIntervalSmoother<TMemory> smoother, ITrajectoryView view, ITrajectoryCursor source)
        : TrajectoryCursor(new AssimilationRun<TMemory>(smoother.filter, view, source))
    {
        private List<TMemory>? smoothed;

        protected override bool Compute(long cycle)
        {
            smoothed ??= smoother.Smooth(view);
            var density = smoother.filter.Triple.Procoder.Decode(smoothed[(int)cycle]);
            Set(Columns.Smoothed, density.Mean);
            Set(Columns.SmoothedSpread, density.StandardDeviation);
            return true;
        }

        protected override void DisposeState()
        {
            foreach (var memory in smoothed ?? []) memory.Release();
        }
    }
}
