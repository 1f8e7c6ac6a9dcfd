using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>One run of the model that is asked for: a member's state to be propagated over an interval.</summary>
/// <param name="Id">The run's number, never used again in the same assimilation; what comes back is told under it.</param>
/// <param name="Member">Which member it is, from 0.</param>
/// <param name="Interval">From when to when, in the model's unit of time.</param>
/// <param name="State">The state at the interval's beginning, <c>[n]</c>.</param>
public sealed record MemberRun(long Id, int Member, TimeInterval Interval, IReadOnlyList<double> State)
{
    /// <summary>The state as a tensor <c>[n]</c> in double precision, the caller's.</summary>
    public Tensor ToTensor() => tensor(State.ToArray());
}

/// <summary>What became of a run: the state at the interval's end, or a crash.</summary>
public sealed record MemberResult
{
    private MemberResult(long id, IReadOnlyList<double>? state, string? crash) => (Id, State, Crash) = (id, state, crash);

    /// <summary>The number of the run it belongs to.</summary>
    public long Id { get; }

    /// <summary>The state at the interval's end, <c>[n]</c>; null if the run crashed.</summary>
    public IReadOnlyList<double>? State { get; }

    /// <summary>Why it crashed; null if it did not.</summary>
    public string? Crash { get; }

    /// <summary>The run came to its end.</summary>
    /// <param name="id">The run's number.</param>
    /// <param name="state">The state at the interval's end, <c>[n]</c>; copied.</param>
    public static MemberResult Done(long id, double[] state) => new(id, [.. state], null);

    /// <summary>The run came to its end.</summary>
    /// <param name="id">The run's number.</param>
    /// <param name="state">The state at the interval's end, <c>[n]</c>, on any device and in any precision; copied.</param>
    public static MemberResult Done(long id, Tensor state)
    {
        using var scope = NewDisposeScope();
        return new(id, state.detach().cpu().to_type(ScalarType.Float64).ToArray<double>(), null);
    }

    /// <summary>The run crashed, was lost, or gave what is no state.</summary>
    /// <param name="id">The run's number.</param>
    /// <param name="reason">Why, for the record.</param>
    public static MemberResult Crashed(long id, string reason)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        return new(id, null, reason);
    }
}

/// <summary>A run that crashed, for the record.</summary>
/// <param name="Cycle">The cycle, from 0, to which the run led.</param>
/// <param name="Id">The run's number.</param>
/// <param name="Member">Which member it was.</param>
/// <param name="Reason">Why.</param>
public sealed record MemberCrash(long Cycle, long Id, int Member, string Reason);
