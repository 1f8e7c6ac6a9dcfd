using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>What breaks a contract is caught, and the test it fails is named.</summary>
public class CaughtTests
{
    private static void Caught(Action test, string name)
    {
        var caught = Assert.Throws<ConformanceException>(() =>
        {
            try { test(); }
            catch (AggregateException several) { throw several.InnerExceptions[0]; }
        });
        Assert.StartsWith(name, caught.Test);
    }

    // ---- models ----

    /// <summary>x' = -x^3 by a forward Euler step, with one factor of its derivatives open to error.</summary>
    private sealed class Euler(double tangentFactor, double adjointFactor) : DiscreteDynamics(3, 0.1)
    {
        protected override Tensor Step(Tensor state, double time) => state - 0.1 * state.pow(3) + 0.1 * state.roll(1, -1);
        protected override (Tensor State, Tensor Perturbation) StepTangentLinear(Tensor state, Tensor perturbation, double time) =>
            (Step(state, time), perturbation - 0.3 * tangentFactor * state.square() * perturbation + 0.1 * perturbation.roll(1, -1));
        protected override Tensor StepAdjoint(Tensor state, Tensor sensitivity, double time) =>
            sensitivity - 0.3 * adjointFactor * state.square() * sensitivity + 0.1 * sensitivity.roll(-1, -1);
    }

    /// <summary>Keeps the last state it saw and adds a little of it.</summary>
    private sealed class Remembering : IDynamics
    {
        private readonly Lorenz63 model = new();
        private double last;
        public string Name => "remembering";
        public long Dimension => 3;
        public double TimeStep => 0.01;
        public IErrorCovariance? ModelError => null;
        public Tensor Advance(Tensor state, TimeInterval interval)
        {
            double before = last;
            last = state.sum().ToDouble();
            return model.Advance(state, interval) + 1e-9 * before;
        }
        public Tensor TangentLinear(Tensor state, Tensor perturbation, TimeInterval interval) =>
            model.TangentLinear(state, perturbation, interval);
        public Tensor Adjoint(Tensor state, Tensor sensitivity, TimeInterval interval) => model.Adjoint(state, sensitivity, interval);
    }

#pragma warning disable xUnit1000 // run by the tests here, not by the runner
    private sealed class OfModel(Func<IDynamics> create) : DynamicsContract
    {
        protected override IDynamics CreateDynamics() => create();
    }

    /// <summary>A learned method whose network has a gradient of another length in single precision, while its values are right.</summary>
    private sealed class OfGradient(double factor) : Lorenz96GradientContract
    {
        private sealed class Scale(ScalarType precision, double factor) : nn.Module<Tensor, Tensor>(nameof(Scale))
        {
            private readonly Parameter weight = new(ones([1], dtype: precision));

            public override Tensor forward(Tensor fields)
            {
                var result = fields.narrow(1, 0, 1) * weight * 0.1;
                return precision == ScalarType.Float64 ? result : factor * result + (1 - factor) * result.detach();
            }

            public Scale Registered()
            {
                RegisterComponents();
                return this;
            }
        }

        protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
            context.Analysis.LearnedField("scale", new AssimilationSystem(Model, Observing), Plane,
                _ => new Scale(context.Options.NetworkPrecision, factor).Registered());
    }

    private sealed class OfParameters(Func<IParametricDynamics> create) : ParametricDynamicsContract
    {
        protected override IParametricDynamics CreateParametricDynamics() => create();
    }

    private sealed class OfOperator(Func<IObservationOperator> create) : ObservationOperatorContract
    {
        protected override IObservationOperator CreateOperator() => create();
    }

    private sealed class OfCovariance(Func<IErrorCovariance> create) : ErrorCovarianceContract
    {
        protected override IErrorCovariance CreateCovariance() => create();
    }

    private sealed class OfTransformer(Func<ITransformer> create) : TransformerContract
    {
        protected override ITransformer CreateTransformer(DataAssimilationContext context) => create();
        protected override ITrajectoryView CreateInput(DataAssimilationContext context) => Inputs.Lorenz63(context);
    }

    private sealed class OfFilter(Func<IObservationNetwork, IAnalyzer<EnsembleMemory>> create) : FilterContract
    {
        protected override ITransformer CreateFilter(DataAssimilationContext context, AssimilationSystem system) =>
            new SequentialAssimilation<EnsembleMemory>("tested",
                new AssimilationTriple<EnsembleMemory>(create(system.Network), new EnsemblePropagater(system.Dynamics),
                    new EnsembleProcoder(),
                new EnsembleSource(system.InitialOrUsual, 100, ScalarType.Float64)), system.Network, context);
    }

