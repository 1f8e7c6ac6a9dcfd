namespace DaML.Components;

/// <summary>A member's run crashed, and the policy is to fail.</summary>
/// <param name="method">The method.</param>
/// <param name="cycle">The cycle, from 0.</param>
/// <param name="id">The run's number.</param>
/// <param name="member">The member's number.</param>
/// <param name="reason">The reason for the crash.</param>
public sealed class MemberCrashException(string method, long cycle, long id, int member, string reason)
    : InvalidOperationException(
        $"{method}: run {id} (member {member}, cycle {cycle}) crashed: {reason}. It is still outstanding: run it again, or choose a " +
            $"policy that goes on without it ({nameof(CrashPolicy)}.{nameof(CrashPolicy.Resample)} or " +
                                    $"{nameof(CrashPolicy)}.{nameof(CrashPolicy.Drop)}).")
{
    /// <summary>The cycle, from 0.</summary>
    public long Cycle { get; } = cycle;

    /// <summary>The run's number.</summary>
    public long Id { get; } = id;

    /// <summary>The member's number.</summary>
    public int Member { get; } = member;
}
