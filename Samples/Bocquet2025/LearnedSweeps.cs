namespace DaML.Samples;

/// <summary>
/// The networks along both sweeps. In the quick size the first of each method is trained from drawn weights and the others
/// begin with the weights of their neighbour, which makes a sweep affordable in minutes; the paper trains each by itself.
/// </summary>
internal static class LearnedSweeps
{
    // Twice the filters and N_iter, over a quarter of the batch.
    private const double BoostedCost = 4;

    /// <summary>The trainings along the sweep of the update step; increments are diagnosed for the casual network.</summary>
    public static IEnumerable<LearnedRequest> AlongUpdateStep(Bocquet2025Plan plan, Sweep sweep)
    {
        foreach (var (method, intervals) in LearnedMethod.AlongUpdateStep(plan))
            foreach (var request in Chain(plan, sweep, method, intervals, null))
                yield return method.Name switch
                {
                    LearnedMethod.Casual =>
                        request with
                            { Diagnose = (run, setting, learned) =>
                                Diagnose(plan, run, setting, learned,
                                    isReference: request.Part == sweep.Part(plan.Intervals[0], method.Name)) },
                    LearnedMethod.Boosted =>
                        request with { Truncation = plan.BoostedTruncation, Batch = plan.BoostedBatch, Cost = BoostedCost },
                    LearnedMethod.InnovationLinear => request with { Cost = plan.InnovationLinearCost },
                    _ => request,
                };
    }

    /// <summary>The trainings along the sweep of the forcing, down and up from that of the sweep of the update step.</summary>
    /// <param name="plan">Sizes.</param>
    /// <param name="sweep">The sweep.</param>
    /// <param name="middle">The part that trained the network for the plan's forcing.</param>
    public static IEnumerable<LearnedRequest> AlongForcing(Bocquet2025Plan plan, Sweep sweep, string middle)
    {
        var method = LearnedMethod.Convolution(LearnedMethod.Casual, plan.Network);
        return Chain(plan, sweep, method, plan.Forcings.Where(forcing => forcing < plan.Forcing).OrderDescending(), middle)
            .Concat(Chain(plan, sweep, method, plan.Forcings.Where(forcing => forcing > plan.Forcing).Order(), middle));
    }

    // The reference is also the first case of the gain patterns.
    private static Dictionary<string, double[]> Diagnose(Bocquet2025Plan plan, PartRun run, TwinSetting setting,
        SequentialAssimilation<StateMemory> learned, bool isReference)
    {
        var figures = new Dictionary<string, double[]>(IncrementDiagnostics.Measure(plan, run, setting, learned));
        if (isReference)
            foreach (var (key, values) in GainPatterns.Measure(plan, run, setting, learned, compare: true)) figures.Add(key, values);
        return figures;
    }

    private static IEnumerable<LearnedRequest> Chain(Bocquet2025Plan plan, Sweep sweep, LearnedMethod method, IEnumerable<double> values,
        string? before)
    {
        foreach (double value in values)
        {
            string part = sweep.Part(value, method.Name);
            long truncation = plan.Truncation(sweep.Varies == Varied.UpdateStep ? value : sweep.Held);
            yield return new LearnedRequest(part, method, context => sweep.Setting(context, value), truncation)
                { WarmStart = plan.WarmStarts ? before : null };
            before = part;
        }
    }
}
