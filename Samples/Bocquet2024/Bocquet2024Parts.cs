using System.Globalization;

namespace DaML.Samples;

/// <summary>The parts of <see cref="Bocquet2024Sample"/>: what is learned, and what is measured.</summary>
/// <param name="settings">How large.</param>
/// <param name="minutes">How long the main network trains at most.</param>
/// <param name="weights">Weights that take the place of the main training; null = it is trained.</param>
internal sealed class Bocquet2024Parts(Bocquet2024Settings settings, double minutes, ShippedWeights? weights)
{
    public const string Learned = "learned", Memory = "learned with memory", Linear = "linear", Blind = "blind",
        RandomNetworks = "random networks", RandomNoise = "random noise", KuramotoSivashinsky = "Kuramoto-Sivashinsky",
        Classical = "classical methods", Covariances = "covariances", Lyapunov = "Lyapunov exponents", Transfer = "other dimensions",
        Noise = "other noise",
        DimensionFilter = "EnKF-N by dimension", NoiseFilter = "EnKF-N by noise", DensityFilter = "EnKF-N by density",
        FieldFilter = "EnKF-N on Kuramoto-Sivashinsky";

    /// <summary>What the name of a curve's errors has behind it for the shares of trajectories on which the truth was lost.</summary>
    public const string Lost = ".lost";

    // The error from which on the truth is lost: three quarters of the standard deviation of the states, 3.6 and 1.3.
    private const double LorenzLost = 2.7, FieldLost = 1;
    private const long UnstableNeutral = 14, ReferenceMembers = 40, FieldMembers = 20, FieldCycles = 120;

    /// <summary>All of them, those that others wait for and those that take longest first. One that diverges has no figures.</summary>
    public IReadOnlyList<SamplePart> All => [.. Parts.Select(part => part with { Work = run => OrNothing(run, part) })];

    private IReadOnlyList<SamplePart> Parts =>
    [
        new(Learned, LearnMain), new(Memory, LearnWithMemory), new(KuramotoSivashinsky, LearnField),
        new(RandomNetworks, LearnOnRandomNetworks), new(RandomNoise, LearnOnRandomNoise),
        new(Linear, run => LearnDegraded(run, Linear, settings.DegradedNetwork with { Activation = NetworkActivation.None })),
        new(Blind, run => LearnDegraded(run, Blind, settings.DegradedNetwork with { Inputs = AnalysisInputs.InnovationOnly })),
        .. settings.LearnEveryDimension
            ? settings.Dimensions.Where(n => n != 40).Select(n => new SamplePart(LearnedAt(n), run => LearnAt(run, n))) : [],
        new(DimensionFilter, MeasureDimensions), new(Covariances, MeasureCovariances) { After = [Learned] },
        new(FieldFilter, MeasureFieldFilter), new(DensityFilter, MeasureDensities), new(Transfer, MeasureTransfer) { After = [Learned] },
        new(Classical, MeasureClassical), new(Lyapunov, MeasureLyapunov), new(NoiseFilter, MeasureNoiseFilter),
        new(Noise, MeasureNoise) { After = [Learned] },
    ];

    // A network that diverged in every validation was not kept, so what is to be measured of it has no figures either.
    private static IReadOnlyDictionary<string, double[]> OrNothing(PartRun run, SamplePart part)
    {
        try
        {
            if (part.After.All(name => File.Exists(run.ModelFile(name)))) return part.Work(run);
        }
        catch (DivergenceException) { }
        return new Dictionary<string, double[]>();
    }

    /// <summary>The part that learns at another dimension.</summary>
    public static string LearnedAt(long dimension) => string.Create(CultureInfo.InvariantCulture, $"learned at n = {dimension}");

    private TrainingOptions Training(string checkpoint, double share) => new()
    {
        Steps = settings.Steps, LearningRate = settings.LearningRate, Truncation = settings.Truncation,
        ValidationInterval = settings.ValidationInterval,
        ValidationCycles = settings.ValidationCycles, ValidationBurnIn = settings.ValidationCycles / 3,
        MaximumDuration = TimeSpan.FromMinutes(minutes * share), CheckpointPath = checkpoint,
    };

