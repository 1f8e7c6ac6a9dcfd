using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Settings of a <see cref="TwinExperiment"/>, with their defaults.</summary>
public sealed record TwinExperimentOptions
{
    /// <summary>Number of independent trajectories that run side by side.</summary>
    public long Batch { get; init; } = 1;

    /// <summary>The number of cycles (default: null, without end).</summary>
    public long? Cycles { get; init; }

    /// <summary>
    /// The network of each cycle by its time, if operator, places or errors change from cycle to cycle (default: null, always the
    /// system's network). The system's network determines the number of observations in the view. No network of a cycle may have more;
    /// what it does not observe is masked.
    /// </summary>
    public Func<double, IObservationNetwork>? NetworkAt { get; init; }

    /// <summary>
    /// The range of observation errors that differ in size from trajectory to trajectory (default: null, the network's errors in all of
    /// them).
    /// </summary>
    public ObservationErrorScale? ErrorScale { get; init; }

    /// <summary>The precision of all columns (default: null, the context's).</summary>
    public ScalarType? Precision { get; init; }

    /// <summary>
    /// The first part of the names of its random streams; two experiments with the same name, seed and settings are the same to the bit.
    /// </summary>
    public string Stream { get; init; } = "twin";
}

/// <summary>
/// A twin experiment that is computed while it is read: a model runs as the truth, with its model error if it has one, and an observation
/// network observes it. Its columns are <see cref="Columns.Truth"/> <c>[n]</c>, <see cref="Columns.Observation"/> <c>[p]</c> and, if
/// observations may be missing, <see cref="Columns.ObservationMask"/> <c>[p]</c>, with <see cref="TwinExperimentOptions.ErrorScale"/>
/// also <see cref="Columns.ObservationErrorScale"/>. Time starts at 0; the first cycle is one interval later.
/// </summary>
public sealed class TwinExperiment : ITrajectoryView
{
    private readonly DataAssimilationContext context;
    private readonly IDynamics dynamics;
    private readonly IObservationNetwork network;
    private readonly IInitialCondition initial;
    private readonly TwinExperimentOptions options;
    private readonly double interval;

    /// <summary>Creates an experiment; nothing is computed before a cursor moves.</summary>
    /// <param name="context">Seed, device and precision.</param>
    /// <param name="system">The true model, its observations and their interval, and where the truths start.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    /// <exception cref="ArgumentException">A count is below one, or the precision is neither single nor double.</exception>
    public TwinExperiment(DataAssimilationContext context, AssimilationSystem system, TwinExperimentOptions? options = null)
    {
        options ??= new TwinExperimentOptions();
        (dynamics, network, initial) = (system.Dynamics, system.Network, system.InitialOrUsual);
        interval = new StepClock(0, dynamics.TimeStep).At(system.Interval);   // an interval of few digits is rounded to whole steps
        Require.AtLeast(options.Batch, 1, "Batch");
        if (options.Cycles is { } cycles) Require.AtLeast(cycles, 1, "Cycles");
        Precision = options.Precision ?? context.Precision;
        if (Precision is not (ScalarType.Float32 or ScalarType.Float64))
            throw new ArgumentException($"The precision must be Float32 or Float64; given: {Precision}.", nameof(options));
        ArgumentException.ThrowIfNullOrWhiteSpace(options.Stream);
        options.ErrorScale?.Checked();

        this.context = context;
        this.options = options;
        long p = network.Operator.ObservationDimension;
        Schema = new TrajectorySchema(options.Batch, new(Columns.Truth, dynamics.Dimension), new(Columns.Observation, p));
        if (options.NetworkAt is not null && options.ErrorScale is not null)
            throw new ArgumentException(
                "A twin experiment has either networks that change or observation errors of several sizes, not both.", nameof(options));
        if (network.HasMask || options.NetworkAt is not null) Schema = Schema.With([new(Columns.ObservationMask, p)]);
        if (options.ErrorScale is not null) Schema = Schema.With([new(Columns.ObservationErrorScale)]);
    }

    /// <inheritdoc/>
    public TrajectorySchema Schema { get; }

    /// <inheritdoc/>
    public long? CycleCount => options.Cycles;

    /// <inheritdoc/>
    public double? StartTime => 0;

