using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A method that was saved and read knows the record that it was made of, and gives the same numbers.</summary>
public sealed class SavedMethodTests
{
    private const int Dimension = 8;

    private static readonly TrainingOptions FewSteps = new()
        { Steps = 2, Truncation = 2, ValidationInterval = 1, ValidationBurnIn = 2, ValidationCycles = 6 };

    private static readonly ResidualConvolutionOptions SmallNetwork = new() { Filters = 4, Blocks = 1, SubBlocks = 1 };

    private readonly DataAssimilationContext context = new(5);

    private static AssimilationSystem System { get; } = new(new Lorenz96(Dimension), ObservationNetwork.Full(Dimension));

    private static AssimilationSystem Noisy { get; } =
        System with { Dynamics = new Lorenz96(Dimension) { ModelError = ErrorCovariance.Scalar(Dimension, 0.01) } };

    // With every setting that has another value than its default.
    private static readonly IReadOnlyDictionary<string, (AssimilationMethod Method, AssimilationSystem System)> Methods =
        new Dictionary<string, (AssimilationMethod, AssimilationSystem)>
    {
        ["enkf"] = (new StochasticEnsembleKalmanFilter { Members = 6, Name = "mine", Stream = "own", DivergenceBound = 50 }, System),
        ["denkf"] = (new DeterministicEnsembleKalmanFilter { Members = 7, Inflation = Inflation.Variance(1.1) }, System),
        ["serial"] = (new SerialSquareRootFilter { Inflation = Inflation.RelaxationToPriorSpread(0.3) }, System),
        ["etkf"] = (new EnsembleTransformKalmanFilter
        {
            Members = 6, Rotation = EnsembleRotation.MeanPreserving, ModelError = NoiseTreatment.SquareRoot,
            DivergenceHandling = DivergenceHandling.Isolate,
        }, Noisy),
        ["enkf-n"] = (new FiniteSizeEnsembleKalmanFilter
            { Members = 9, Prior = FiniteSizePrior.Jeffreys, Form = FiniteSizeForm.Primal, Rotation = EnsembleRotation.MeanPreserving },
            System),
        ["adaptive"] = (new AdaptivelyInflatedFilter
        {
            Filter = new EnsembleTransformKalmanFilter { Members = 6 },
            Inflation = new() { Start = 1.1, Deviation = 0.2, Smallest = 0.9, Largest = 3 },
        }, System),
        ["particle-filter"] = (new ParticleFilter
        {
            Members = 50, Resampling = ResamplingScheme.Residual, EffectiveSizeRatio = 0.7, Jitter = ParticleJitter.OfAll(0.4),
        }, Noisy),
        ["kalman"] = (new KalmanFilter { Inflation = Inflation.Variance(1.2) },
            new(new LinearAdvection(Dimension), ObservationNetwork.Full(Dimension))),
        ["extended-kalman"] = (new ExtendedKalmanFilter { CovarianceGrowthPerTimeUnit = 1.3 }, System),
        ["ienks"] = (new IterativeEnsembleKalmanSmoother
        {
            Members = 9, Window = WindowCycling.Overlapping(4, 2), ObservationUse = ObservationUse.Multiple(0.25, 0.75),
            Iteration = new() { Linearisation = EnsembleLinearisation.Bundle(1e-3), MaximumIterations = 4, Tolerance = 1e-2 },
        }, System),
        ["ienks-n"] = (new IterativeEnsembleKalmanSmoother
            { Members = 9, Prior = FiniteSizePrior.DiracJeffreys(2), Form = FiniteSizeForm.Primal }, System),
        ["ienkf-q"] = (new AdditiveErrorIterativeEnsembleKalmanFilter { Members = 9, Rotation = EnsembleRotation.MeanPreserving }, Noisy),
        ["rauch-tung-striebel"] = (new RauchTungStriebelSmoother { Name = "back", Filter = new KalmanFilter() },
            new(new LinearAdvection(Dimension), ObservationNetwork.Full(Dimension))),
        ["ensemble-kalman-smoother"] = (new EnsembleKalmanSmoother
            { Filter = new DeterministicEnsembleKalmanFilter { Members = 7 }, Stream = "own", DivergenceBound = 60 }, System),
        ["residual-convolution"] = (new ResidualConvolution
        {
            Training = FewSteps with { Schedule = LearningRateSchedule.Exponential(0.1) },
            Network = SmallNetwork,
        }, System),
        ["residual-convolution-with-memory"] = (new ResidualConvolutionWithMemory
        {
            Training = FewSteps, Network = SmallNetwork,
            Memory = new() { Count = 2, Update = ChannelUpdate.Replaced },
        }, System),
        ["ensemble-convolution"] = (new EnsembleConvolution
            { Members = 4, Training = FewSteps, Network = SmallNetwork }, System),
    };

