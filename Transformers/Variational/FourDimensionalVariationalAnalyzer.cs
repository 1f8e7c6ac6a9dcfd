using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The observations of a window that 4D-Var uses, if windows overlap.</summary>
public enum WindowObservations
{
    /// <summary>The observations that no earlier analysis has used: each observation counts once, as its error covariance says.</summary>
    New,

    /// <summary>All observations of the window: those it shares with earlier windows count again, although the background already
    /// contains them.</summary>
    All,
}

/// <summary>
/// 4D-Var as the analyzer of a cycle: minimises the cost over the window whenever an analysis is due, with the window's beginning as the
/// background, and runs the model to its end, the present. With <see cref="WindowCycling.Instant"/> it is 3D-Var. If a preconditioning
/// requests it (<see cref="IPreconditioning.HandedOn"/>), it hands vectors of its inner solves on to the next window, in the memory.
/// </summary>
/// <param name="method">The minimisation and its cost function.</param>
/// <param name="observations">The observations to use (default: the new ones).</param>
/// <param name="observer">
/// Called with the full result of every window, whose tensors live until it returns (default: null, none). It is not part of the method,
/// and is not saved with it.
/// </param>
[Component("4d-var")]
public sealed class FourDimensionalVariationalAnalyzer(IWindowMinimisation method, WindowObservations observations = WindowObservations.New,
    [NotSaved] Action<FourDimensionalVariationalResult>? observer = null)
    : IAnalyzer<WindowMemory<StateMemory>>
{
    /// <inheritdoc/>
    public string Name => "4D-Var";

    /// <inheritdoc/>
    public IObservationOperator? Observes => method.Cost.Terms.OfType<ObservationTerm>().FirstOrDefault()?.Operator;

    /// <summary>The minimisation and its cost function.</summary>
    public IWindowMinimisation Method => method;

    /// <summary>The observations that are used.</summary>
    public WindowObservations Observations { get; } = Require.Defined(observations);

    /// <inheritdoc/>
    public WindowMemory<StateMemory> Analyze(WindowMemory<StateMemory> forecast, Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var window = forecast.Remember(observation);
        if (window.IsDue)
        {
            var asked = Window(window);
            var earlier = Earlier(window, asked);
            var result = method.Minimise(asked, earlier: earlier);
            observer?.Invoke(result);
            var handedOn = method.HandedOn([.. earlier, .. result.OuterIterations.Select(outer => outer.Inner)]);
            window = window.Analysed(new(result.Analysis.Values), new(result.End.Values), handedOn);
        }
        return window.Map(tensor => tensor.MoveToOuterDisposeScope());
    }

    // The values that the window before handed on, unless this one has another control vector: a weak constraint's grows with the window.
    private InnerSolution[] Earlier(WindowMemory<StateMemory> memory, AssimilationWindow window) =>
        memory.HandedOn is { } pairs && pairs.Vectors.size(-1) == method.Cost.ControlDimension(window)
            ? [new(method.Cost.Background(window), [], pairs)] : [];

    /// <summary>The window that an analysis minimises over, for minimising it directly with access to the full result.</summary>
    /// <param name="memory">A memory with an observation, for instance a run's forecast after
    /// <see cref="WindowMemory{TInner}.Remember"/>.</param>
    public AssimilationWindow Window(WindowMemory<StateMemory> memory)
    {
        var used = Observations == WindowObservations.All ? memory.Observations : [.. memory.Observations.TakeLast(memory.Unused)];
        double end = memory.Observations.Count > 0 ? memory.Observations[^1].Time : memory.StartTime;
        return new(new State(memory.Start.State), new TimeInterval(memory.StartTime, end), method.Cost.Dynamics.TimeStep, used);
    }

    /// <inheritdoc/>
    /// <remarks>A window holds the observations of several networks; each observation names its own.</remarks>
    public IAnalyzer<WindowMemory<StateMemory>> For(IObservationNetwork network)
    {
        ObservingSystem.Check(network.Operator, network.Error);
        return this;
    }
}