    private IReadOnlyDictionary<string, double[]> LearnMain(PartRun run)
    {
        var twin = TwinSetting.Lorenz96(run.Context);
        var system = twin.OnAttractor;
        if (weights is null) return LearnState(run, twin, Learned, settings.Network, share: 1);
        var method = run.Context.Analysis.ResidualConvolution(system, new() { Network = weights.Network }).Pretrained(weights.Path);
        run.Context.Model.Save(method, run.ModelFile(Learned));
        return Scored(run, twin, Learned, TrainingCourse.Figures(Analyzer(run, Learned).History!));
    }

    private IReadOnlyDictionary<string, double[]> LearnDegraded(PartRun run, string name, ResidualConvolutionOptions network) =>
        LearnState(run, TwinSetting.Lorenz96(run.Context), name, network, settings.DegradedShare);

    private IReadOnlyDictionary<string, double[]> LearnAt(PartRun run, long dimension) =>
        LearnState(run, TwinSetting.Lorenz96(run.Context, dimension), LearnedAt(dimension), settings.Network, share: 1);

    private IReadOnlyDictionary<string, double[]> LearnState(PartRun run, TwinSetting twin, string name, ResidualConvolutionOptions network,
        double share) =>
        Scored(run, twin, name, Learn(run, twin, name, network, share, stream => twin.Endless(stream, settings.Batch)));

    // Learns from the streams "training" and "validation".
    private IReadOnlyDictionary<string, double[]> Learn(PartRun run, TwinSetting twin, string name, ResidualConvolutionOptions network,
        double share, Func<string, ITrajectoryView> data) =>
        run.Learn(name,
            checkpoint =>
                run.Context.Analysis.ResidualConvolution(twin.OnAttractor,
                    new() { Network = network, Training = Training(checkpoint, share) }),
            data("training"), data("validation"), method => ((LearnedAnalyzer<StateMemory>)method.Triple.Analyzer).History!);

    private IReadOnlyDictionary<string, double[]> LearnWithMemory(PartRun run)
    {
        var twin = TwinSetting.Lorenz96(run.Context);
        var system = twin.OnAttractor;
        var course = run.Learn(Memory,
            checkpoint =>
                run.Context.Analysis.ResidualConvolutionWithMemory(system,
                    new() { Network = settings.Network, Training = Training(checkpoint, share: 1) }),
            twin.Endless("training", settings.Batch), twin.Endless("validation", settings.Batch),
            method => ((LearnedAnalyzer<ProductMemory<StateMemory, VectorMemory>>)method.Triple.Analyzer).History!);
        var triple = run.Read<SequentialAssimilation<ProductMemory<StateMemory, VectorMemory>>>(Memory).Triple;
        var learned = new SequentialAssimilation<ProductMemory<StateMemory, VectorMemory>>(Memory, triple, twin.System.Network, run.Context,
            new() { DivergenceHandling = DivergenceHandling.Isolate });
        return With(course,
            ("parameters", [((LearnedAnalyzer<ProductMemory<StateMemory, VectorMemory>>)triple.Analyzer).Network.parameters()
                .Sum(parameter => parameter.numel())]),
            ("rmse", Score(twin, learned, Test(twin), run)));
    }

    private IReadOnlyDictionary<string, double[]> LearnOnRandomNetworks(PartRun run)
    {
        var twin = TwinSetting.Lorenz96(run.Context, pattern: new RandomDensityPattern(0, 1));
        var course = Learn(run, twin, RandomNetworks, settings.Network, settings.RandomShare,
            stream => twin.Endless(stream, settings.Batch));
        var network = Analyzer(run, RandomNetworks).Network;
        return With(course,
            Curve("rmse", settings.Densities, density => AtDensity(run, density, at => at.Learned(RandomNetworks, network))));
    }

    // Every trajectory has an observation error of its own, which the network can tell from the size of R^-1 times the innovation.
    private IReadOnlyDictionary<string, double[]> LearnOnRandomNoise(PartRun run)
    {
        var twin = TwinSetting.Lorenz96(run.Context);
        var system = twin.OnAttractor;
        var scale = new ObservationErrorScale(settings.NoiseLevels.Min(), settings.NoiseLevels.Max());
        var course = Learn(run, twin, RandomNoise, settings.Network, settings.NoiseShare,
            stream => run.Context.Data.Twin(system, new() { Stream = stream, Batch = settings.Batch, ErrorScale = scale }));
        var network = Analyzer(run, RandomNoise).Network;
        return With(course, Curve("rmse", settings.NoiseLevels, level => AtNoise(run, level, at => at.Learned(RandomNoise, network))));
    }

