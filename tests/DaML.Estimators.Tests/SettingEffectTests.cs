using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Every setting of every method has an effect: with another value than its own the method gives other numbers. Names are held fixed, since
/// random streams follow them and would change every number.
/// </summary>
public sealed class SettingEffectTests
{
    private const int Dimension = 8;

    private static readonly AssimilationSystem System = new(new Lorenz96(Dimension), ObservationNetwork.Full(Dimension))
        { Initial = new GaussianInitialCondition(arange(Dimension, dtype: ScalarType.Float64), ErrorCovariance.Scalar(Dimension, 1)) };

    private static readonly AssimilationSystem Noisy =
        System with { Dynamics = new Lorenz96(Dimension) { ModelError = ErrorCovariance.Scalar(Dimension, 0.01) } };

    private static readonly TrainingOptions FewSteps = new()
        { Steps = 3, Truncation = 2, ValidationInterval = 1, ValidationBurnIn = 2, ValidationCycles = 6 };

    private static readonly ResidualConvolutionOptions SmallNetwork = new() { Filters = 4, Blocks = 1, SubBlocks = 1 };

    private static readonly EnsembleTransformKalmanFilter Transform = new() { Members = 6 };

    private static readonly KnownBackground Background = new(ErrorCovariance.Scalar(Dimension, 0.4));

    private static readonly IncrementalOptions Incremental = new() { InnerSolver = Conjugate() };

    // A method of each kind, with the model that its settings need.
    private static readonly IReadOnlyDictionary<string, (AssimilationMethod Method, AssimilationSystem System)> Methods =
        new (AssimilationMethod Method, AssimilationSystem System)[]
    {
        (new Climatology(), System), (new OptimalInterpolation(), System),
        (new KalmanFilter(), System), (new ExtendedKalmanFilter(), System), (new RauchTungStriebelSmoother(), System),
        (new StochasticEnsembleKalmanFilter { Members = 6 }, Noisy), (new DeterministicEnsembleKalmanFilter { Members = 6 }, Noisy),
        (Transform, Noisy), (new SerialSquareRootFilter { Members = 6 }, Noisy),
        (new FiniteSizeEnsembleKalmanFilter { Members = 6 }, Noisy),
        (new LocalEnsembleTransformKalmanFilter { Members = 6, Localisation = Localised(3) }, Noisy),
        (new AdaptivelyInflatedFilter { Filter = Transform }, System), (new EnsembleKalmanSmoother { Filter = Transform }, System),
        (new JointEstimation { Parameters = [new EstimatedParameter("forcing", 7.5, 1)], Filter = Transform }, System),
        (new IterativeEnsembleKalmanSmoother { Members = 6 }, System),
        (new AdditiveErrorIterativeEnsembleKalmanFilter { Members = 6 }, Noisy), (new ParticleFilter { Members = 60 }, System),
        (new ThreeDimensionalVariational { Background = Background }, System),
        (new FourDimensionalVariational
            { Background = Background, Window = WindowCycling.Overlapping(3, 2), Minimisation = Incremental },
            System with { Interval = 0.25 }),
        (new ResidualConvolution { Training = FewSteps, Network = SmallNetwork }, System),
        (new ResidualConvolutionWithMemory { Training = FewSteps, Network = SmallNetwork }, System),
        (new InnovationLinear
        {
            Training = FewSteps, Network = new() { Network = SmallNetwork, Columns = 2, Radius = LocalisationRadius.HalfWidth(2) },
        }, System),
        (new EnsembleConvolution { Members = 4, Training = FewSteps, Network = SmallNetwork }, System),
    }.ToDictionary(one => one.Method.GetType().Name);

    // Further ones, of whose settings only those of their own records of settings are tried.
    private static readonly IReadOnlyDictionary<string, (AssimilationMethod Method, AssimilationSystem System)> Further =
        new Dictionary<string, (AssimilationMethod, AssimilationSystem)>
    {
        ["3D-Var with a learned background"] = (new ThreeDimensionalVariational
            { Background = new ClimatologicalBackground { ClimatologyCycles = 20, TuningCycles = 20, TuningBurnIn = 4 } }, System),
        ["4D-Var by a quasi-Newton method"] = (new FourDimensionalVariational
        {
            Background = Background, Window = WindowCycling.Disjoint(2),
            Minimisation = new QuasiNewtonOptions { Memory = 1, MaximumIterations = 3 },
        }, System),
    };