    /// <summary>The precision of all columns.</summary>
    public ScalarType Precision { get; }

    /// <inheritdoc/>
    public ITrajectoryCursor OpenCursor() => new Cursor(this);

    private sealed class Cursor(TwinExperiment twin) : TrajectoryCursor(null)
    {
        private readonly RandomStream truthStream = twin.context.Random(twin.options.Stream + "/truth");
        private readonly RandomStream observationStream = twin.context.Random(twin.options.Stream + "/observations");
        private readonly RandomStream? scaleStream = twin.options.ErrorScale is null ? null
            : twin.context.Random(twin.options.Stream + "/error-scale");
        private Tensor? truth, scale;

        private IObservationNetwork? changed;

        public override double Time => At(Cycle);

        public override IObservationNetwork? Network => changed;

        protected override bool Compute(long cycle)
        {
            if (cycle >= twin.CycleCount) return false;
            using var phase = Telemetry.Phase(Telemetry.Data);
            var before = truth ?? Start();
            var now = twin.dynamics.AdvanceWithModelError(before, new TimeInterval(At(cycle - 1), At(cycle)), truthStream);
            if (!FiniteNumbers.All(now))
                throw new DivergenceException($"The truth of the twin experiment '{twin.options.Stream}'", "model's run", cycle, At(cycle),
                    $"the model '{twin.dynamics.Name}' gave values that are not finite for {FiniteNumbers.Lost(now, members: false)}",
                    "Another start or a shorter time step are the usual remedies.");
            truth?.Dispose();
            truth = now.DetachFromDisposeScope();

            changed = twin.options.NetworkAt?.Invoke(At(cycle));
            var observation = changed is null ? twin.network.Observe(now, At(cycle), observationStream)
                : Padded(changed.Observe(now, At(cycle), observationStream));
            if (!FiniteNumbers.All(observation.Values))
                throw new DivergenceException($"The twin experiment '{twin.options.Stream}'", "observation of the truth", cycle, At(cycle),
                    $"the observation operator '{(changed ?? twin.network).Operator.Name}' gave values that are not finite for " +
                        $"{FiniteNumbers.Lost(observation.Values, members: false)}",
                    "The true states are finite; the operator must be defined for all of them.");
            if (twin.options.ErrorScale is { } levels)
            {
                if (scale is null || levels.Draw == ErrorScaleDraw.EachCycle)
                {
                    scale?.Dispose();
                    scale = levels.Sample(twin.options.Batch, scaleStream!, twin.Precision).DetachFromDisposeScope();
                }
                observation = ObservationErrorScale.Apply(observation, scale, now, twin.network.Operator);
                Set(Columns.ObservationErrorScale, scale);
            }
            Set(Columns.Truth, now);
            Set(Columns.Observation, observation.Values, handsOver: true);
            if (observation.Mask is not null) Set(Columns.ObservationMask, observation.Mask, handsOver: true);
            return true;
        }

        protected override void DisposeState()
        {
            truth?.Dispose();
            scale?.Dispose();
            scaleStream?.Dispose();
            truthStream.Dispose();
            observationStream.Dispose();
        }

        // Adds masked zeros behind the observations of the cycle's network.
        private Observation Padded(Observation observation)
        {
            long p = twin.network.Operator.ObservationDimension, missing = p - observation.Values.size(1);
            if (missing < 0)
                throw new ArgumentException(
                    $"The network of the cycle at time {observation.Time:g9} has {observation.Values.size(1)} observations, more than " +
                        $"the {p} of the twin experiment's own.");
            var mask = observation.Mask ?? ones_like(observation.Values, dtype: ScalarType.Bool);
            return new(nn.functional.pad(observation.Values, [0, missing]),
                cat([mask, zeros([mask.size(0), missing], dtype: ScalarType.Bool, device: mask.device)], 1), observation.Time);
        }

        // The time of a cycle, computed so that it does not drift.
        private double At(long cycle) => (cycle + 1) * twin.interval;

        private Tensor Start()
        {
            using var stream = twin.context.Random(twin.options.Stream + "/initial");
            return twin.initial.Draw(twin.options.Batch, stream, twin.Precision);
        }
    }
}