    public static TheoryData<string> Names => [.. Methods.Keys];

    [Theory, MemberData(nameof(Names))]
    public void A_method_read_back_has_an_equal_record_and_gives_the_same_numbers(string name)
    {
        var (method, system) = Methods[name];
        var (made, read, twin) = SavedAndRead(method, system);
        Assert.Equal(Record(made), Record(read));
        Assert.Equal(made.Name, read.Name);
        SameAnalyses(made, read, twin);
    }

    // Records that hold objects of their own, which are compared by what files hold of them.
    private static readonly IReadOnlyDictionary<string, AssimilationMethod> WithObjects = new Dictionary<string, AssimilationMethod>
    {
        ["3d-var"] = new ThreeDimensionalVariational { Background = new KnownBackground(ErrorCovariance.Scalar(Dimension, 0.4)) },
        ["4d-var"] = new FourDimensionalVariational
        {
            Background = new KnownBackground(ErrorCovariance.Scalar(Dimension, 0.4)), Window = WindowCycling.Disjoint(2),
            Control = ControlVariable.Increment,
            Minimisation = new IncrementalOptions { OuterIterations = 2, InnerSolver = new LanczosSolver() }, Observer = _ => { },
        },
        ["4d-var, quasi-Newton"] = new FourDimensionalVariational
        {
            Background = new KnownBackground(ErrorCovariance.Scalar(Dimension, 0.4)), Window = WindowCycling.Overlapping(3, 2),
            Minimisation = new QuasiNewtonOptions { Memory = 5 },
        },
        ["letkf"] = new LocalEnsembleTransformKalmanFilter
        {
            Members = 6, Localisation = new Localisation(LocalisationGeometry.Circle(Dimension), LocalisationRadius.HalfWidth(3)),
        },
        ["climatology"] = new Climatology { Cycles = 30 },
        ["optimal interpolation"] = new OptimalInterpolation
        {
            Distribution = new GaussianInitialCondition(arange(Dimension, dtype: ScalarType.Float64),
                ErrorCovariance.Scalar(Dimension, 0.4)),
        },
        ["joint estimation"] = new JointEstimation
        {
            Parameters = [new EstimatedParameter("forcing", 7.5, 1) { Evolution = ParameterEvolution.RandomWalk(0.1) }],
            Filter = new EnsembleTransformKalmanFilter { Members = 12 }, Stream = "own", DivergenceHandling = DivergenceHandling.Isolate,
        },
        ["linear in the innovation"] = new InnovationLinear
            { Training = FewSteps, Network = new() { Network = SmallNetwork, Columns = 3, Radius = LocalisationRadius.HalfWidth(2) } },
    };

    /// <summary>A record of every kind.</summary>
    public static IEnumerable<AssimilationMethod> Records => [.. Methods.Values.Select(pair => pair.Method), .. WithObjects.Values];

    public static TheoryData<string> NamesWithObjects => [.. WithObjects.Keys];

