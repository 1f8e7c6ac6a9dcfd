namespace DaML.Samples;

/// <summary>
/// The networks along both sweeps. The first is trained from drawn weights, the others begin with the weights of their
/// neighbour, which makes a sweep affordable in minutes; the paper trains each by itself.
/// </summary>
internal static class LearnedSweeps
{
    /// <summary>The trainings along the sweep of the update step.</summary>
    public static IEnumerable<LearnedRequest> AlongUpdateStep(Bocquet2025Plan plan, Sweep sweep) =>
        Chain(plan, sweep, LearnedMethod.Convolution(LearnedMethod.Casual, plan.Network), plan.Intervals, null);

    /// <summary>The trainings along the sweep of the forcing, down and up from that of the sweep of the update step.</summary>
    /// <param name="plan">Sizes.</param>
    /// <param name="sweep">The sweep.</param>
    /// <param name="middle">The part that trained the network for the plan's forcing.</param>
    public static IEnumerable<LearnedRequest> AlongForcing(Bocquet2025Plan plan, Sweep sweep, string middle)
    {
        var method = LearnedMethod.Convolution(LearnedMethod.Casual, plan.Network);
        return Chain(plan, sweep, method, [.. plan.Forcings.Where(forcing => forcing < plan.Forcing).OrderDescending()], middle)
            .Concat(Chain(plan, sweep, method, [.. plan.Forcings.Where(forcing => forcing > plan.Forcing).Order()], middle));
    }

    private static IEnumerable<LearnedRequest> Chain(Bocquet2025Plan plan, Sweep sweep, LearnedMethod method, IReadOnlyList<double> values, string? before)
    {
        foreach (double value in values)
        {
            string part = sweep.Part(value, method.Name);
            double interval = sweep.Varies == Varied.UpdateStep ? value : plan.Intervals[0];
            yield return new LearnedRequest(part, method, context => sweep.Setting(context, value), plan.Truncation(interval)) { WarmStart = before };
            before = part;
        }
    }
}
