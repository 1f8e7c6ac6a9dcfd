using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class AssimilationMethodTests
{
    private readonly DataAssimilationContext context = new(5);

    private static AssimilationSystem System { get; } = new(new Lorenz96(12), ObservationNetwork.Full(12));

    [Fact]
    public void A_method_is_a_value_that_is_compared_changed_and_printed()
    {
        var etkf = new EnsembleTransformKalmanFilter { Members = 10, Inflation = Inflation.StandardDeviation(1.02) };
        Assert.Equal(etkf, new EnsembleTransformKalmanFilter { Members = 10, Inflation = Inflation.StandardDeviation(1.02) });
        Assert.NotEqual(etkf, etkf with { Rotation = EnsembleRotation.MeanPreserving });
        Assert.Contains("Members = 10", etkf.ToString());
        Assert.Equal("ETKF (N = 10)", etkf.For(System, context).Name);
        Assert.Equal("mine", (etkf with { Name = "mine" }).For(System, context).Name);
        Assert.Same(etkf, etkf.For(System, context).Options);
    }

    [Fact]
    public void A_method_that_runs_another_runs_it_with_the_settings_of_both()
    {
        var etkf = new EnsembleTransformKalmanFilter
            { Members = 6, Stream = "inner", DivergenceBound = 50, DivergenceHandling = DivergenceHandling.Isolate };
        SequentialAssimilationOptions Filter(EnsembleKalmanSmoother smoother) => smoother.For(System, context).Filter.Options;
        var smoother = new EnsembleKalmanSmoother { Filter = etkf };
        Assert.Equal(etkf, Filter(smoother));
        Assert.Equal(etkf with { Stream = "outer" }, Filter(smoother with { Stream = "outer", DivergenceBound = 80 }));
        Assert.Equal(etkf with { DivergenceBound = 20 },
            Filter(smoother with { DivergenceBound = 20, DivergenceHandling = DivergenceHandling.Isolate }));
        var stopping = smoother with { Filter = etkf with { DivergenceHandling = DivergenceHandling.Stop } };
        Assert.Equal(DivergenceHandling.Stop, Filter(stopping).DivergenceHandling);
        Assert.Equal(DivergenceHandling.Isolate,
            Filter(stopping with { DivergenceHandling = DivergenceHandling.Isolate }).DivergenceHandling);

        // Also through two methods.
        var joint = new JointEstimation
        {
            Parameters = [new EstimatedParameter("forcing", 8, 1)], Filter = new AdaptivelyInflatedFilter { Filter = etkf },
            Name = "mine", Stream = "outer", DivergenceBound = 30,
        }.For(System, context);
        var adaptive = Assert.IsType<SequentialAssimilation<ProductMemory<EnsembleMemory, VectorMemory>>>(joint.Steps[1]).Options;
        Assert.Equal(("mine", "outer", 30.0, DivergenceHandling.Isolate),
            (joint.Name, adaptive.Stream, adaptive.DivergenceBound, adaptive.DivergenceHandling));
    }

    public static TheoryData<string> Names => [.. NamedMethods.All.Keys];

    [Theory, MemberData(nameof(Names))]
    public void Every_named_method_says_its_columns_before_it_learns(string name)
    {
        var system = Named(name);
        var method = NamedMethods.All[name].For(system, context);
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 3 });
        Assert.Equal([40], method.GetOutputSchema(twin.Schema)[Columns.Analysis].Shape);
        Assert.Equal(method.Name, context.Analysis.Method(system, NamedMethods.All[name]).Name);
    }

    // Lorenz-96 with 40 components, which the named methods suit; a Kalman filter needs a normal start.
    private static AssimilationSystem Named(string name)
    {
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        return NamedMethods.All[name] is not (KalmanFilter or RauchTungStriebelSmoother) ? system
            : system with { Initial = new GaussianInitialCondition(zeros(40), ErrorCovariance.Scalar(40, 1)) };
    }

    [Fact]
    public void Every_method_of_the_library_has_a_name() =>
        Assert.Equal(typeof(EnsembleFilter).Assembly.GetExportedTypes().Concat(typeof(ResidualConvolution).Assembly.GetExportedTypes())
            .Where(type => !type.IsAbstract && type.IsAssignableTo(typeof(AssimilationMethod))).Select(type => type.Name).Order(),
            NamedMethods.All.Values.Select(method => method.GetType().Name).Distinct().Order());

    [Fact]
    public void A_method_with_something_to_learn_is_refused_before_it_is_fitted()
    {
        var twin = context.Data.Twin(System, new() { Batch = 4, Cycles = 60 });
        var background = new ClimatologicalBackground { ClimatologyCycles = 60, TuningCycles = 30, TuningBurnIn = 10 };
        var variational = context.Analysis.ThreeDimensionalVariational(System, new() { Background = background });
        Assert.Contains("background error covariance first: call Fit",
            Assert.Throws<InvalidOperationException>(() => variational.Transform(twin)).Message);
        Assert.Contains("climatology first: call Fit",
            Assert.Throws<InvalidOperationException>(() => context.Analysis.Climatology(System).Run(twin)).Message);
        string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.daml");
        Assert.Throws<InvalidOperationException>(() => context.Model.Save(variational, path));
        Assert.False(File.Exists(path));

        var fitted = variational.Fit(twin);
        Assert.NotNull(((ThreeDimensionalVariational)fitted.Options).Background.Covariance);
        Assert.Same(fitted, fitted.Fit(twin));
        using var run = fitted.Run(twin);
        Assert.True(run.MoveNext());
    }

    [Fact]
    public void A_chain_fits_what_is_to_be_learned_in_it_and_leaves_the_rest()
    {
        var twin = context.Data.Twin(System, new() { Batch = 4, Cycles = 60 });
        var forecast = new LeadTimeForecast(System.Dynamics, Columns.Analysis, new Column("in-two-cycles"), 2);
        var chain = context.Analysis.OptimalInterpolation(System).Append(forecast);
        Assert.Throws<InvalidOperationException>(() => chain.Transform(twin));
        var fitted = chain.Fit(twin);
        Assert.Same(forecast, fitted.Steps[1]);
        using var cursor = fitted.Transform(twin).OpenCursor();
        Assert.True(cursor.MoveNext());
        Assert.Throws<SchemaException>(() => chain.Fit(context.Data.Twin(System with { Dynamics = new Lorenz96(12) }, new() { Cycles = 2 })
            .Materialise([Columns.Observation])));
    }

    [Fact]
    public void A_transformer_is_the_estimator_of_itself()
    {
        IEstimator<ITransformer> etkf = context.Analysis.EnsembleTransformKalmanFilter(System, new() { Members = 6 });
        Assert.Same(etkf, etkf.Fit(context.Data.Twin(System, new() { Cycles = 2 })));
        var other = new AssimilationSystem(new Lorenz96(10), ObservationNetwork.Full(10));
        Assert.Throws<SchemaException>(() => etkf.Fit(context.Data.Twin(other, new() { Cycles = 2 })));
    }

    [Fact]
    public void The_settings_of_a_learned_analysis_reach_the_method_that_is_trained()
    {
        var training = new TrainingOptions
            { Steps = 2, Truncation = 2, ValidationInterval = 1, ValidationBurnIn = 2, ValidationCycles = 6 };
        var method = context.Analysis.ResidualConvolution(System, new()
        {
            Name = "small", Stream = "own", DivergenceHandling = DivergenceHandling.Isolate, Training = training,
            Network = new() { Filters = 4, Blocks = 1, SubBlocks = 1 },
        });
        var view = context.Data.Twin(System, new() { Batch = 4, Cycles = 40 });
        var learned = method.Fit(view, view);
        Assert.Equal("small", learned.Name);
        Assert.Equal(("own", DivergenceHandling.Isolate), (learned.Options.Stream, learned.Options.DivergenceHandling));
    }

    [Fact]
    public void Tuning_takes_methods_as_records()
    {
        var etkf = new EnsembleTransformKalmanFilter { Members = 8 };
        var start = System with { Initial = new AttractorInitialCondition(System.Dynamics, 5) };
        var twin = context.Data.Twin(start, new() { Batch = 2, Cycles = 30 });
        var byRecord = context.Analysis.Tune(start, "inflation", TuningSearch.Grid(1.0, 1.2, 3),
            value => etkf with { Inflation = Inflation.StandardDeviation(value) },
            new() { BurnIn = 5, Threads = 1 }).Tune(twin);
        var byHand = context.Analysis.Tune("inflation", TuningSearch.Grid(1.0, 1.2, 3),
            value => context.Analysis.EnsembleTransformKalmanFilter(start,
                new() { Members = 8, Inflation = Inflation.StandardDeviation(value) }),
            new() { BurnIn = 5, Threads = 1 }).Tune(twin);
        Assert.Equal(byHand.Values, byRecord.Values);
        Assert.Equal(byHand.Curve.Best.Score, byRecord.Curve.Best.Score);
    }

    [Fact]
    public void A_configuration_gives_the_named_method_with_its_settings()
    {
        var etkf = new EnsembleTransformKalmanFilter
            { Members = 10, Inflation = Inflation.StandardDeviation(1.02), Rotation = EnsembleRotation.MeanPreserving };
        Assert.Equal(etkf, MethodConfiguration.Read("""{ "method": "etkf", "members": 10, "inflation": 1.02 }"""));
        Assert.Equal(NamedMethods.All["etkf"], MethodConfiguration.Read("""{ "method": "ETKF" }"""));
        var smoother = (IterativeEnsembleKalmanSmoother)MethodConfiguration.Read("""
            { "method": "ienks", "window": { "length": 8, "shift": 4 }, "prior": 2, "rotation": "none", "divergenceHandling": "isolate",
              "inflation": { "variance": 1.21 } }
            """);
        Assert.Equal((8, 4), (smoother.Window.Length, smoother.Window.Shift));
        Assert.Equal((FiniteSizePrior.DiracJeffreys(2), EnsembleRotation.None, DivergenceHandling.Isolate),
            (smoother.Prior, smoother.Rotation, smoother.DivergenceHandling));
        Assert.Equal(Inflation.Variance(1.21), smoother.Inflation);
        Assert.Equal(20, ((EnsembleTransformKalmanFilter)NamedMethods.All["etkf"]).Members);    // the named one stays
    }

    [Fact]
    public void A_configuration_gives_methods_within_methods_places_and_parameters()
    {
        var letkf = (LocalEnsembleTransformKalmanFilter)MethodConfiguration.Read("""
            { "method": "letkf", "members": 9, "localisation": { "grid": [3, 4], "halfWidth": 2.5, "taper": "tricube" } }
            """);
        Assert.Equal((9, 12, 2), (letkf.Members, letkf.Localisation.Geometry.Dimension, letkf.Localisation.Geometry.Axes));
        Assert.Equal((LocalisationRadius.HalfWidth(2.5), LocalisationTaper.Tricube), (letkf.Localisation.Radius, letkf.Localisation.Taper));
        Assert.Equal(LocalisationTaper.GaspariCohn, ((LocalEnsembleTransformKalmanFilter)MethodConfiguration.Read(
            """{ "method": "letkf", "localisation": { "line": 12, "eFolding": 4 } }""")).Localisation.Taper);

        Assert.Equal(new AdaptivelyInflatedFilter
        {
            Filter = new DeterministicEnsembleKalmanFilter { Members = 9, Inflation = Inflation.StandardDeviation(1.01) },
            Inflation = new() { Deviation = 0.04 },
        }, MethodConfiguration.Read("""
            { "method": "adaptive-etkf", "filter": { "method": "denkf", "members": 9 }, "inflation": { "deviation": 0.04 } }
            """));
        Assert.Equal(new RauchTungStriebelSmoother { Filter = new KalmanFilter() },
            MethodConfiguration.Read("""{ "method": "rts", "filter": "kalman-filter" }"""));
        Assert.Equal(NamedMethods.All["letkf"], ((EnsembleKalmanSmoother)MethodConfiguration.Read(
            """{ "method": "enks", "filter": "letkf" }""")).Filter);

        var joint = (JointEstimation)MethodConfiguration.Read("""
            { "method": "joint-etkf", "parameters": { "rho": { "mean": 25, "standardDeviation": 3, "randomWalk": 0.02 },
              "beta": { "mean": 2.5, "standardDeviation": 0.1 } }, "filter": { "method": "3d-var", "divergenceBound": 9 } }
            """);
        Assert.Equal([new EstimatedParameter("rho", 25, 3) { Evolution = ParameterEvolution.RandomWalk(0.02) }, new("beta", 2.5, 0.1)],
            joint.Parameters);
        Assert.Equal(9, joint.Filter.DivergenceBound);
    }

    [Fact]
    public void A_configuration_gives_the_settings_of_a_training_and_a_network()
    {
        Assert.Equal(new ResidualConvolution
        {
            Training = new() { Steps = 500, MaximumDuration = TimeSpan.FromSeconds(90), BatchSize = 4,
                Schedule = new() { Decay = LearningRateDecay.Exponential, Factor = 0.1 } },
            Network = new() { Filters = 8, Activation = NetworkActivation.None, Grid = StateGrid.Line },
        }, MethodConfiguration.Read("""
            { "method": "residual-convolution",
              "training": { "steps": 500, "maximumDuration": "00:01:30", "batchSize": 4,
                            "schedule": { "decay": "exponential", "factor": 0.1 } },
              "network": { "filters": 8, "activation": "none", "grid": "line" } }
            """));
        Assert.Equal(new InnovationLinear { Network = new() { Columns = 4, Radius = LocalisationRadius.EFolding(2) } },
            MethodConfiguration.Read("""{ "method": "innovation-linear", "network": { "columns": 4, "radius": { "eFolding": 2 } } }"""));
        Assert.Equal(new ResidualConvolutionWithMemory { Memory = new() { Count = 3, Update = ChannelUpdate.Replaced } },
            MethodConfiguration.Read(
                """{ "method": "residual-convolution-with-memory", "memory": { "count": 3, "update": "replaced" } }"""));
        Assert.Equal(new EnsembleConvolution { Members = 5 },
            MethodConfiguration.Read("""{ "method": "ensemble-convolution", "members": 5 }"""));
        var smoother = (IterativeEnsembleKalmanSmoother)MethodConfiguration.Read("""
            { "method": "ienks", "window": 2, "observationUse": [0.25, 0.75],
              "iteration": { "maximumIterations": 4, "linearisation": { "bundle": 0.001 } } }
            """);
        Assert.Equal((ObservationUse.Multiple(0.25, 0.75), 4, EnsembleLinearisation.Bundle(0.001)),
            (smoother.ObservationUse, smoother.Iteration.MaximumIterations, smoother.Iteration.Linearisation));
        Assert.Equal(ParticleJitter.OfAll(0.4), ((ParticleFilter)MethodConfiguration.Read(
            """{ "method": "particle-filter", "jitter": { "all": 0.4 } }""")).Jitter);
        Assert.Equal(4000, ((ResidualConvolution)NamedMethods.All["residual-convolution"]).Training.Steps);    // the named one stays
    }

    [Theory]
    [InlineData("[]", "JSON object; given: Array")]
    [InlineData("{ \"method\": ", "one JSON object")]
    [InlineData("{ \"members\": 3 }", "must have a text 'method'")]
    [InlineData("{ \"method\": \"etkv\" }", "There is no method 'etkv'; there are: climatology")]
    [InlineData("{ \"method\": \"etkf\", \"memebers\": 3 }",
        "no setting 'memebers' that a configuration can give; it has: DivergenceBound")]
    [InlineData("{ \"method\": \"etkf\", \"members\": 3.5 }", "must be a whole number; given: 3.5")]
    [InlineData("{ \"method\": \"etkf\", \"rotation\": \"sideways\" }", "one of None, MeanPreserving")]
    [InlineData("{ \"method\": \"etkf\", \"inflation\": \"1.02\" }", "a factor of the standard deviation, or one of")]
    [InlineData("{ \"method\": \"4d-var\", \"background\": 1 }", "no setting 'background'")]
    [InlineData("{ \"method\": \"etkf\", \"inflation\": -1 }", "The setting 'inflation' of 'etkf': 'factor' must be")]
    [InlineData("{ \"method\": \"ienkf\", \"iteration\": { \"tolerance\": -1 } }",
        "The setting 'tolerance' within the setting 'iteration' of 'ienkf': ")]
    [InlineData("{ \"method\": \"ienkf\", \"iteration\": { \"steps\": 1 } }",
        "The setting 'iteration' of 'ienkf' has no setting 'steps' that a configuration can give; it has: Linearisation")]
    [InlineData("{ \"method\": \"ienkf\", \"iteration\": 3 }", "'iteration' of 'ienkf' must be an object of settings; given: 3")]
    [InlineData("{ \"method\": \"ienkf-q\", \"modelError\": \"stochastic\" }", "no setting 'modelError'")]
    [InlineData("{ \"method\": \"letkf\", \"localisation\": { \"circle\": 40 } }", "'circle' or 'line' and a number of places, or 'grid'")]
    [InlineData("{ \"method\": \"letkf\", \"localisation\": { \"circle\": 40, \"eFolding\": 0 } }", "'localisation' of 'letkf': ")]
    [InlineData("{ \"method\": \"letkf\", \"localisation\": { \"circle\": 40, \"eFolding\": 4, \"taper\": \"round\" } }",
        "gaspari-cohn, boxcar")]
    [InlineData("{ \"method\": \"rts\", \"filter\": \"etkf\" }",
        "'filter' of 'rts' must be one of kalman-filter, extended-kalman-filter; given: EnsembleTransformKalmanFilter")]
    [InlineData("{ \"method\": \"enks\", \"filter\": { \"method\": \"etkv\" } }", "'filter' of 'enks': There is no method 'etkv'")]
    [InlineData("{ \"method\": \"joint-etkf\", \"parameters\": { \"forcing\": 8 } }", "'mean', a 'standardDeviation'")]
    [InlineData("{ \"method\": \"joint-etkf\", \"parameters\": { \"forcing\": { \"mean\": 8, \"standardDeviation\": 0 } } }",
        "'parameters' of 'joint-etkf': ")]
    [InlineData("{ \"method\": \"residual-convolution\", \"training\": { \"maximumDuration\": 90 } }", "a duration such as")]
    [InlineData("{ \"method\": \"residual-convolution\", \"network\": { \"grid\": \"ring\" } }", "\"circle\" or \"line\"")]
    public void A_bad_configuration_is_refused(string json, string message) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => MethodConfiguration.Read(json)).Message);

    // A network that draws nothing itself: its weights follow from the seed, and it is moved to the context's precision.
    private sealed class Plain : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly TorchSharp.Modules.Linear mix = nn.Linear(24, 12);

        public Plain() : base(nameof(Plain)) => RegisterComponents();

        public override Tensor forward(Tensor forecast, Tensor innovation) => mix.call(cat([forecast, innovation], -1));
    }

    [Theory, InlineData(ScalarType.Float32), InlineData(ScalarType.Float64)]
    public void An_authors_module_is_drawn_and_converted(ScalarType precision)
    {
        var training = new TrainingOptions
            { Steps = 2, Truncation = 2, ValidationInterval = 1, ValidationBurnIn = 2, ValidationCycles = 6 };
        byte[] Weights(long seed)
        {
            var here = new DataAssimilationContext(new DataAssimilationOptions { Seed = seed, NetworkPrecision = precision });
            var view = here.Data.Twin(System, new() { Batch = 4, Cycles = 40 });
            var learned = here.Analysis.Learned("plain", System, _ => new Plain(), training).Fit(view, view);
            var weight = ((LearnedAnalyzer<StateMemory>)learned.Triple.Analyzer).Network.get_parameter("mix.weight")!;
            Assert.Equal(precision, weight.dtype);
            return [.. weight.detach().bytes];
        }
        Assert.Equal(Weights(1), Weights(1));
        Assert.NotEqual(Weights(1), Weights(2));
    }
}
