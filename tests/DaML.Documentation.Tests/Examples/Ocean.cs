using TorchSharp;

namespace DaML.Tests;

/// <summary>
/// The example of docs/ask-and-tell.md: a model outside of the program, here one that crashes once.
/// </summary>
public static class Ocean
{
    /// <summary>Runs it.</summary>
    /// <returns>How many members crashed, and the analysis error.</returns>
    public static (int Crashed, double Error) Run()
    {
        var context = new DataAssimilationContext(seed: 1);
        var model = new Lorenz96();
        var network = ObservationNetwork.Full(model.Dimension);
        var start = new GaussianInitialCondition(TorchSharp.torch.full(40, 2.0), ErrorCovariance.Scalar(40, 4));
        var system = new AssimilationSystem(model, network) { Initial = start };
        using var twin = context.Data.Twin(system, new() { Cycles = 1 }).OpenCursor();
        twin.MoveNext();
        var observation = new Observation(twin[Columns.Observation], null, twin.Time);
        var submitted = new Dictionary<long, double[]>();
        void Submit(long run, IReadOnlyList<double> from, TimeInterval interval)
        {
            using var x = TorchSharp.torch.tensor(from.ToArray()).unsqueeze(0);
            submitted[run] = model.Advance(x, interval).ToArray<double>();
        }
        // <example>
        var ocean = new ExternalDynamics("ocean", dimension: 40, timeStep: 0.05);
        var oceanSystem = new AssimilationSystem(ocean, network) { Initial = start };
        var method = context.Analysis.EnsembleTransformKalmanFilter(oceanSystem, new() { Members = 30 });

        using var assimilation = new AskAndTell(method, new() { Crashes = CrashPolicy.Resample() });
        var runs = assimilation.Ask(until: 0.05);                   // which states to propagate, over which interval
        foreach (var run in runs) Submit(run.Id, run.State, run.Interval);

        var (lost, done) = (runs[0].Id, runs.Skip(1).Select(run => run.Id));
        // in any order, in as many portions as they come
        foreach (long id in done) assimilation.Tell(MemberResult.Done(id, submitted[id]));
        assimilation.Tell(MemberResult.Crashed(lost, "no convergence"));
        var analysis = assimilation.Assimilate(observation);                                  // when all are told
        // </example>
        return (assimilation.Crashes.Count, (analysis.Mean - twin[Columns.Truth]).square().mean().sqrt().ToDouble());
    }
}
