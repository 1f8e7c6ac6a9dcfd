using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>The parts of the sample: trainings and the methods beside them.</summary>
/// <param name="plan">Sizes and lengths.</param>
/// <param name="time">How long all trainings together may take, side by side.</param>
/// <param name="sideBySide">How many run at once.</param>
internal sealed class DanParts(DanLorenz95Plan plan, TimeSpan time, int sideBySide)
{
    public const string Lorenz63 = "Lorenz-63", Particles = "Lorenz-63 particle filter", Direct = "Lorenz-95 direct",
        Classical = "Lorenz-95 ensembles", Filters = "filters by memory", Depths = "memory of a step";

    public static string Linear(long n) => $"linear-Gaussian {n}";

    public static string Truncated(int stage) => $"Lorenz-95 truncated {stage + 1}";

    public static string Memory(long m) => $"network with memory {m}";

    /// <summary>All parts, those first that take longest or that others wait for; memory is measured when no other runs.</summary>
    public IReadOnlyList<SamplePart> All => [.. Others, new(Depths, MemoryOfSteps) { After = [.. Others.Select(part => part.Name)] }];

    private IReadOnlyList<SamplePart> Others =>
    [
        .. Enumerable.Range(0, plan.Stages)
            .Select(stage =>
                new SamplePart(Truncated(stage), run => Stage(run, stage)) { After = stage == 0 ? [] : [Truncated(stage - 1)] }),
        new(Lorenz63, run => Network(run, Lorenz63, DanSystem.Lorenz63(run.Context), plan.Lorenz63, plan.SmallTestCycles)),
        new(Particles, ParticleFilter),
        new(Direct, DirectlyTrained),
        .. plan.LinearDimensions.Select(n => new SamplePart(Linear(n), run => LinearGaussian(run, n))),
        .. plan.Memories.Select(m => new SamplePart(Memory(m), run =>
            Network(run, Memory(m), DanSystem.Lorenz63(run.Context),
                plan.Sweep with { Network = plan.Sweep.Network with { MemorySize = m } }, plan.SmallTestCycles))),
        new(Classical, Ensembles),
        new(Filters, FiltersByMemory),
    ];

    private Dictionary<string, double[]> Network(PartRun run, string part, DanSystem system, NetworkEffort effort, long testCycles,
        SequentialAssimilation<VectorMemory>? start = null, double shareOfTime = 1, long? cycles = null)
    {
        string name = part.Replace(' ', '-');
        var network = effort.Network with { WarmStart = start };
        var training = effort.Training with { MaximumDuration = time * sideBySide * shareOfTime * effort.Share / plan.Shares };
        var course = run.Learn(name,
            checkpoint =>
                run.Context.Analysis.DataAssimilationNetwork(system.System.Network, system.System.Interval, network,
                    training with { CheckpointPath = checkpoint }),
            system.Trajectories($"training/{name}", effort.Batch, cycles), system.Trajectories("validation", effort.Batch),
            learned => ((NetworkAnalyzer)learned.Triple.Analyzer).History!);
        var method = run.Read<SequentialAssimilation<VectorMemory>>(name);
        var figures = system.Score(method, system.Test(plan, testCycles), plan.BurnIn, hasDensity: true, run.Cancellation);
        foreach (var (key, values) in course) figures.Add("training." + key, values);
        return figures;
    }

    private Dictionary<string, double[]> Stage(PartRun run, int stage)
    {
        var start = stage == 0 ? null : run.Read<SequentialAssimilation<VectorMemory>>(Truncated(stage - 1).Replace(' ', '-'));
        var effort = plan.Lorenz95 with
            { Training = plan.Lorenz95.Training with
                { LearningRate = plan.Lorenz95.Training.LearningRate * Math.Pow(plan.StageRate, stage) } };
        return Network(run, Truncated(stage), DanSystem.Lorenz95(run.Context), effort, plan.TestCycles, start, 1.0 / plan.Stages);
    }

    // The same cycles, all of them in every step.
    private Dictionary<string, double[]> DirectlyTrained(PartRun run) =>
        Network(run, Direct, DanSystem.Lorenz95(run.Context), plan.Direct, plan.TestCycles, cycles: plan.Direct.Training.Truncation);