    private IReadOnlyDictionary<string, double[]> LearnField(PartRun run)
    {
        var twin = TwinSetting.KuramotoSivashinsky(run.Context);
        var course = Learn(run, twin, KuramotoSivashinsky, settings.KuramotoSivashinskyNetwork, settings.KuramotoSivashinskyShare,
            stream => twin.Endless(stream, settings.KuramotoSivashinskyBatch));
        var learned = twin.Learned(KuramotoSivashinsky, Analyzer(run, KuramotoSivashinsky).Network);
        var (times, truth, analysis) = Recorded(learned.Transform(twin.Test("fields", 1, settings.BurnIn + FieldCycles)), settings.BurnIn);
        return With(course, ("rmse", Score(twin, learned, PointTest(twin), run, FieldLost)),
            ("parameters", [Analyzer(run, KuramotoSivashinsky).Network.parameters().Sum(parameter => parameter.numel())]),
            ("times", times), ("truth", truth), ("analysis", analysis));
    }

    private IReadOnlyDictionary<string, double[]> MeasureClassical(PartRun run)
    {
        var twin = TwinSetting.Lorenz96(run.Context);
        return new Dictionary<string, double[]>
        {
            ["3dvar"] = Score(twin, twin.ThreeDimensionalVariational(settings.ClimatologyCycles, run.Cancellation), Test(twin), run),
            ["enkf_n.20"] = Score(twin, twin.FiniteSizeFilter(20, Certain), Test(twin), run),
            ["enkf_n.40"] = Score(twin, twin.FiniteSizeFilter(40, Certain), Test(twin), run),
        };
    }

    private IReadOnlyDictionary<string, double[]> MeasureLyapunov(PartRun run)
    {
        var twin = TwinSetting.Lorenz96(run.Context);
        var spectrum = Spectrum(run, twin, twin.System.Dynamics.Dimension);
        return new Dictionary<string, double[]>
            { ["exponents"] = [.. spectrum.Exponents], ["errors"] = [.. spectrum.StandardErrors], ["positive"] = [spectrum.Positive] };
    }

    private LyapunovSpectrum Spectrum(PartRun run, TwinSetting twin, long count) =>
        run.Context.Transforms.LyapunovVectors(twin.System.Dynamics, settings.LyapunovTransient, count)
            .Fit(twin.Endless("Lyapunov", 4).Take(settings.LyapunovTransient + settings.LyapunovCycles), run.Cancellation).Spectrum!;