    private sealed class OfAnalyzer(IAnalyzer<EnsembleMemory> analyzer) : AnalyzerContract<EnsembleMemory>
    {
        protected override IAnalyzer<EnsembleMemory> CreateAnalyzer() => analyzer;
        protected override EnsembleMemory CreateForecast(RandomStream random) => new(random.Normal([2, 8, 4], ScalarType.Float64));
        protected override Observation CreateObservation(RandomStream random) => new(random.Normal([2, 4], ScalarType.Float64), null, 1);
    }

    private sealed class OfPreconditioner(IPreconditioner preconditioner) : PreconditionerContract
    {
        protected override IPreconditioner CreatePreconditioner() => preconditioner;
        protected override long Dimension => 6;
    }
#pragma warning restore xUnit1000

    [Theory]
    [InlineData(1, 1.001, "dot product")]
    [InlineData(1.001, 1, "dot product")]
    [InlineData(1.001, 1.001, "Taylor")]
    public void A_wrong_adjoint_and_a_wrong_tangent_linear(double tangentFactor, double adjointFactor, string test)
    {
        new OfModel(() => new Euler(1, 1)).It_and_its_linearisation_keep_their_contract();
        Caught(new OfModel(() => new Euler(tangentFactor, adjointFactor)).It_and_its_linearisation_keep_their_contract, test);
    }

    [Fact]
    public void A_gradient_that_is_wrong_in_single_precision_is_caught()
    {
        new OfGradient(1).Its_gradient_in_single_precision_is_that_in_double_precision();
        Caught(() => new OfGradient(0.99).Its_gradient_in_single_precision_is_that_in_double_precision(), "precision");
    }

    [Fact]
    public void A_model_that_remembers()
    {
        Caught(new OfModel(() => new Remembering()).It_and_its_linearisation_keep_their_contract, "determinism");
        Caught(new OfModel(() => new Remembering()).Several_threads_get_the_same_numbers, "threads");
        Caught(new OfModel(() => new Remembering()).It_keeps_no_tensor_and_takes_none, "ownership");
    }

    /// <summary>x' = -a x with a parameter b that goes nowhere, or with the mean of the batch's parameters.</summary>
    private sealed class Decay(bool mixes, bool ignores)
        : ParametricDynamics(2, 0.1, new ModelParameter("a", 1), new ModelParameter("b", 0.5))
    {
        protected override Tensor Tendency(Tensor state, Tensor parameters)
        {
            Tensor a = parameters.narrow(-1, 0, 1), b = parameters.narrow(-1, 1, 1);
            if (mixes && a.ndim > 1) a = a.mean([0], keepdim: true);
            return -a * state + (ignores ? 0 : 1) * b;
        }
    }

    [Fact]
    public void A_model_that_mixes_parameters_or_ignores_one()
    {
        var right = new OfParameters(() => new Decay(false, false));
        right.Every_state_runs_with_its_own_parameters();
        right.With_its_own_parameters_it_is_itself();
        right.Joined_with_its_parameters_it_is_a_model();
        Caught(new OfParameters(() => new Decay(true, false)).Every_state_runs_with_its_own_parameters, "independence");
        Caught(new OfParameters(() => new Decay(false, true)).Every_state_runs_with_its_own_parameters, "influence");
    }

    private sealed class SquareCalledLinear() : ObservationOperator(4, 4)
    {
        public override bool IsLinear => true;
        protected override Tensor Observe(Tensor state) => state.square();
    }

    [Fact]
    public void An_operator_that_says_it_is_linear() =>
    Caught(new OfOperator(() => new SquareCalledLinear()).It_and_its_linearisation_keep_their_contract, "linearity");

    // ---- error covariances ----