    [Theory, MemberData(nameof(NamesWithObjects))]
    public void A_record_with_objects_is_read_with_the_same_settings(string name) => SameSettings(WithObjects[name]);

    [Fact]
    public void A_record_with_a_trained_analysis_is_read_with_it()
    {
        var first = (SequentialAssimilation<StateMemory>)Fitted(
            new ResidualConvolution { Training = FewSteps, Network = SmallNetwork }, System).Method;
        SameSettings(new ResidualConvolution { Training = FewSteps, First = first });
        // It gives the network's size; another is refused.
        var other = SmallNetwork with { Filters = 5 };
        Assert.Equal(first.Name, new ResidualConvolution { First = first, Network = SmallNetwork }.For(System, context).Name);
        Assert.Contains("'Network' must keep its default", Assert.Throws<ArgumentException>(() =>
            new ResidualConvolution { First = first, Network = other }.For(System, context)).Message);
        Assert.Contains("'Network' must keep its default", Assert.Throws<ArgumentException>(() =>
            new ResidualConvolutionWithMemory { First = first, Network = other }.For(System, context)).Message);
    }

    private void SameSettings(AssimilationMethod method)
    {
        var (made, read, twin) = SavedAndRead(method, System);
        Assert.Equal(Record(made).GetType(), Record(read).GetType());
        Assert.Equal(ModelArchive.Describe(Record(made)).ToJsonString(), ModelArchive.Describe(Record(read)).ToJsonString());
        SameAnalyses(made, read, twin);
    }

    // The record of a fitted method has what was learned, which a file holds as tensors.
    [Fact]
    public void A_learned_background_is_read_to_the_bit()
    {
        var (made, read, _) = SavedAndRead(new ThreeDimensionalVariational
            { Background = new ClimatologicalBackground { ClimatologyCycles = 30, TuningCycles = 12, TuningBurnIn = 4 } }, System);
        static Tensor Covariance(AssimilationMethod method) => ((ThreeDimensionalVariational)method).Background.Covariance!
            .ToMatrix(ScalarType.Float64, CPU);
        Assert.True(Covariance(Record(made)).Equals(Covariance(Record(read))));
    }

    private sealed record OwnFilter : EnsembleFilter
    {
        protected override string UsualName => "own";

        protected override IAnalyzer<EnsembleMemory> Analyzer(IObservationNetwork network) =>
            new EnsembleTransformKalmanFilterAnalyzer(network.Operator, network.Error);
    }

    [Fact]
    public void A_record_that_is_no_component_is_left_out_of_the_file()
    {
        var (made, read, twin) = SavedAndRead(new OwnFilter { Members = 6, DivergenceBound = 40 }, System);
        Assert.IsNotAssignableFrom<AssimilationMethod>(Options(read));
        Assert.Equal(40, Options(read).DivergenceBound);
        SameAnalyses(made, read, twin);

        (made, read, twin) = SavedAndRead(new EnsembleKalmanSmoother { Filter = new OwnFilter { Members = 6 } }, System);
        Assert.Null(((FixedIntervalSmoother<EnsembleMemory>)read).Method);
        SameAnalyses(made, read, twin);
        (made, read, twin) = SavedAndRead(new AdaptivelyInflatedFilter { Filter = new OwnFilter { Members = 6 } }, System);
        Assert.IsNotAssignableFrom<AssimilationMethod>(Options(read));
        SameAnalyses(made, read, twin);
        (made, read, twin) = SavedAndRead(new JointEstimation
            { Parameters = [new EstimatedParameter("forcing", 7.5, 1)], Filter = new OwnFilter { Members = 6 } }, System);
        Assert.Null(((JointAssimilation)read).Method);
        SameAnalyses(made, read, twin);
    }

