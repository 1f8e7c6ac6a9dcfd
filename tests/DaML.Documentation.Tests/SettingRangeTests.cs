using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The ranges that the tables of settings state are those of the code: what lies just beyond a bound is refused.</summary>
public sealed partial class SettingRangeTests
{
    private static readonly DataAssimilationContext Context = new(seed: 1);

    private static readonly AssimilationSystem System = new(new Lorenz96(), ObservationNetwork.Full(40))
        { Initial = new GaussianInitialCondition(zeros(40), ErrorCovariance.Scalar(40, 1)) };

    private static readonly KnownBackground Background = new(ErrorCovariance.Scalar(40, 1));

    // Methods that need more than their defaults.
    private static readonly IReadOnlyDictionary<string, AssimilationMethod> Methods = new AssimilationMethod[]
    {
        new LocalEnsembleTransformKalmanFilter
            { Localisation = new Localisation(LocalisationGeometry.Circle(40), LocalisationRadius.EFolding(4)) },
        new EnsembleConvolution { Members = 2 },
    }.ToDictionary(method => method.GetType().Name);

    // Records of settings, and what uses them.
    private static readonly IReadOnlyDictionary<Type, Action<object>> Uses = new Dictionary<Type, Action<object>>
    {
        [typeof(EnsembleGaussNewton)] = with => For(new IterativeEnsembleKalmanSmoother { Iteration = (EnsembleGaussNewton)with }),
        [typeof(AdaptiveInflation)] = with => For(new AdaptivelyInflatedFilter
            { Filter = new EnsembleTransformKalmanFilter(), Inflation = (AdaptiveInflation)with }),
        [typeof(ClimatologicalBackground)] = with => For(new ThreeDimensionalVariational { Background = (ClimatologicalBackground)with }),
        [typeof(IncrementalOptions)] = with => For(Minimising((IncrementalOptions)with)),
        [typeof(QuasiNewtonOptions)] = with => For(Minimising((QuasiNewtonOptions)with)),
        [typeof(InnerSolverOptions)] = with => _ = new ConjugateGradientSolver((InnerSolverOptions)with),
        [typeof(SpectralForm)] = with => _ = new SpectralPreconditioning(new ComputedEigenpairs(2), (SpectralForm)with),
        [typeof(TrainingOptions)] = with => For(new ResidualConvolution { Training = (TrainingOptions)with }),
        [typeof(ResidualConvolutionOptions)] = with => For(new ResidualConvolution { Network = (ResidualConvolutionOptions)with }),
        [typeof(HiddenChannelOptions)] = with => For(new ResidualConvolutionWithMemory { Memory = (HiddenChannelOptions)with }),
        [typeof(InnovationLinearOptions)] = with => For(new InnovationLinear { Network = (InnovationLinearOptions)with }),
        [typeof(DataAssimilationNetworkOptions)] = with =>
            Context.Analysis.DataAssimilationNetwork(System.Network, 0.05, (DataAssimilationNetworkOptions)with),
        [typeof(RidgeAutoregressionOptions)] = with =>
            Context.Transforms.RidgeAutoregression(Columns.Truth, Columns.Forecast, (RidgeAutoregressionOptions)with),
        [typeof(LinearInverseModelOptions)] = with =>
            Context.Transforms.LinearInverseModel(Columns.Truth, Columns.Forecast, (LinearInverseModelOptions)with),
        [typeof(AutoregressiveEmulatorOptions)] = with =>
            Context.Transforms.LongShortTermMemory(Columns.Truth, Columns.Forecast, (AutoregressiveEmulatorOptions)with),
        [typeof(LongShortTermMemoryOptions)] = with =>
            _ = new LongShortTermMemoryNetwork(2, 1, (LongShortTermMemoryOptions)with, ScalarType.Float32, Context.Random("weights")),
        [typeof(UNetOptions)] = with => _ = new UNet(FieldLayout.Circle(40), 1, (UNetOptions)with),
        [typeof(LearnedPreconditioningOptions)] = with => _ = new LearnedPreconditioningEstimator("pairs", Context,
            new FourDimensionalVariationalCost(System.Dynamics, [new BackgroundTerm(Background.Known)],
                [new ObservationTerm(System.Network.Operator, System.Network.Error)]), FieldLayout.Circle(40),
            LearnedPreconditioningEstimator.Spectral(FieldLayout.Circle(40), 2, 10), (LearnedPreconditioningOptions)with),
        [typeof(OnlineWindowOptions)] = with => _ = new OnlineWindows(System.Dynamics, System.Initial!,
            (_, _) => throw new InvalidOperationException("No window is asked for."), (OnlineWindowOptions)with),
    };

    private static FourDimensionalVariational Minimising(MinimisationOptions with) =>
        new() { Background = Background, Window = WindowCycling.Disjoint(1), Minimisation = with };

    private static void For(AssimilationMethod method) => method.For(System, Context);

    /// <summary>Subject, setting, and a value just beyond a bound of its range.</summary>
    public static TheoryData<string, string, double> Beyond
    {
        get
        {
            var rows = new TheoryData<string, string, double>();
            foreach (var table in MethodPage.Documents.SelectMany(page => page.Tables()).Where(table => !table.Subject.Contains('.')))
                foreach (var setting in SettingText.Of(table.Subject))
                    foreach (double value in Outside(table.Rows.First(row => row.Name == setting.Name).Range, setting.Type))
                        if (Creator(SettingText.TypeOf(table.Subject)) is not null) rows.Add(table.Subject, setting.Name, value);
            return rows;
        }
    }