    // Where a setting acts, if it does not act on the method above.
    private static readonly IReadOnlyDictionary<string, Func<AssimilationMethod, AssimilationMethod>> Where =
        new Dictionary<string, Func<AssimilationMethod, AssimilationMethod>>
    {
        ["IterativeEnsembleKalmanSmoother.ObservationUse"] =
            method => (IterativeEnsembleKalmanSmoother)method with { Window = WindowCycling.Overlapping(2) },
        ["IterativeEnsembleKalmanSmoother.Form"] =
            method => (IterativeEnsembleKalmanSmoother)method with { Prior = FiniteSizePrior.DiracJeffreys() },
        ["IterativeEnsembleKalmanSmoother.Iteration.MaximumIterations"] =
            method => (IterativeEnsembleKalmanSmoother)method with { Iteration = new() { MaximumIterations = 1 } },
        ["AdaptivelyInflatedFilter.Inflation.Smallest"] =
            method => (AdaptivelyInflatedFilter)method with { Inflation = new() { Start = 1.5, Deviation = 10 } },
        ["AdaptivelyInflatedFilter.Inflation.Largest"] =
            method => (AdaptivelyInflatedFilter)method with { Inflation = new() { Deviation = 10 } },
        ["FourDimensionalVariational.Terms"] = method => (FourDimensionalVariational)method with { Window = WindowCycling.Disjoint(2) },
        // A window in which the first increment is far too long.
        ["FourDimensionalVariational.Minimisation.Step"] = method => (FourDimensionalVariational)method with
            { Window = WindowCycling.Disjoint(6), Background = new KnownBackground(ErrorCovariance.Scalar(Dimension, 1000)) },
        ["ResidualConvolution.Training.Patience"] = method => Impatient(method, LearningRateSchedule.Constant),
        ["ResidualConvolution.Training.PatientAboveRate"] = method => Impatient(method, LearningRateSchedule.HalfCosine),
    };

    // A training whose rate is so large that it gets worse.
    private static AssimilationMethod Impatient(AssimilationMethod method, LearningRateSchedule schedule) =>
        (ResidualConvolution)method with
        {
            Training = FewSteps with { Steps = 12, LearningRate = 0.05, WarmUpSteps = 0, Patience = 1, Schedule = schedule },
        };

    private static readonly IReadOnlyDictionary<string, object[]> ValuesOfSettings = new Dictionary<string, object[]>
    {
        ["JointEstimation.Parameters"] = [new[] { new EstimatedParameter("forcing", 7.5, 2) }],
        ["JointEstimation.Filter"] = [new StochasticEnsembleKalmanFilter { Members = 6 }],
        ["EnsembleKalmanSmoother.Filter"] = [new StochasticEnsembleKalmanFilter { Members = 6 }],
        ["AdaptivelyInflatedFilter.Filter"] = [new StochasticEnsembleKalmanFilter { Members = 6 }],
        ["RauchTungStriebelSmoother.Filter"] = [new KalmanFilter { DivergenceBound = 1e-6 }],
        ["Climatology.Cycles"] = [10L], ["OptimalInterpolation.Cycles"] = [10L],
        ["AdaptivelyInflatedFilter.Inflation.Start"] = [1.5],
        ["AdaptivelyInflatedFilter.Inflation.Smallest"] = [1.2], ["AdaptivelyInflatedFilter.Inflation.Largest"] = [1.05],
        ["ResidualConvolution.Training.MaximumDuration"] = [TimeSpan.FromTicks(1)],
        ["ResidualConvolution.Training.PatientAboveRate"] = [1.0],
        ["ResidualConvolution.Network.KernelSize"] = [3L], ["FourDimensionalVariational.Minimisation.ControlTolerance"] = [1.0],
        ["FourDimensionalVariational.Priors"] = [new IPriorTerm[] { new ModelErrorTerm(ErrorCovariance.Scalar(Dimension, 0.01)) }],
        ["FourDimensionalVariational.Terms"] = [new ICostTerm[] { new DigitalFilterTerm(0.5, ErrorCovariance.Scalar(Dimension, 1)) }],
    };