    private Dictionary<string, double[]> LinearGaussian(PartRun run, long n)
    {
        var system = DanSystem.LinearGaussian(run.Context, n);
        var figures = Network(run, Linear(n), system, plan.Linear, plan.SmallTestCycles);
        var kalman = run.Context.Analysis.KalmanFilter(system.System);
        foreach (var (key,
            values) in system.Score(kalman, system.Test(plan, plan.SmallTestCycles), plan.BurnIn, hasDensity: true,
                run.Cancellation)) figures.Add("kalman." + key, values);

        // How far the network's posterior is from the Kalman filter's: covariances in the Frobenius norm, relative to the latter's.
        using var noGradients = no_grad();
        var test = system.Test(plan, plan.SmallTestCycles);
        using var ours = run.Read<SequentialAssimilation<VectorMemory>>(Linear(n).Replace(' ', '-')).Run(test);
        using var exact = kalman.Run(test);
        double covariance = 0, mean = 0;
        long count = 0;
        while (ours.MoveNext() && exact.MoveNext())
        {
            run.Cancellation.ThrowIfCancellationRequested();
            if (ours.Cycle < plan.BurnIn) continue;
            using var scope = NewDisposeScope();
            var (a, b) = (ours.AnalysisDensity, exact.AnalysisDensity);
            covariance += ((a.Covariance.to(ScalarType.Float64) - b.Covariance).square().sum([1, 2]).sqrt() / b.Covariance.square()
                .sum([1, 2]).sqrt()).mean().ToDouble();
            mean += (a.Mean - b.Mean).square().mean().ToDouble();
            count++;
        }
        figures.Add("covariance", [covariance / count]);
        figures.Add("mean", [Math.Sqrt(mean / count)]);
        return figures;
    }

    // What the graph of an optimiser step holds: the heap when the cost of all its cycles is there, over what it was before.
    private Dictionary<string, double[]> MemoryOfSteps(PartRun run)
    {
        var (network, n, precision) = (plan.Lorenz95.Network, DanSystem.Lorenz95Sites, run.Context.Options.NetworkPrecision);
        double[] nothing = new double[n], unit = [.. Enumerable.Repeat(1.0, n)];
        var analyzer = new NetworkAnalyzer(network.MemorySize, network.Layers, MissingObservations.Refused, nothing, unit, precision, CPU);
        var propagater = new NetworkPropagater(network.MemorySize, network.Layers, 1, precision, CPU);
        var procoder = new NetworkProcoder(network.MemorySize, network.Density, nothing, unit, precision, CPU);
        using var random = run.Context.Random(Depths);
        var cost = new CrossEntropy();
        var figures = new Dictionary<string, double[]>();
        foreach (long depth in plan.Depths)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            long before = NativeMemory.InUse;
            var memory = new VectorMemory(zeros(plan.DepthBatch, network.MemorySize, dtype: precision));
            var observed = random.Normal([plan.DepthBatch, n], precision);
            var total = zeros([], dtype: precision);
            for (long t = 0; t < depth; t++)
            {
                var prior = propagater.Propagate(memory, new(t, t + 1), random);
                memory = analyzer.Analyze(prior, new(observed, null, t + 1), random);
                total = total + cost.Of(procoder.Decode(prior), procoder.Decode(memory), observed).mean() / depth;
            }
            figures[$"{depth}"] = [(NativeMemory.InUse - before) / 1048576.0];
        }
        return figures;
    }

    private Dictionary<string, double[]> ParticleFilter(PartRun run)
    {
        var system = DanSystem.Lorenz63(run.Context);
        var filter = run.Context.Analysis.ParticleFilter(system.System, new() { Members = plan.Particles });
        return system.Score(filter, system.Test(plan, plan.SmallTestCycles), plan.BurnIn, hasDensity: false, run.Cancellation);
    }

    // Settings as in the reference scores: inflation of IEnKF-Q tuned for this experiment, none for the finite-size filter.
    private Dictionary<string, double[]> Ensembles(PartRun run)
    {
        var system = DanSystem.Lorenz95(run.Context);
        var test = system.Test(plan, plan.TestCycles);
        var figures = new Dictionary<string, double[]>();
        var iterative = run.Context.Analysis.AdditiveErrorIterativeEnsembleKalmanFilter(system.System,
            new() { Members = 20, Inflation = Inflation.StandardDeviation(1.05), Rotation = EnsembleRotation.MeanPreserving });
        var finiteSize = run.Context.Analysis.FiniteSizeEnsembleKalmanFilter(system.System, new() { Members = 20 });
        foreach (var (name, method) in new (string, ITransformer)[] { ("ienkf_q", iterative), ("enkf_n", finiteSize) })
            foreach (var (key,
                values) in system.Score(method, test, plan.BurnIn, hasDensity: false, run.Cancellation)) figures.Add($"{name}.{key}",
                    values);
        return figures;
    }

    private Dictionary<string, double[]> FiltersByMemory(PartRun run)
    {
        var system = DanSystem.Lorenz63(run.Context);
        var test = system.Test(plan, plan.SmallTestCycles);
        var figures = new Dictionary<string, double[]>();
        foreach (long members in plan.Members)
        {
            var filter = run.Context.Analysis.FiniteSizeEnsembleKalmanFilter(system.System, new() { Members = members });
            figures.Add($"{members}", system.Score(filter, test, plan.BurnIn, hasDensity: false, run.Cancellation)["posterior"]);
        }
        return figures;
    }
}
