using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A window of time as the memory of a smoother: the memory at its beginning, the memory at its end, and the observations between. An
/// analyzer corrects the beginning with the observations and runs the model to the end, the present:
/// <code>
/// var window = forecast.Remember(observation);   // the newest observation is in the window
/// if (!window.IsDue) return window;              // no analysis in this cycle
/// ... correct window.Start with window.Observations, whose last window.Unused are new ...
/// return window.Analysed(start, current);
/// </code>
/// It is immutable; its methods return fresh tensors (aliases where nothing changed).
/// </summary>
/// <typeparam name="TInner">The memory at one time: an ensemble, a state.</typeparam>
public sealed record WindowMemory<TInner> : IMemory<WindowMemory<TInner>>, IHandsOn<WindowMemory<TInner>>,
    IArrangedMemory<WindowMemory<TInner>> where TInner : IMemory<TInner>
{
    /// <summary>A window without observations: it begins at its end, at a time that its first use gives.</summary>
    /// <param name="start">The memory, which stays the caller's; both ends are aliases of it.</param>
    /// <param name="cycling">The sequence of windows.</param>
    public WindowMemory(TInner start, WindowCycling cycling)
    {
        Start = Alias(start);
        Current = Alias(start);
        Cycling = cycling;
    }

    /// <summary>The memory at the window's beginning.</summary>
    public TInner Start { get; private init; }

    /// <summary>
    /// The memory at the present time, the window's end: the model's run from <see cref="Start"/>, unless an analyzer sets it.
    /// </summary>
    public TInner Current { get; private init; }

    /// <summary>The sequence of windows.</summary>
    public WindowCycling Cycling { get; }

    /// <summary>
    /// The observations in the window, in order of time, each with its mask and time (not before <see cref="StartTime"/>).
    /// </summary>
    public IReadOnlyList<Observation> Observations { get; private init; } = [];

    /// <summary>The number of the newest <see cref="Observations"/> that no analysis has used yet.</summary>
    public int Unused { get; private init; }

    /// <summary>
    /// Eigenvectors that the latest analysis hands on to the next, for a variational method that uses them as a preconditioner
    /// (<see cref="IPreconditioning.HandedOn"/>); null for none.
    /// </summary>
    public RitzPairs? HandedOn { get; private init; }

    /// <summary>Whether an analysis is due: the number of unused observations equals the shift of the window.</summary>
    public bool IsDue => Unused >= Cycling.Shift;

    /// <summary>The time of <see cref="Start"/>, in the model's unit of time.</summary>
    /// <exception cref="InvalidOperationException">The memory comes from a source and was neither propagated nor given an
    /// observation.</exception>
    public double StartTime =>
        Beginning ?? throw new InvalidOperationException("A window has a time only after it was propagated or given an observation.");

    /// <summary>
    /// The intervals of model runs that pass all observations: from the beginning to the first, from there to the second, ... Some may
    /// have zero length.
    /// </summary>
    public IEnumerable<TimeInterval> Intervals =>
        Observations.Select((observation, i) => new TimeInterval(i == 0 ? StartTime : Observations[i - 1].Time, observation.Time));

    private double? Beginning { get; init; }

    /// <inheritdoc/>
    public IEnumerable<Tensor> Tensors => Start.Tensors.Concat(Current.Tensors).Concat(Observations.SelectMany<Observation, Tensor>(
        observation => observation.Mask is null ? [observation.Values] : [observation.Values, observation.Mask]))
        .Concat(HandedOn is { } pairs ? [pairs.Values, pairs.Vectors, pairs.Residuals, pairs.Known] : []);

    /// <inheritdoc/>
    /// <remarks>The function also receives boolean tensors, such as the observations' masks, and must leave them boolean.</remarks>
    public WindowMemory<TInner> Map(Func<Tensor, Tensor> function) => this with
    {
        Start = Start.Map(function),
        Current = Current.Map(function),
        Observations = [.. Observations.Select(observation => Map(observation, function))],
        HandedOn = HandedOn?.Map(function),
    };

    WindowMemory<TInner> IHandsOn<WindowMemory<TInner>>.Without(Tensor rows) => HandedOn is null ? this
        : this with { HandedOn = HandedOn.Only(rows.logical_not().unsqueeze(-1)) };

    /// <summary>Gives the window with one more observation, at the present time.</summary>
    /// <param name="observation">The observation; it stays the caller's.</param>
    /// <exception cref="ArgumentException">The observation is older than the window's last one or than its beginning.</exception>
    public WindowMemory<TInner> Remember(Observation observation)
    {
        double last = Observations.Count > 0 ? Observations[^1].Time : Beginning ?? observation.Time;
        if (!(observation.Time >= last))
            throw new ArgumentException(
                $"An observation at time {observation.Time:g9} comes too late: the window has already reached {last:g9}.",
                nameof(observation));
        var window = Map(tensor => tensor.alias());
        return window with
        {
            Beginning = Beginning ?? observation.Time,
            Observations = [.. window.Observations, Map(observation, tensor => tensor.alias())],
            Unused = Unused + 1,
        };
    }

    /// <summary>Gives the window after an analysis, with new ends and no unused observation.</summary>
    /// <param name="start">The analysis at the window's beginning; it stays the caller's.</param>
    /// <param name="current">The analysis at the present time; it stays the caller's.</param>
    /// <param name="handedOn">The values that the next analysis gets from this one, without their products; it stays the caller's
    /// (default: none).</param>
    /// <exception cref="ArgumentException">The handed-on values belong to another batch.</exception>
    public WindowMemory<TInner> Analysed(TInner start, TInner current, RitzPairs? handedOn = null)
    {
        if (handedOn is not null)
            Require.Shape(handedOn.Vectors, "The eigenvectors that an analysis passes on", start.Tensors.First().size(0),
                ColumnDefinition.AnySize,
                ColumnDefinition.AnySize);
        var kept = Observations.Select(observation => Map(observation, tensor => tensor.alias()));
        return this with
            { Start = Alias(start), Current = Alias(current), Observations = [.. kept], Unused = 0, HandedOn = Alias(handedOn) };
    }

    /// <summary>
    /// The number of cycles that leave the window before the next one: none while an analysis is outstanding, otherwise as many as do not
    /// fit together with the cycles of the next analysis.
    /// </summary>
    internal int Leaving => Unused > 0 ? 0 : Math.Clamp(Observations.Count + Cycling.Shift - Cycling.Length, 0, Observations.Count);

    /// <summary>Gives the window at a later time, with another beginning and without the observations before that.</summary>
    internal WindowMemory<TInner> Moved(TInner start, double startTime, TInner current, int leaving)
    {
        var kept = Observations.Skip(leaving).Select(observation => Map(observation, tensor => tensor.alias()));
        return this with
            { Start = Alias(start), Beginning = startTime, Current = Alias(current), Observations = [.. kept], HandedOn = Alias(HandedOn) };
    }

    /// <summary><see cref="StartTime"/>, or the time at which the window is first used.</summary>
    internal double StartTimeOr(double now) => Beginning ?? now;

    void IArrangedMemory<WindowMemory<TInner>>.SaveArrangement(ComponentWriter writer)
    {
        if (Observations.Any(observation => observation.Network is not null || observation.ErrorScale is not null))
            throw new NotSupportedException(
                "A window whose observations have networks or error scales of their own cannot be written to a checkpoint.");
        writer.Set("windowBegins", Beginning is not null);
        writer.Set("windowBeginning", Beginning ?? 0);
        writer.Set("windowUnused", Unused);
        writer.Set("windowTimes", Observations.Select(observation => observation.Time).ToArray());
        writer.Set("windowObservations", Observations.Select(observation => observation.Values.size(1)).ToArray());
        writer.Set("windowMasks", Observations.Select(observation => observation.Mask is not null).ToArray());
        writer.Set("windowPairs", HandedOn?.Values.size(1) ?? 0);
        writer.Set("windowControl", HandedOn?.Vectors.size(2) ?? 0);
    }

    WindowMemory<TInner> IArrangedMemory<WindowMemory<TInner>>.Arranged(ComponentReader reader)
    {
        double[] times = reader.Get<double[]>("windowTimes");
        long[] sizes = reader.Get<long[]>("windowObservations");
        bool[] masks = reader.Get<bool[]>("windowMasks");
        long pairs = reader.Get<long>("windowPairs"), control = reader.Get<long>("windowControl");
        int unused = reader.Count("windowUnused", times.Length);
        if (sizes.Length != times.Length || masks.Length != times.Length || times.Length > Math.Max(1, Cycling.Length) + Cycling.Shift
            || sizes.Any(size => size is < 1 or > int.MaxValue) || pairs is < 0 or > int.MaxValue || control is < 0 or > int.MaxValue)
            throw new ModelArchiveException(
                $"The checkpoint describes a window of {times.Length} cycles that is none of this method's, of {Cycling.Length}.");
        var like = Start.Tensors.First();
        long batch = like.size(0);
        // As large as one number: sizes are compared, and a file must not cost memory before its tensors are seen.
        Tensor Of(ScalarType type, params long[] shape) => zeros(1, dtype: type, device: like.device).expand(shape);
        return this with
        {
            Beginning = reader.Get<bool>("windowBegins") ? reader.Get<double>("windowBeginning") : null,
            Unused = unused,
            Observations = [.. times.Select((time, i) => new Observation(Of(like.dtype, batch, sizes[i]),
                masks[i] ? Of(ScalarType.Bool, batch, sizes[i]) : null, time))],
            HandedOn = pairs == 0 ? null : new RitzPairs(Of(like.dtype, batch, pairs), Of(like.dtype, batch, pairs, control),
                Of(like.dtype, batch, pairs), Of(ScalarType.Bool, batch, pairs)),
        };
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"window of {Observations.Count} cycles, {Unused} of them unused, from time {(Beginning is { } time ? $"{time:g9}" : "unknown")}";

    private static RitzPairs? Alias(RitzPairs? pairs) =>
        pairs is null ? null : (pairs with { Products = null }).Map(tensor => tensor.alias());

    private static TInner Alias(TInner memory) => memory.Map(tensor => tensor.alias());

    private static Observation Map(Observation observation, Func<Tensor, Tensor> function) =>
        observation with { Values = function(observation.Values), Mask = observation.Mask is null ? null : function(observation.Mask) };
}