    private sealed class Faulty(Faulty.Fault fault) : IErrorCovariance
    {
        public enum Fault { Determinant, Root, Transpose, Mask, Inverse, Asymmetric }
        private readonly IErrorCovariance right =
            ErrorCovariance.Full(tensor(new[,] { { 2, 0.5, 0.1 }, { 0.5, 1, -0.3 }, { 0.1, -0.3, 0.7 } }));
        public long Dimension => 3;
        public double LogDeterminant => right.LogDeterminant + (fault == Fault.Determinant ? Math.Log(2) : 0);
        public Tensor ToMatrix(ScalarType dtype, Device device) =>
            fault == Fault.Asymmetric ? right.ToMatrix(dtype, device).triu() : right.ToMatrix(dtype, device);
        public Tensor ApplyInverse(Tensor vector, Tensor? mask = null) => fault switch
        {
            Fault.Inverse => right.ApplyInverse(vector, mask) * 1.001,
            // rows and columns left out of the inverse instead of the matrix
            Fault.Mask when mask is not null =>
                right.ApplyInverse(vector.masked_fill(mask.unsqueeze(1).logical_not(), 0)).masked_fill(mask.unsqueeze(1).logical_not(), 0),
            _ => right.ApplyInverse(vector, mask),
        };
        public Tensor Whiten(Tensor vector, Tensor? mask = null) => right.Whiten(vector, mask);
        public Tensor ColourAdjoint(Tensor vector) => fault == Fault.Transpose ? right.Colour(vector) : right.ColourAdjoint(vector);
        public Tensor Colour(Tensor white) => right.Colour(white) * (fault == Fault.Root ? 1.001 : 1);
    }

    [Fact]
    public void Wrong_error_covariances()
    {
        Caught(new OfCovariance(() => new Faulty(Faulty.Fault.Determinant)).Its_matrix_is_symmetric_and_positive_definite, "determinant");
        Caught(new OfCovariance(() => new Faulty(Faulty.Fault.Asymmetric)).Its_matrix_is_symmetric_and_positive_definite, "symmetry");
        Caught(new OfCovariance(() => new Faulty(Faulty.Fault.Inverse)).Its_operations_are_those_of_its_matrix, "inverse");
        Caught(new OfCovariance(() => new Faulty(Faulty.Fault.Root)).Its_operations_are_those_of_its_matrix, "root");
        Caught(new OfCovariance(() => new Faulty(Faulty.Fault.Transpose)).Its_operations_are_those_of_its_matrix, "root");
        Caught(new OfCovariance(() => new Faulty(Faulty.Fault.Mask)).A_mask_is_the_smaller_covariance, "mask");
    }

    // ---- transformers ----

    /// <summary>Exponential smoothing of the truth, right or wrong.</summary>
    private sealed class Smoothing(Smoothing.Fault given) : ITransformer
    {
        private readonly Fault fault = given;
        public enum Fault { None, SharedState, ChangesInput, DisposesInput, Eager, WrongShape, NeverCloses, GoesOn, TakesAnything,
            OrderOfReading }
        private static readonly Column Smooth = new("smooth");
        private Tensor? shared;
        public string Name => "smoothing";
        public SchemaContract Contract { get; } = new([new(Columns.Truth, 3)], [new(Smooth, 3)]);

        public ITrajectoryView Transform(ITrajectoryView input)
        {
            var schema = fault == Fault.TakesAnything ? input.Schema.With(Contract.Adds) : Contract.Apply(input.Schema, Name);
            if (fault == Fault.Eager) input.OpenCursor().Dispose();
            long? count = fault == Fault.GoesOn ? input.CycleCount + 1 : input.CycleCount;
            return new TrajectoryView(schema, count, input.StartTime,
                () => new Cursor(this, fault == Fault.NeverCloses ? new NotClosed(input.OpenCursor()) : input.OpenCursor()));
        }

        private sealed class Cursor(Smoothing step, ITrajectoryCursor source) : TrajectoryCursor(source)
        {
            private Tensor? own;
            private double read;

            protected override bool Compute(long cycle)
            {
                var truth = Source![Columns.Truth];
                if (step.fault == Fault.ChangesInput) truth.add_(1e-12);
                var before = step.fault == Fault.SharedState ? step.shared : own;
                var smooth = (before is null ? truth.clone() : 0.5 * before + 0.5 * truth).DetachFromDisposeScope();
                if (step.fault == Fault.SharedState) step.shared = smooth; // one cursor's past becomes another's
                else own = smooth;
                if (step.fault == Fault.DisposesInput && cycle == 1) truth.Dispose();
                if (step.fault == Fault.OrderOfReading) SetOnDemand(Smooth, () => smooth + read++);
                else Set(Smooth, step.fault == Fault.WrongShape ? smooth.narrow(1, 0, 2) : smooth);
                return true;
            }
        }

        private sealed class NotClosed(ITrajectoryCursor inner) : ITrajectoryCursor
        {
            public long Cycle => inner.Cycle;
            public double Time => inner.Time;
            public Tensor this[Column column] => inner[column];
            public bool MoveNext() => inner.MoveNext();
            public void Dispose() { }
        }
    }

