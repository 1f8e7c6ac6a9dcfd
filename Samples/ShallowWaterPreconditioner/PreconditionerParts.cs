using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>
/// The sample's parts: for each regime the fixed pairs, two trainings, and the comparison on states that nobody trained on.
/// </summary>
/// <param name="plan">Sizes and lengths.</param>
/// <param name="training">How long a training may take in the mean; corrections take three times as long as networks alone.</param>
internal sealed class PreconditionerParts(PreconditionerPlan plan, TimeSpan training)
{
    public static readonly string[] Regimes = ["calm", "turbulent"];

    public IReadOnlyList<SamplePart> All =>
    [
        .. Regimes.Select(name => new SamplePart($"{name} fixed", run => Fixed(run, name))),
        .. Regimes.Select(name =>
            new SamplePart($"{name} residual", run => Learn(run, name, residual: true)) { After = [$"{name} fixed"] }),
        .. Regimes.Select(name =>
            new SamplePart($"{name} learned", run => Learn(run, name, residual: false)) { After = [$"{name} fixed"] }),
        .. Regimes.Select(name =>
            new SamplePart($"{name} comparison", run => Compare(run, name)) { After = [$"{name} learned", $"{name} residual"] }),
    ];

    /// <summary>A regime's model and cost.</summary>
    public PreconditionerRegime Regime(string name, long seed) =>
        new(name, name == "calm" ? ShallowWaterOptions.Calm : ShallowWaterOptions.Turbulent, plan, seed);

    // Pairs of the average over many states, and of the matrix at their mean.
    private IReadOnlyDictionary<string, double[]> Fixed(PartRun run, string name)
    {
        var regime = Regime(name, run.Context.Options.Seed);
        using var random = run.Context.Random($"{name}/fixed");
        using var sequence = regime.Windows(plan.AverageBatch).Open(random, ScalarType.Float64);
        var windows = Enumerable.Range(0, plan.AverageBatches).Select(_ => sequence.Next()).ToList();
        var estimator = new FixedPreconditioningEstimator(regime.Cost);
        int rank = plan.Ranks[^1], most = (int)Math.Min(rank + plan.Oversampling, regime.Cells);
        ComputedEigenpairs Search(int pairs) => new(pairs, EigenpairMethod.Randomised, plan.Oversampling, seed: run.Context.Options.Seed);
        ModelArchive.Write(estimator.FindEigenpairs(windows, Search(rank), run.Context.Progress, run.Cancellation),
            FileOf(run, name, "average"));
        var mean = new State(cat([.. windows.Select(window => window.Background.Values)]).mean([0], keepdim: true));
        ModelArchive.Write(estimator.FindEigenpairs([regime.Window(mean, null)], Search(most), run.Context.Progress, run.Cancellation),
            FileOf(run, name, "mean"));
        if (plan.SpectrumStates > 0)
        {
            double shift = name == "calm" ? 10 : 100;
            using var average = estimator.AverageHessian(windows, run.Context.Progress, run.Cancellation);
            ModelArchive.Write(new RegularisedInversePreconditioning(average, shift), FileOf(run, name, "inverse"));
        }
        return new Dictionary<string, double[]> { ["states"] = [windows.Sum(window => window.Batch)] };
    }

    private IReadOnlyDictionary<string, double[]> Learn(PartRun run, string name, bool residual)
    {
        var regime = Regime(name, run.Context.Options.Seed);
        string kind = residual ? "residual" : "learned", checkpoint = FileOf(run, name, kind) + ".checkpoint";
        FixedEigenpairs average = Read<FixedEigenpairs>(run, name, "average"), mean = Read<FixedEigenpairs>(run, name, "mean");
        var options = new LearnedPreconditioningOptions
        {
            Loss = residual ? HessianLoss.Whitened : HessianLoss.RelativeFrobenius, Probes = plan.Probes, ValidationBatches = 3,
            Training = new()
                { Steps = plan.TrainingSteps, MaximumDuration = (residual ? 1.5 : 0.5) * training, LearningRate = residual ? 1e-3
                    : 2e-3, ValidationInterval = 50, Patience = long.MaxValue, CheckpointPath = checkpoint },
        };
        var create = residual
            ? LearnedPreconditioningEstimator.Transported(regime.Layout, mean, plan.Network)
            : LearnedPreconditioningEstimator.Spectral(regime.Layout, plan.Ranks[^1], 2 * average.Values.max().ToDouble(), plan.Network);
        var estimator = new LearnedPreconditioningEstimator($"{name} {kind}", run.Context, regime.Cost, regime.Layout, create, options,
            residual ? average : null);
        var pairs = estimator.Fit(regime.LearningWindows(plan.TrainingBatch, average), run.Cancellation);
        run.Cancellation.ThrowIfCancellationRequested();
        ModelArchive.Write(pairs, FileOf(run, name, kind));
        File.Delete(checkpoint);
        var validations = pairs.History!.Steps.Where(step => step.ValidationError is not null).ToList();
        return new Dictionary<string, double[]>
        {
            ["steps"] = [pairs.History.Steps.Count], ["validation.step"] = [.. validations.Select(step => (double)step.Step)],
            ["validation.loss"] = [.. validations.Select(step => step.ValidationError!.Value)],
        };
    }