    private IReadOnlyDictionary<string, double[]> MeasureCovariances(PartRun run)
    {
        var twin = TwinSetting.Lorenz96(run.Context);
        long n = twin.System.Dynamics.Dimension;
        var learned = twin.Learned(Learned, Analyzer(run, Learned).Network);
        Column ofLearned = new("learned-covariance"), ofEnsemble = new("ensemble-covariance");
        using var test = twin.Test("covariances", 2, settings.CovarianceBurnIn + settings.CovarianceCycles).Materialise();
        var transforms = run.Context.Transforms;
        ITrajectoryView view = new LyapunovVectors(run.Context, twin.System.Dynamics, UnstableNeutral).Transform(test);
        view = transforms.AnalysisCovariance(twin.FiniteSizeFilter(ReferenceMembers, Certain), ofEnsemble).Transform(view);
        view = transforms.AnalysisCovariance(learned, twin.System.Network, ofLearned).Transform(view);
        view = transforms.KalmanGain(learned, twin.System.Network).Transform(view);

        long every = settings.CovarianceInterval;
        var unstable = Subspace.FirstVectors(LyapunovVectors.Vectors, UnstableNeutral);
        Subspace leadingLearned = Subspace.LeadingDirections(ofLearned, UnstableNeutral),
            leadingEnsemble = Subspace.LeadingDirections(ofEnsemble, UnstableNeutral);
        var isotropic = ErrorCovariance.Scalar(n, 0.4 * 0.4);
        var bias = new AnalysisBiasScore();
        EigenspectrumScore spectrumLearned = new(ofLearned) { Every = every }, spectrumEnsemble = new(ofEnsemble) { Every = every };
        CovarianceDistanceScore toEnsemble = new(ofLearned, ofEnsemble) { Every = every },
            toIsotropic = new(ofLearned, isotropic, "0.40^2 I") { Every = every },
            ensembleToIsotropic = new(ofEnsemble, isotropic, "0.40^2 I") { Every = every };
        PrincipalAngleScore learnedUnstable = new(leadingLearned, unstable) { Every = every },
            ensembleUnstable = new(leadingEnsemble, unstable) { Every = every },
            learnedEnsemble = new(leadingLearned, leadingEnsemble) { Every = every },
            randomUnstable = new(unstable, Subspace.Random(run.Context, n, UnstableNeutral)) { Every = every };
        var report = run.Context.Scores.Evaluate(view, new ScoreOptions
        {
            BurnIn = settings.CovarianceBurnIn, Activity = "comparing covariances",
            Scores = [bias, spectrumLearned, spectrumEnsemble, toEnsemble, toIsotropic, ensembleToIsotropic, learnedUnstable,
                ensembleUnstable, learnedEnsemble, randomUnstable],
        }, run.Cancellation);

        double[] Means(IScore<IReadOnlyList<TimeAverage>> score) => [.. report.Of(score).Select(average => average.Mean)];
        var found = report.Of(bias);
        return new Dictionary<string, double[]>
        {
            ["bias"] = [found.Mean.Mean, found.StandardDeviation.Mean],
            ["distances"] = [report[toEnsemble].Mean, report[toIsotropic].Mean, report[ensembleToIsotropic].Mean],
            ["spectrum.learned"] = Means(spectrumLearned), ["spectrum.ensemble"] = Means(spectrumEnsemble),
            ["angles.learned"] = Means(learnedUnstable), ["angles.ensemble"] = Means(ensembleUnstable),
            ["angles.both"] = Means(learnedEnsemble), ["angles.random"] = Means(randomUnstable),
        };
    }

    private IReadOnlyDictionary<string, double[]> MeasureTransfer(PartRun run)
    {
        var network = Analyzer(run, Learned).Network;
        return With([],
            Curve("rmse", settings.Dimensions.Select(n => (double)n),
                n => AtDimension(run, (long)n, twin => twin.Learned(Learned, network))));
    }

    private IReadOnlyDictionary<string, double[]> MeasureDimensions(PartRun run) => With([],
    [
        .. Curve("rmse", settings.Dimensions.Select(n => (double)n),
            n => AtDimension(run, (long)n, twin => twin.FiniteSizeFilter(Math.Min((long)n, settings.LargestEnsemble), Certain))),
        // Of about a third of the exponents all are above the neutral one; some more find it.
        ("unstable",
            [.. settings.Dimensions.Select(n => Spectrum(run, TwinSetting.Lorenz96(run.Context, n), (long)Math.Ceiling(0.45 * n)).Positive
                + 1.0)]),
    ]);

    private IReadOnlyDictionary<string, double[]> MeasureNoise(PartRun run)
    {
        var network = Analyzer(run, Learned).Network;
        return With([],
        [
            // The observations are other than the analysis believes: its R stays that of its training, I.
            .. Curve("rmse", settings.NoiseLevels,
                level => AtNoise(run, level,
                    twin => (twin with { System = twin.System with { Network = ObservationNetwork.Full(twin.System.Dynamics.Dimension) } })
                        .Learned(Learned, network))),
            .. Curve("told", settings.NoiseLevels, level => AtNoise(run, level, twin => twin.Learned(Learned, network))),
        ]);
    }

    private IReadOnlyDictionary<string, double[]> MeasureNoiseFilter(PartRun run) =>
        With([], Curve("rmse", settings.NoiseLevels,
            level => AtNoise(run, level, twin => twin.FiniteSizeFilter(ReferenceMembers, Certain))));

    private IReadOnlyDictionary<string, double[]> MeasureDensities(PartRun run) =>
        With([], Curve("rmse", settings.Densities,
            density => AtDensity(run, density, twin => twin.FiniteSizeFilter(ReferenceMembers, Uncertain))));