    [Fact]
    public void A_transformer_whose_cursors_share_state()
    {
        Caught(Of(Smoothing.Fault.SharedState).Interleaved_cursors_do_not_disturb_each_other, "independence of cursors");
        Caught(Of(Smoothing.Fault.SharedState).Its_view_is_read_again_to_the_bit, "restart");
        Caught(Of(Smoothing.Fault.SharedState).Cursors_on_several_threads_do_not_disturb_each_other, "threads");
    }

    [Fact]
    public void Other_transformers_that_break_their_word()
    {
        Caught(Of(Smoothing.Fault.ChangesInput).It_leaves_its_input_alone_and_closes_what_it_opens, "ownership");
        Caught(Of(Smoothing.Fault.DisposesInput).It_leaves_its_input_alone_and_closes_what_it_opens, "ownership");
        Caught(Of(Smoothing.Fault.NeverCloses).It_leaves_its_input_alone_and_closes_what_it_opens, "ownership");
        Caught(Of(Smoothing.Fault.Eager).It_computes_nothing_before_a_cursor_moves, "laziness");
        Caught(Of(Smoothing.Fault.WrongShape).It_gives_the_columns_it_promises, "schema");
        Caught(Of(Smoothing.Fault.GoesOn).It_ends_when_its_input_ends, "end");
        Caught(Of(Smoothing.Fault.TakesAnything).A_missing_column_is_refused, "refusal");
        Caught(Of(Smoothing.Fault.OrderOfReading).The_order_of_reading_columns_changes_nothing, "order of reading");
    }

    [Fact]
    public void A_right_transformer_passes_all()
    {
        foreach (var test in typeof(TransformerContract).GetMethods()
            .Where(method => method.IsDefined(typeof(FactAttribute), false) && !method.Name.Contains("file")))
            test.Invoke(Of(Smoothing.Fault.None), null);
    }

    private static OfTransformer Of(Smoothing.Fault fault)
    {
        var step = new Smoothing(fault);
        return new OfTransformer(() => step);
    }

    // ---- filters ----