    [Theory, MemberData(nameof(Beyond))]
    public void A_value_beyond_the_range_of_a_table_is_refused(string subject, string setting, double value)
    {
        var make = Creator(SettingText.TypeOf(subject))!;
        var refused = Record.Exception(() => make(setting, value));
        if (refused is TargetInvocationException { InnerException: { } inner }) refused = inner;
        Assert.True(refused is ArgumentException, $"{subject}.{setting} = {value} was taken, or met {refused?.GetType().Name}.");
        Assert.Contains($"given: {value.ToString(CultureInfo.InvariantCulture)}", refused!.Message);
        Assert.DoesNotContain("'value'", refused.Message);
    }

    [Fact]
    public void The_bounds_of_a_range_are_read()
    {
        Assert.Equal([1.0], Outside("at least 2", typeof(long)));
        Assert.Equal([0.0], Outside("above 0", typeof(double)));
        Assert.Equal([0.0], Outside("null or above 0", typeof(double?)));
        Assert.Equal([-1.0], Outside("0 or above", typeof(int)));
        Assert.Equal([-1.0, 2.0], Outside("0 to 1", typeof(double)));
        Assert.Equal([0.0, 2.0], Outside("above 0 to 1", typeof(double)));
        Assert.Equal([-1.0, 1.0], Outside("0 to below 1", typeof(double)));
        Assert.Equal([0.0, 32.0], Outside("odd, 1 to 31", typeof(long)));
        Assert.Empty(Outside("at least `Leads`", typeof(int)));
        Assert.Empty(Outside("true or false", typeof(bool)));
        Assert.InRange(Beyond.Count, 90, 300);
    }

    // How to make an object of a type with one setting changed, and to use it.
    private static Action<string, object>? Creator(Type type)
    {
        if (type == typeof(AssimilationMethod)) return Creator(typeof(EnsembleTransformKalmanFilter));
        if (type.IsAssignableTo(typeof(AssimilationMethod)))
        {
            if (Methods.GetValueOrDefault(type.Name) is { } known)
                return (name, value) => For((AssimilationMethod)Changed(known, name, value));
            return SettingText.Of(type.Name).Any(setting => setting.IsRequired) ? null
                : (name, value) => For((AssimilationMethod)Changed(Activator.CreateInstance(type)!, name, value));
        }
        if (Uses.GetValueOrDefault(type) is { } use) return (name, value) => use(Changed(Activator.CreateInstance(type)!, name, value));
        var constructor = type.GetConstructors().MaxBy(constructor => constructor.GetParameters().Length)!;
        if (SettingText.Settable(type).Count > 0
            || !constructor.GetParameters().All(parameter => parameter.HasDefaultValue || Arguments.ContainsKey(parameter.ParameterType)))
            return null;
        return (name, value) => constructor.Invoke([.. constructor.GetParameters().Select(parameter =>
            parameter.Name == name ? Converted(value, parameter.ParameterType)
            : parameter.HasDefaultValue ? parameter.DefaultValue : Arguments[parameter.ParameterType])]);
    }

    // Values of parameters that have no default.
    private static readonly IReadOnlyDictionary<Type, object> Arguments = new Dictionary<Type, object>
    {
        [typeof(IEigenpairSource)] = new ComputedEigenpairs(2), [typeof(Tensor)] = eye(2, dtype: ScalarType.Float64),
        [typeof(int)] = 2, [typeof(double)] = 1.0,
    };

    private static object Changed(object record, string name, object value)
    {
        object copy = record.GetType().GetMethod("<Clone>$")!.Invoke(record, [])!;
        // What must be above another setting is kept above it.
        if (copy is OnlineWindowOptions windows && name != nameof(OnlineWindowOptions.ShortestLead))
            copy = windows with { ShortestLead = 1, LongestLead = 2 };
        var property = copy.GetType().GetProperty(name)!;
        property.SetValue(copy, Converted(value, property.PropertyType));
        return copy;
    }

    private static object Converted(object value, Type type) =>
        Convert.ChangeType(value, Nullable.GetUnderlyingType(type) ?? type, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?:null or |odd, )?(?:(?<least>at least|above) (?<from>[\d.]+)|(?<from>[\d.]+) (?<least>or above)|(?<from>[\d.]+))" +
        @"(?: to (?<below>below )?(?<to>[\d.]+))?(?![\d.])")]
    private static partial Regex Range();

    private static IEnumerable<double> Outside(string range, Type type)
    {
        var kind = Nullable.GetUnderlyingType(type) ?? type;
        if (kind != typeof(long) && kind != typeof(int) && kind != typeof(double)) yield break;
        var match = Range().Match(range);
        if (!match.Success || (!match.Groups["least"].Success && !match.Groups["to"].Success)) yield break;
        double Number(string group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);
        yield return match.Groups["least"].Value == "above" ? Number("from") : Number("from") - 1;
        if (match.Groups["to"].Success) yield return match.Groups["below"].Success ? Number("to") : Number("to") + 1;
    }
}