    private static readonly IReadOnlyDictionary<Type, object[]> ValuesOfTypes = new Dictionary<Type, object[]>
    {
        [typeof(string)] = ["other"],
        [typeof(long?)] = [1L], [typeof(double?)] = [0.5],
        [typeof(GaussianInitialCondition)] =
            [new GaussianInitialCondition(ones(Dimension, dtype: ScalarType.Float64), ErrorCovariance.Scalar(Dimension, 2))],
        [typeof(Inflation)] = [Inflation.StandardDeviation(1.1)], [typeof(MultiplicativeInflation)] = [Inflation.StandardDeviation(1.1)],
        [typeof(FiniteSizePrior)] = [FiniteSizePrior.DiracJeffreys(2), FiniteSizePrior.Jeffreys],
        [typeof(WindowCycling)] = [WindowCycling.Overlapping(2), WindowCycling.Instant],
        [typeof(ObservationUse)] = [ObservationUse.Multiple(), ObservationUse.Multiple(0.25, 0.75)],
        [typeof(EnsembleLinearisation)] = [EnsembleLinearisation.Bundle()],
        [typeof(ParticleJitter)] = [ParticleJitter.OfDuplicates(0.4), ParticleJitter.OfAll(0.4)],
        [typeof(Localisation)] = [Localised(1)],
        [typeof(LocalisationRadius)] = [LocalisationRadius.HalfWidth(1)], [typeof(LocalisationTaper)] = [LocalisationTaper.Triangular],
        [typeof(StateGrid)] = [StateGrid.Line], [typeof(LearningRateSchedule)] = [LearningRateSchedule.Constant],
        [typeof(Background)] = [new KnownBackground(ErrorCovariance.Scalar(Dimension, 0.2))],
        [typeof(MinimisationOptions)] = [new QuasiNewtonOptions()],
        [typeof(SequentialAssimilation<StateMemory>)] =
            [Made(new ResidualConvolution { Training = FewSteps, Network = SmallNetwork, Name = "first" }, System).Method],
        [typeof(IInnerSolver)] = [new LanczosSolver(new() { MaximumIterations = 2 })],
        [typeof(IPreconditioning)] = [new SpectralPreconditioning(new ComputedEigenpairs(2))],
    };

    // What changes no numbers, and why.
    private static readonly IReadOnlyDictionary<string, string> WithoutNumbers = new Dictionary<string, string>
    {
        ["FourDimensionalVariational.Observer"] = "it is told of every window, and changes none",
        ["ResidualConvolution.Training.CheckpointPath"] = "a training that stopped goes on as if it had not",
        ["ResidualConvolution.Network.Computation"] = "it chooses the arithmetic of the same sums",
    };

    // Methods that draw no random numbers, from a start that is known.
    private static readonly string[] DrawNothing =
        ["Climatology", "OptimalInterpolation", "KalmanFilter", "ExtendedKalmanFilter", "RauchTungStriebelSmoother"];

    private static ConjugateGradientSolver Conjugate() => new(new() { MaximumIterations = 3, ResidualReduction = 0 });

    private static Localisation Localised(double radius) =>
        new(LocalisationGeometry.Circle(Dimension), LocalisationRadius.HalfWidth(radius));

    /// <summary>All settings of all methods; those of a record of settings, of which several methods have one, in the first.</summary>
    public static TheoryData<string> Settings
    {
        get
        {
            HashSet<Type> seen = [];
            return [.. Methods.SelectMany(one => Paths(one.Key, one.Value.Method)),
                .. Further.SelectMany(one => Paths(one.Key, one.Value.Method)).Where(path => path.Count(letter => letter == '.') > 1)];

            IEnumerable<string> Paths(string path, object record) => Settable(record.GetType()).SelectMany(property =>
                property.GetValue(record) is { } value and not AssimilationMethod && Settable(value.GetType()).Count > 0
                    && value.GetType().GetConstructor([]) is not null && !ValuesOfTypes.ContainsKey(value.GetType())
                    && seen.Add(value.GetType())
                    ? Paths($"{path}.{property.Name}", value).Append($"{path}.{property.Name}") : [$"{path}.{property.Name}"]);
        }
    }