    private IReadOnlyDictionary<string, double[]> MeasureFieldFilter(PartRun run)
    {
        var twin = TwinSetting.KuramotoSivashinsky(run.Context);
        return new Dictionary<string, double[]>
        {
            ["rmse"] = Score(twin, twin.FiniteSizeFilter(FieldMembers, Certain), PointTest(twin), run, FieldLost),
            ["3dvar"] = Score(twin, twin.ThreeDimensionalVariational(settings.ClimatologyCycles, run.Cancellation), PointTest(twin), run,
                FieldLost),
        };
    }

    // What is believed of the first ensemble's covariance: more where everything is observed often, nothing where little is.
    private const double Certain = 2, Uncertain = 1;

    private double[] AtDimension(PartRun run, long dimension, Func<TwinSetting, ITransformer> method)
    {
        var twin = TwinSetting.Lorenz96(run.Context, dimension);
        return Score(twin, method(twin), PointTest(twin), run);
    }

    private double[] AtNoise(PartRun run, double level, Func<TwinSetting, ITransformer> method)
    {
        var twin = TwinSetting.Lorenz96(run.Context, errorVariance: level * level);
        return Score(twin, method(twin), PointTest(twin), run);
    }

    private double[] AtDensity(PartRun run, double density, Func<TwinSetting, ITransformer> method)
    {
        var twin = TwinSetting.Lorenz96(run.Context, pattern: new RandomDensityPattern(density, density));
        return Score(twin, method(twin), PointTest(twin), run);
    }

    private ITrajectoryView Test(TwinSetting twin) => twin.Test("test", settings.Trajectories, settings.BurnIn + settings.Cycles);

    // Larger states say more of the error at once: as many numbers as at n = 40, of two trajectories at least.
    private ITrajectoryView PointTest(TwinSetting twin) =>
        twin.Test("test", Math.Clamp(40 * settings.Trajectories / twin.System.Dynamics.Dimension, 2, settings.Trajectories),
            settings.BurnIn + settings.PointCycles);

    // The error, its standard error, on how many trajectories the truth was lost, of how many.
    private double[] Score(TwinSetting twin, ITransformer method, ITrajectoryView test, PartRun run, double lost = LorenzLost)
    {
        var (error, standardError, divergences) = twin.Score(method, test, settings.BurnIn, lost, run.Cancellation);
        return [error, standardError, divergences, test.Schema.Batch];
    }

    private IReadOnlyDictionary<string, double[]> Scored(PartRun run, TwinSetting twin, string name,
        IReadOnlyDictionary<string, double[]> course)
    {
        var network = Analyzer(run, name).Network;
        return With(course, ("parameters", [network.parameters().Sum(parameter => parameter.numel())]),
            ("rmse", Score(twin, twin.Learned(name, network), Test(twin), run)));
    }

    private static LearnedAnalyzer<StateMemory> Analyzer(PartRun run, string name) =>
        (LearnedAnalyzer<StateMemory>)run.Read<SequentialAssimilation<StateMemory>>(name).Triple.Analyzer;

    // The errors along a curve, and the shares of trajectories on which the truth was lost.
    private static IEnumerable<(string Name, double[] Values)> Curve(string name, IEnumerable<double> values, Func<double, double[]> score)
    {
        double[][] scores = [.. values.Select(score)];
        return [(name, [.. scores.Select(one => one[0])]), (name + Lost, [.. scores.Select(one => one[2] / one[3])])];
    }

    private static Dictionary<string, double[]> With(IEnumerable<KeyValuePair<string, double[]>> figures,
        params IEnumerable<(string Name, double[] Values)> more)
    {
        var all = figures.ToDictionary();
        foreach (var (name, values) in more) all.Add(name, values);
        return all;
    }

    // Time, truth and analysis of the first trajectory after the burn-in; the fields one after the other.
    private static (double[] Times, double[] Truth, double[] Analysis) Recorded(ITrajectoryView view, long burnIn)
    {
        var (times, truth, analysis) = (new List<double>(), new List<double>(), new List<double>());
        foreach (var cycle in view)
        {
            if (cycle.Cycle < burnIn) continue;
            using var scope = TorchSharp.torch.NewDisposeScope();
            times.Add(cycle.Time);
            truth.AddRange(cycle[Columns.Truth][0].to(TorchSharp.torch.ScalarType.Float64).ToArray<double>());
            analysis.AddRange(cycle[Columns.Analysis][0].to(TorchSharp.torch.ScalarType.Float64).ToArray<double>());
        }
        return ([.. times], [.. truth], [.. analysis]);
    }
}
