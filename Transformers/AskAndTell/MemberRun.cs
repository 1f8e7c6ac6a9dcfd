using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A requested run of the model: a member's state to be propagated over an interval.</summary>
/// <param name="Id">The run's number, never used again in the same assimilation; its result is told under this number.</param>
/// <param name="Member">The member's number, from 0.</param>
/// <param name="Interval">The interval of the run, in the model's unit of time.</param>
/// <param name="State">The state at the interval's beginning, <c>[n]</c>.</param>
public sealed record MemberRun(long Id, int Member, TimeInterval Interval, IReadOnlyList<double> State)
{
    /// <summary>The state as a tensor <c>[n]</c> in double precision, which belongs to the caller.</summary>
    public Tensor ToTensor() => tensor(State.ToArray());
}

/// <summary>The result of a run: the state at the interval's end, or a crash.</summary>
public sealed record MemberResult
{
    private MemberResult(long id, IReadOnlyList<double>? state, string? crash) => (Id, State, Crash) = (id, state, crash);

    /// <summary>The run's number.</summary>
    public long Id { get; }

    /// <summary>The state at the interval's end, <c>[n]</c>; null if the run crashed.</summary>
    public IReadOnlyList<double>? State { get; }

    /// <summary>The reason for the crash; null if the run did not crash.</summary>
    public string? Crash { get; }

    /// <summary>Makes the result of a run that finished.</summary>
    /// <param name="id">The run's number.</param>
    /// <param name="state">The state at the interval's end, <c>[n]</c>; copied.</param>
    public static MemberResult Done(long id, double[] state) => new(id, [.. state], null);

    /// <summary>Makes the result of a run that finished.</summary>
    /// <param name="id">The run's number.</param>
    /// <param name="state">The state at the interval's end, <c>[n]</c>, on any device and in any precision; copied.</param>
    public static MemberResult Done(long id, Tensor state)
    {
        using var scope = NewDisposeScope();
        return new(id, state.detach().cpu().to_type(ScalarType.Float64).ToArray<double>(), null);
    }

    /// <summary>Makes the result of a run that crashed, was lost, or gave no valid state.</summary>
    /// <param name="id">The run's number.</param>
    /// <param name="reason">The reason, for the record.</param>
    public static MemberResult Crashed(long id, string reason)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        return new(id, null, reason);
    }
}

/// <summary>A run that crashed, for the record.</summary>
/// <param name="Cycle">The cycle, from 0, at which the run ended.</param>
/// <param name="Id">The run's number.</param>
/// <param name="Member">The member's number.</param>
/// <param name="Reason">The reason for the crash.</param>
public sealed record MemberCrash(long Cycle, long Id, int Member, string Reason);