    private static List<PropertyInfo> Settable(Type type) => type.GetMethod("<Clone>$") is null ? []
        : [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.SetMethod is { IsPublic: true })];

    [Fact]
    public void There_is_a_method_of_every_kind_and_every_exception_is_a_setting()
    {
        Assert.Equal(typeof(EnsembleFilter).Assembly.GetExportedTypes().Concat(typeof(ResidualConvolution).Assembly.GetExportedTypes())
            .Where(type => !type.IsAbstract && type.IsAssignableTo(typeof(AssimilationMethod))).Select(type => type.Name).Order(),
            Methods.Keys.Order());
        string[] settings = [.. Settings.Select(row => row.Data)];
        Assert.Empty(Where.Keys.Concat(ValuesOfSettings.Keys).Concat(WithoutNumbers.Keys).Except(settings));
        Assert.Subset(Methods.Keys.ToHashSet(), DrawNothing.ToHashSet());
    }

    [Theory, MemberData(nameof(Settings))]
    public void A_setting_changes_the_numbers(string setting)
    {
        if (WithoutNumbers.ContainsKey(setting)) return;
        string[] path = setting.Split('.');
        var (method, system) = Methods.TryGetValue(path[0], out var known) ? known : Further[path[0]];
        method = Where.GetValueOrDefault(setting, same => same)(method with { Name = "one", Stream = "one" });
        string before = Numbers(method, system);
        Assert.StartsWith("numbers", before);
        foreach (object value in Others(setting, method, path))
        {
            var changed = (AssimilationMethod)With(method, path.AsSpan(1), value);
            if (path[1] == nameof(AssimilationMethod.Name)) Assert.Equal(value, Made(changed, system).Method.Name);
            else if (path[1] == nameof(AssimilationMethod.Stream) && DrawNothing.Contains(path[0]))
                Assert.Equal(before, Numbers(changed, system));
            else Assert.True(before != Numbers(changed, system), $"{setting} = {value} gives the numbers of its own value.");
        }
    }

    private static object[] Others(string setting, object method, string[] path)
    {
        object? now = method;
        PropertyInfo property = null!;
        foreach (string name in path[1..])
        {
            property = now!.GetType().GetProperty(name)!;
            now = property.GetValue(now);
        }
        if (ValuesOfSettings.TryGetValue(setting, out object[]? own)) return own;
        if (ValuesOfTypes.TryGetValue(property.PropertyType, out object[]? others)) return others;
        return now switch
        {
            long whole => [whole + 1],
            int whole => [whole + 1],
            double.PositiveInfinity => [1e-6],
            double number => [1.3 * number + 0.1],
            bool given => [!given],
            Enum choice => [.. Enum.GetValues(choice.GetType()).Cast<object>().Where(other => !other.Equals(choice))],
            // A record of settings: another with the first of them changed.
            not null when Settable(now.GetType()) is [var first, ..] =>
                [.. Others($"{setting}.{first.Name}", method, [.. path, first.Name]).Select(value => With(now, [first.Name], value))],
            _ => throw new NotSupportedException($"{setting} needs another value; add one to the tables of this test."),
        };
    }

    private static object With(object record, ReadOnlySpan<string> path, object value)
    {
        object copy = record.GetType().GetMethod("<Clone>$")!.Invoke(record, [])!;
        var property = record.GetType().GetProperty(path[0])!;
        property.SetValue(copy, path.Length == 1 ? value : With(property.GetValue(copy)!, path[1..], value));
        return copy;
    }

    private static (ITransformer Method, ITrajectoryView Twin) Made(AssimilationMethod method, AssimilationSystem system)
    {
        var context = new DataAssimilationContext(5);
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 30 });
        var estimator = method.For(system, context);
        return (estimator is IValidatedEstimator<ITransformer> trained ? trained.Fit(twin, twin) : estimator.Fit(twin), twin.Take(6));
    }

    // All columns that a method adds, to the bit, and the course of its training; or the reason why there are none.
    private static string Numbers(AssimilationMethod method, AssimilationSystem system)
    {
        using var scope = NewDisposeScope();
        try
        {
            var (made, twin) = Made(method, system);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            using var cursor = made.Transform(twin).OpenCursor();
            while (cursor.MoveNext())
                foreach (var added in made.Contract.Adds)
                {
                    hash.AppendData(Encoding.UTF8.GetBytes(added.Column.Name));
                    hash.AppendData(cursor[added.Column].contiguous().bytes.ToArray());
                }
            return $"numbers {Convert.ToHexString(hash.GetHashAndReset())} {Course(made)}";
        }
        catch (DivergenceException diverged) { return $"diverged: {diverged.Message}"; }
    }

    private static string Course(ITransformer made) => made switch
    {
        SequentialAssimilation<StateMemory> { Triple.Analyzer: LearnedAnalyzer<StateMemory> { History: { } history } } =>
            string.Join(" ", history.Steps.Select(step => $"{step.Loss:r} {step.ValidationError:r}")) + history.End,
        _ => "",
    };
}