    // Algorithm 3.1: the truth is observed at the window's end, the system at the state of linearisation is solved, and this
    // state moves by the solution. Each cycle takes new truths and
    // new states, two outer loops from each; the second one, whose state nobody trained on and whose predecessor has Ritz pairs
    // to recycle, is compared.
    private IReadOnlyDictionary<string, double[]> Compare(PartRun run, string name)
    {
        var regime = Regime(name, run.Context.Options.Seed);
        LearnedEigenpairs learned = Read<LearnedEigenpairs>(run, name, "learned"),
            residual = Read<LearnedEigenpairs>(run, name, "residual");
        FixedEigenpairs average = Read<FixedEigenpairs>(run, name, "average");
        var inverse = plan.SpectrumStates > 0 ? Read<RegularisedInversePreconditioning>(run, name, "inverse") : null;
        using var exact = new SharedEigenpairs(PreconditionerPlan.Exact(plan.Ranks[^1], plan.Oversampling, run.Context.Options.Seed));
        var methods = PreconditionerMethods.All(plan, regime.Model.Dimension, run.Context.Options.Seed, exact, average, inverse, learned,
            residual);
        using var noGradients = no_grad();
        using RandomStream states = run.Context.Random($"{name}/unseen"), noise = run.Context.Random($"{name}/observations");
        using var sequence = regime.Windows(2 * plan.Chains).Open(states, ScalarType.Float64);
        var measured = new PreconditionerMeasurement(plan, methods, run.Context.Progress);
        var costs = new PreconditionerCosts(regime, learned, residual);
        for (int cycle = 0; cycle < plan.Cycles; cycle++)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var drawn = sequence.Next().Background.Values;
            Tensor truth = drawn.narrow(0, 0, plan.Chains), from = drawn.narrow(0, plan.Chains, plan.Chains);
            var end = regime.Model.Advance(truth, new TimeInterval(0, PreconditionerRegime.Steps * regime.Model.TimeStep));
            var heights = end.narrow(1, 0, regime.Cells) + noise.Normal([plan.Chains, regime.Cells], ScalarType.Float64);
            var window = regime.Window(new State(from), heights);
            var control = regime.Cost.Background(window);
            var first = regime.Cost.Run(window, control);
            InnerSolution before;
            using (var quadratic = regime.Cost.Linearise(first, control, regime.Cost.Value(first, control).Total))
                before = measured.Solver.Solve(quadratic, new IdentityPreconditioner(), run.Cancellation);
            control += before.Solution;
            var trajectory = regime.Cost.Run(window, control);
            using var second = regime.Cost.Linearise(trajectory, control, regime.Cost.Value(trajectory, control).Total);
            measured.Add(trajectory, second, before, run.Cancellation);
            if (cycle < plan.SpectrumStates) measured.AddSpectra(trajectory, second, average, learned, residual);
            if (cycle == 0) measured.AddFields(trajectory, second, residual, run.Context.Options.Seed);
            costs.Add(trajectory, run.Cancellation);
        }
        return measured.Figures(costs);
    }

    private static string FileOf(PartRun run, string regime, string what) => run.ModelFile($"{regime}-{what}");

    private static T Read<T>(PartRun run, string regime, string what) where T : class =>
        run.Context.Model.Load<T>(FileOf(run, regime, what));
}