    // Files before version 2 of smoothers had no record, and those before version 3 of iterative methods a setting without effect.
    [Fact]
    public void Earlier_files_are_read()
    {
        var (made, twin) = Fitted(new EnsembleKalmanSmoother { Filter = new EnsembleTransformKalmanFilter { Members = 6 } }, System);
        var smoother = (FixedIntervalSmoother<EnsembleMemory>)Earlier(made, root =>
        {
            root["version"] = 1;
            Assert.True(root["parts"]!.AsObject().Remove("method"));
        });
        Assert.Null(smoother.Method);
        SameAnalyses(made, smoother, twin);

        (made, twin) = Fitted(new IterativeEnsembleKalmanSmoother { Members = 6 }, System);
        var iterative = Earlier(made, root =>
        {
            var record = root["parts"]!["method"]!;
            Assert.Equal(3, (int)record["version"]!);
            record["version"] = 2;
            record["settings"]!["modelError"] = "SquareRoot";
        });
        Assert.Equal(Record(made), Record(iterative));
        SameAnalyses(made, iterative, twin);

        (made, twin) = Fitted(new JointEstimation
        {
            Parameters = [new EstimatedParameter("forcing", 7.5, 1)], Filter = new EnsembleTransformKalmanFilter { Members = 6 },
        }, System);
        SameAnalyses(made, Reloaded.Of(new TransformerChain(((JointAssimilation)made).Steps), context), twin);
    }

    // What is read of a file whose manifest is that of an earlier version.
    private ITransformer Earlier(ITransformer made, Action<JsonNode> change)
    {
        string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.daml");
        try
        {
            ModelArchive.Write(made, path);
            using (var zip = ZipFile.Open(path, ZipArchiveMode.Update))
            {
                JsonNode manifest;
                using (var entry = zip.GetEntry("manifest.json")!.Open()) manifest = JsonNode.Parse(entry)!;
                change(manifest["root"]!);
                zip.GetEntry("manifest.json")!.Delete();
                using var changed = zip.CreateEntry("manifest.json", CompressionLevel.NoCompression).Open();
                changed.Write(JsonSerializer.SerializeToUtf8Bytes(manifest));
            }
            return context.Model.Load<ITransformer>(path);
        }
        finally { File.Delete(path); }
    }

    private (ITransformer Method, ITrajectoryView Twin) Fitted(AssimilationMethod method, AssimilationSystem system)
    {
        var start = new GaussianInitialCondition(arange(Dimension, dtype: ScalarType.Float64), ErrorCovariance.Scalar(Dimension, 1));
        var twin = context.Data.Twin(system with { Initial = start }, new() { Batch = 2, Cycles = 40 });
        var estimator = method.For(system with { Initial = start }, context);
        return (estimator is IValidatedEstimator<ITransformer> trained ? trained.Fit(twin, twin) : estimator.Fit(twin), twin);
    }

    private (ITransformer Made, ITransformer Read, ITrajectoryView Twin) SavedAndRead(AssimilationMethod method, AssimilationSystem system)
    {
        var (made, twin) = Fitted(method, system);
        return (made, Reloaded.Of(made, context), twin);
    }

    private static SequentialAssimilationOptions Options(ITransformer method) => ((dynamic)method).Options;

    private static AssimilationMethod Record(ITransformer method) => Assert.IsAssignableFrom<AssimilationMethod>(
        method.GetType().GetProperty("Method") is { } record ? record.GetValue(method) : Options(method));

    private static void SameAnalyses(ITransformer made, ITransformer read, ITrajectoryView twin)
    {
        using var scope = NewDisposeScope();
        using var expected = made.Transform(twin.Take(6)).OpenCursor();
        using var found = read.Transform(twin.Take(6)).OpenCursor();
        for (int cycle = 0; cycle < 6; cycle++)
        {
            Assert.True(expected.MoveNext() && found.MoveNext());
            foreach (var added in made.Contract.Adds) Assert.True(expected[added.Column].Equals(found[added.Column]), added.Column.Name);
        }
    }
}
