using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Settings of the sequence of states of linearisation that a preconditioner learns from.</summary>
public sealed record OnlineWindowOptions
{
    /// <summary>The number of states in a batch, each on its own trajectory, at least 1 (default: 8).</summary>
    public long Batch { get; init; } = 8;

    /// <summary>The spin-up of trajectories before the first batch, in the model's units of time (default: 0).</summary>
    public double SpinUp { get; init; }

    /// <summary>The shortest time from one batch to the next, in the model's units; above zero.</summary>
    public required double ShortestLead { get; init; }

    /// <summary>The longest time from one batch to the next, in the model's units.</summary>
    public required double LongestLead { get; init; }

    /// <summary>
    /// The distribution of the random change of a state before it is advanced (default: null, none). If the model settles to a steady
    /// state, as a calm flow does, this change keeps the states apart.
    /// </summary>
    public IErrorCovariance? Perturbation { get; init; }

    internal OnlineWindowOptions Checked()
    {
        Require.AtLeast(Batch, 1);
        Require.NotNegative(SpinUp);
        Require.Positive(ShortestLead);
        if (!double.IsFinite(LongestLead) || LongestLead < ShortestLead)
            throw new ArgumentException(
                $"'{nameof(LongestLead)}' must be at least '{nameof(ShortestLead)}' = {ShortestLead:g6}; given: {LongestLead}.");
        return this;
    }
}

/// <summary>
/// An endless sequence of states of linearisation, none of which are stored (Trappler and Vidard, algorithm 2.1): each follows from the
/// one before by a small random change and a run of the model over a random time, and a window is made at it.
/// </summary>
/// <param name="dynamics">The model.</param>
/// <param name="start">The start of the trajectories, before the spin-up.</param>
/// <param name="window">Makes the window that begins at some states: its times and its observations (only masks and errors count, since a
/// Gauss-Newton matrix does not depend on the values). It draws from the stream that it receives.</param>
/// <param name="options">Settings.</param>
public sealed class OnlineWindows(IDynamics dynamics, IInitialCondition start, Func<State, RandomStream, AssimilationWindow> window,
    OnlineWindowOptions options)
{
    /// <summary>Settings.</summary>
    public OnlineWindowOptions Options { get; } = options.Checked();

    /// <summary>The model.</summary>
    public IDynamics Dynamics => dynamics;

    /// <summary>Opens a sequence of windows, which is determined by the stream's seed and name.</summary>
    /// <param name="random">The stream that it draws from; it must live as long as the sequence.</param>
    /// <param name="precision">The precision of the states.</param>
    public OnlineWindowSequence Open(RandomStream random, ScalarType precision) => new(dynamics, start, window, Options, random, precision);
}

/// <summary>A sequence of windows at successive states; see <see cref="OnlineWindows"/>.</summary>
public sealed class OnlineWindowSequence : IDisposable
{
    private readonly IDynamics dynamics;
    private readonly Func<State, RandomStream, AssimilationWindow> window;
    private readonly OnlineWindowOptions options;
    private readonly RandomStream random;
    private Tensor states;
    private bool fresh = true;

    internal OnlineWindowSequence(IDynamics dynamics, IInitialCondition start, Func<State, RandomStream, AssimilationWindow> window,
        OnlineWindowOptions options, RandomStream random,
        ScalarType precision)
    {
        (this.dynamics, this.window, this.options, this.random) = (dynamics, window, options, random);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var drawn = start.Draw(options.Batch, random, precision);
        long steps = (long)Math.Round(options.SpinUp / dynamics.TimeStep);
        states = (steps == 0 ? drawn : dynamics.Advance(drawn, new TimeInterval(0, steps * dynamics.TimeStep))).DetachFromDisposeScope();
    }

    /// <summary>Gives the next window, whose background is the next states; it belongs to the caller's dispose scope.</summary>
    public AssimilationWindow Next()
    {
        using var noGradients = no_grad();
        if (!fresh) Advance();
        fresh = false;
        return window(new State(states.clone()), random);
    }

    /// <summary>Releases the states.</summary>
    public void Dispose() => states.Dispose();

    internal void Save(ComponentWriter writer)
    {
        writer.Set("fresh", fresh);
        writer.Tensor("states", states);
        writer.Stream("random", random);
    }

    internal void Load(ComponentReader reader)
    {
        fresh = reader.Get<bool>("fresh");
        var saved = reader.Tensor("states").DetachFromDisposeScope();
        states.Dispose();
        states = saved;
        reader.Stream("random", random);
    }

    // x_{i+1}, algorithm 2.1; the batch shares its lead time.
    private void Advance()
    {
        using var scope = NewDisposeScope();
        double step = dynamics.TimeStep,
            lead = options.ShortestLead + (options.LongestLead - options.ShortestLead) * random.Uniform([], ScalarType.Float64).ToDouble();
        var from = options.Perturbation is { } change ? states + change.Sample([states.size(0)], random, states.dtype) : states;
        var next = dynamics.Advance(from, new TimeInterval(0, Math.Max(1, Math.Round(lead / step)) * step)).DetachFromDisposeScope();
        states.Dispose();
        states = next;
    }
}