    /// <summary>The ensemble transform Kalman filter, and then something that it should not do.</summary>
    private sealed class Spoilt(IObservationNetwork network, Func<EnsembleMemory, EnsembleMemory, EnsembleMemory> spoil,
        bool ignoresTheMask = false) : IAnalyzer<EnsembleMemory>
    {
        private readonly EnsembleTransformKalmanFilterAnalyzer right = new(network.Operator, network.Error, Inflation.None,
            EnsembleRotation.None);
        public string Name => "spoilt";
        public EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random)
        {
            using var scope = NewDisposeScope();
            var analysis = right.Analyze(forecast, ignoresTheMask ? observation with { Mask = null } : observation, random);
            return spoil(forecast, analysis).Map(tensor => tensor.alias().MoveToOuterDisposeScope());
        }
    }

    private static OfFilter Filter(Func<EnsembleMemory, EnsembleMemory, EnsembleMemory> spoil, bool ignoresTheMask = false) =>
        new(network => new Spoilt(network, spoil, ignoresTheMask));

    [Fact]
    public void A_biased_filter() =>
        Caught(Filter((_, analysis) => new(analysis.Members + 0.05)).On_a_linear_Gaussian_system_it_approaches_the_Kalman_filter, "bias");

    [Fact]
    public void A_filter_that_is_inaccurate_or_wrong_about_its_errors()
    {
        static EnsembleMemory Scaled(EnsembleMemory memory, double factor)
        {
            var mean = memory.Members.mean([1], keepdim: true);
            return new(mean + factor * (memory.Members - mean));
        }
        Filter((_, analysis) => analysis).On_a_linear_Gaussian_system_it_approaches_the_Kalman_filter();
        Caught(Filter((_, analysis) => Scaled(analysis, 0.8)).On_a_linear_Gaussian_system_it_approaches_the_Kalman_filter, "variance");
        Caught(Filter((_, analysis) => Scaled(analysis, 1.3)).On_a_linear_Gaussian_system_it_approaches_the_Kalman_filter, "variance");
        Caught(Filter((forecast, analysis) =>
            new(0.7 * forecast.Members + 0.3 * analysis.Members)).On_a_linear_Gaussian_system_it_approaches_the_Kalman_filter, "accuracy");
    }

    [Fact]
    public void A_filter_that_ignores_the_mask()
    {
        var blind = Filter((_, analysis) => analysis, ignoresTheMask: true);
        blind.On_a_linear_Gaussian_system_it_approaches_the_Kalman_filter();
        Caught(blind.Missing_observations_count_as_missing, "bias");
        Caught(blind.A_mask_is_a_smaller_network, "mask");
        Caught(blind.Where_nothing_is_observed_the_analysis_is_the_forecast, "nothing observed");
    }

    [Fact]
    public void A_filter_that_remembers_or_draws_where_no_stream_is_named()
    {
        double last = 0;
        var remembering = Filter((_, analysis) =>
        {
            double before = last;
            last = analysis.Members.mean().ToDouble();
            return new(analysis.Members + 1e-9 * before);
        });
        Caught(remembering.Interleaved_cursors_do_not_disturb_each_other, "independence of cursors");
        var unnamed = Filter((_, analysis) => new(analysis.Members + 1e-6 * randn_like(analysis.Members)));
        Caught(unnamed.Seed_and_settings_say_all, "seeds");
    }

    // ---- preconditioners ----

    private sealed class Preconditioner(Func<Tensor, Tensor> apply) : IPreconditioner
    {
        public string Name => "own";
        public ControlVector Apply(ControlVector vector)
        {
            using var scope = NewDisposeScope();
            return new(apply(vector.Values).alias().MoveToOuterDisposeScope());
        }
    }

    [Fact]
    public void Preconditioners_that_are_not_symmetric_positive_definite_or_linear()
    {
        static OfPreconditioner Of(Func<Tensor, Tensor> apply) => new(new Preconditioner(apply));
        var right = Of(v => 3 * v + 0.5 * (v.roll(1, -1) + v.roll(-1, -1)));
        right.It_is_linear();
        right.It_is_symmetric_and_positive_definite();
        right.Trajectories_are_independent();
        right.It_leaves_what_it_is_given_alone();
        right.A_preconditioned_solve_has_the_same_solution();
        Caught(Of(v => v.relu() + 0.1 * v).A_preconditioned_solve_has_the_same_solution, "solution");
        Caught(Of(v => -v).A_preconditioned_solve_has_the_same_solution, "solution");
        Caught(Of(v => 3 * v + 0.5 * v.roll(1, -1)).It_is_symmetric_and_positive_definite, "symmetry");
        Caught(Of(v => v + v.roll(1, -1) + v.roll(-1, -1)).It_is_symmetric_and_positive_definite, "positive definiteness");
        Caught(Of(v => v * v.square().sum([-1], keepdim: true).sqrt()).It_is_linear, "linearity");
        Caught(Of(v => v + 0.1 * v.mean([0], keepdim: true)).Trajectories_are_independent, "batch independence");
        Caught(Of(v => v.mul_(2)).It_leaves_what_it_is_given_alone, "ownership");
    }

    // ---- analyzers ----

    private sealed class Broken(Broken.Fault fault) : IAnalyzer<EnsembleMemory>
    {
        public enum Fault { None, Counts, ChangesForecast, HandsBack, Leaks, Infinite, ConstantAnswer }
        private int calls;
        public string Name => "broken";
        public EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random)
        {
            var x = forecast.Members;
            switch (fault)
            {
                case Fault.Counts: return new(x + Interlocked.Increment(ref calls));
                case Fault.ChangesForecast: return new(x.add_(1));
                case Fault.HandsBack: return forecast;
                case Fault.Leaks: return new((x + 1) * 2);
                case Fault.Infinite: return new(x / 0.0);
                case Fault.ConstantAnswer: return new(full(x.shape, 1.0, dtype: x.dtype));
                default: return new(x + 1);
            }
        }
    }

    [Theory]
    [InlineData(nameof(Broken.Fault.Counts), true, "statelessness")]
    [InlineData(nameof(Broken.Fault.ConstantAnswer), true, "statelessness")]
    [InlineData(nameof(Broken.Fault.ChangesForecast), false, "ownership")]
    [InlineData(nameof(Broken.Fault.HandsBack), false, "ownership")]
    [InlineData(nameof(Broken.Fault.Leaks), false, "ownership")]
    [InlineData(nameof(Broken.Fault.Infinite), false, "finite")]
    public void A_broken_analyzer(string fault, bool stateful, string test)
    {
        var right = new OfAnalyzer(new Broken(Broken.Fault.None));
        right.It_is_stateless();
        right.It_leaves_what_it_is_given_alone();
        var broken = new OfAnalyzer(new Broken(Enum.Parse<Broken.Fault>(fault)));
        Caught(stateful ? broken.It_is_stateless : broken.It_leaves_what_it_is_given_alone, test);
    }
}
