using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Inflation where nothing is observed: an undamped component that no observation reaches, and cycles without any observation. Nothing
/// grows there without bound, whichever inflation and whichever filter.
/// </summary>
public sealed class UnobservedInflationTests : IDisposable
{
    private const int Cycles = 400;

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(4);
    public void Dispose() => scope.Dispose();

    private static readonly Dictionary<string, Inflation> Inflations = new()
    {
        ["posterior factor"] = Inflation.StandardDeviation(1.05), ["prior factor"] = Inflation.Variance(1.1, InflationTarget.Prior),
        ["forgetting factor"] = Inflation.ForgettingFactor(0.9),
        ["both factors"] = Inflation.StandardDeviation(1.02).And(Inflation.Variance(1.05, InflationTarget.Prior)),
        ["perturbations"] = Inflation.RelaxationToPriorPerturbations(0.9), ["spread"] = Inflation.RelaxationToPriorSpread(1),
        ["more than the spread"] = Inflation.RelaxationToPriorSpread(1.3),
        ["spread and factor"] = Inflation.RelaxationToPriorSpread(0.5).And(Inflation.StandardDeviation(1.05)),
        ["additive"] = Inflation.Additive(ErrorCovariance.Scalar(3, 0.05)),
        ["additive, square root"] = Inflation.Additive(ErrorCovariance.Diagonal(0.05, 0, 0), NoiseTreatment.SquareRoot),
    };

    private static readonly string[] Filters = ["etkf", "enkf", "denkf", "ensrf", "enkf-n", "letkf", "ienkf", "adaptive"];

    public static TheoryData<string, string> Pairs
    {
        get
        {
            var pairs = new TheoryData<string, string>();
            foreach (string filter in Filters)
                foreach (var (name, inflation) in Inflations)
                    if (filter == "adaptive" ? name == "perturbations" : filter != "enkf-n" || inflation.PriorFactor == 1)
                        pairs.Add(filter, name);
            return pairs;
        }
    }

    // Nothing moves; the third component is never observed.
    private LinearDynamics Still => new LinearDynamics(eye(3, dtype: ScalarType.Float64));

    private ObservationNetwork FirstTwo => new ObservationNetwork(new SubsetObservationOperator(3, 0L, 1L), ErrorCovariance.Scalar(2, 1));

    private static GaussianInitialCondition Start => new(zeros(3), ErrorCovariance.Scalar(3, 1));

    private ITransformer Filter(string name, Inflation inflation, long members = 10)
    {
        var etkf = new EnsembleTransformKalmanFilter { Members = members, Inflation = inflation };
        var analysis = context.Analysis;
        var system = new AssimilationSystem(Still, FirstTwo) { Initial = Start };
        return name switch
        {
            "etkf" => analysis.EnsembleTransformKalmanFilter(system, etkf),
            "enkf" => analysis.StochasticEnsembleKalmanFilter(system, new() { Members = members, Inflation = inflation }),
            "denkf" => analysis.DeterministicEnsembleKalmanFilter(system, new() { Members = members, Inflation = inflation }),
            "ensrf" => analysis.SerialSquareRootFilter(system, new() { Members = members, Inflation = inflation }),
            "enkf-n" => analysis.FiniteSizeEnsembleKalmanFilter(system, new() { Members = members, Inflation = inflation }),
            "letkf" => analysis.LocalEnsembleTransformKalmanFilter(system,
                new() { Members = members, Inflation = inflation,
                    Localisation = new Localisation(LocalisationGeometry.Line(3), LocalisationRadius.HalfWidth(0.5)) }),
            "ienkf" => analysis.IterativeEnsembleKalmanSmoother(system, new() { Members = members, Inflation = inflation }),
            _ => analysis.AdaptivelyInflatedFilter(system,
                new() { Filter = etkf with { Inflation = Inflation.None },
                    Inflation = new AdaptiveInflation { Start = 1.2, Smallest = 1.2 } }),
        };
    }

    // The truth changes every cycle by nothing, the observations are drawn around zero; with a mask all are missing from cycle 20 on.
    private MemoryTrajectoryView View(bool empty)
    {
        using var random = context.Random("observations");
        var columns = new Dictionary<Column, Tensor> { [Columns.Observation] = random.Normal([Cycles, 2, 2], ScalarType.Float64) };
        if (empty)
        {
            var mask = ones([Cycles, 2, 2], dtype: ScalarType.Bool);
            mask.narrow(0, 20, Cycles - 20).select(1, 1).fill_(false);   // of the second trajectory
            columns[Columns.ObservationMask] = mask;
        }
        return context.Data.FromMemory(columns, [.. Enumerable.Range(1, Cycles).Select(i => (double)i)]);
    }

    [Theory, MemberData(nameof(Pairs))]
    public void A_component_that_is_never_observed_keeps_a_bounded_spread(string filter, string inflation)
    {
        using var cursor = Filter(filter, Inflations[inflation]).Transform(View(empty: false)).OpenCursor();
        Assert.True(cursor.MoveNext());
        double start = cursor[Columns.ForecastSpread].amax().ToDouble();
        // A factor lifts a spread to its double at most; a local analysis does not even do that, nor does what gives back only what was
        // taken.
        // Noise that is added settles where sampling takes as much; without that it would be 4.6 after as many cycles.
        double bound = filter == "letkf" && inflation != "more than the spread" || inflation is "perturbations" or "spread"
            && filter is not ("enkf-n" or "adaptive") ? 1 : 2;
        if (inflation.StartsWith("additive", StringComparison.Ordinal)) bound = 2;
        if (filter is "enkf-n" or "adaptive") bound = 10;   // innovations ask for these factors
        while (cursor.MoveNext()) Assert.InRange(cursor[Columns.AnalysisSpread].amax().ToDouble(), 0, bound * start * (1 + 1e-9));
    }

    [Theory, MemberData(nameof(Pairs))]
    public void Cycles_without_observations_leave_the_ensemble_as_it_is(string filter, string inflation)
    {
        using var cursor = Filter(filter, Inflations[inflation]).Transform(View(empty: true)).OpenCursor();
        double[] before = [];
        while (cursor.MoveNext())
        {
            double[] now = cursor[Columns.AnalysisSpread][1].ToArray<double>();
            if (cursor.Cycle > 20) Assert.Equal(before, now);
            before = now;
        }
        Assert.Equal(Cycles - 1, cursor.Cycle);
    }

    [Theory]
    [InlineData(InflationTarget.Prior)]
    [InlineData(InflationTarget.Posterior)]
    public void The_Kalman_filter_keeps_both_too(InflationTarget target)
    {
        var method = context.Analysis.KalmanFilter(new AssimilationSystem(Still, FirstTwo) { Initial = Start },
            new() { Inflation = Inflation.Variance(1.1, target) });
        using var cursor = method.Transform(View(empty: true)).OpenCursor();
        double[] before = [];
        while (cursor.MoveNext())
        {
            Assert.Equal(Math.Min(2, Math.Pow(1.1, 0.5 * (cursor.Cycle + 1))), cursor[Columns.AnalysisSpread][0, 2].ToDouble(), 1e-10);
            // The observed components have the variance at which the factor gives what an observation takes: 1 - 1 / 1.1 of the prior's.
            if (cursor.Cycle == 300)
                Assert.Equal(target == InflationTarget.Prior ? 0.1 / 1.1
                    : 0.1, cursor[Columns.AnalysisSpread][0, 0].square().ToDouble(), 1e-9);
            double[] now = cursor[Columns.AnalysisSpread][1].ToArray<double>();
            if (cursor.Cycle > 20) Assert.Equal(before, now);
            before = now;
        }
    }

    [Fact]
    public void A_local_analysis_without_observations_in_reach_is_the_forecast_whatever_inflates()
    {
        using var random = context.Random("local");
        var h = new SubsetObservationOperator(12, 0L, 1L);
        var localisation = new Localisation(LocalisationGeometry.Line(12), LocalisationRadius.HalfWidth(1));
        foreach (long members in (long[])[4, 20, 40])
            foreach (var dtype in (ScalarType[])[ScalarType.Float64, ScalarType.Float32])
                foreach (var inflation in (Inflation[])[Inflation.StandardDeviation(1.3), Inflation.ForgettingFactor(0.5),
                    Inflation.Additive(ErrorCovariance.Scalar(12, 1)),
                    Inflation.Additive(ErrorCovariance.Scalar(12, 1), target: InflationTarget.Prior)])
                {
                    var ensemble = random.Normal([2, members, 12], dtype);
                    var mask = tensor(new[] { true, true, false, false }, 2, 2);
                    var y = new Observation(random.Normal([2, 2], dtype), mask, 0);
                    var analysis = new LocalEnsembleTransformKalmanFilterAnalyzer(h, ErrorCovariance.Scalar(2, 1), localisation, inflation)
                        .Analyze(new(ensemble), y, random).Members;
                    double tolerance = dtype == ScalarType.Float64 ? 1e-13 : 1e-5;
                    Compare.Close(ensemble[1], analysis[1], tolerance);                                     // nothing observed
                    Compare.Close(ensemble[0].narrow(1, 3, 9), analysis[0].narrow(1, 3, 9), tolerance);     // out of reach
                    Assert.True(Compare.Difference(ensemble[0].narrow(1, 0, 2), analysis[0].narrow(1, 0, 2)) > 0.01);
                }
    }

    [Theory]
    [InlineData("etkf")]
    [InlineData("half")]
    [InlineData("letkf")]
    public void Of_a_filter_that_follows_its_truth_it_changes_no_bit(string name)
    {
        var model = new Lorenz96();
        var operation = name == "half"
            ? (IObservationOperator)new SubsetObservationOperator(40, [.. Enumerable.Range(0, 20).Select(i => 2L * i)])
            : new IdentityObservationOperator(40);
        var first = zeros(40, dtype: ScalarType.Float64);
        first[0] = 1;
        var start = new GaussianInitialCondition(first, ErrorCovariance.Scalar(40, 0.001));
        var system = new AssimilationSystem(model,
            new ObservationNetwork(operation, ErrorCovariance.Scalar(operation.ObservationDimension, 1))) { Initial = start };
        var method = name == "letkf"
            ? context.Analysis.LocalEnsembleTransformKalmanFilter(system,
                new() { Members = 7, Inflation = Inflation.StandardDeviation(1.04),
                    Localisation = new Localisation(LocalisationGeometry.Circle(40), LocalisationRadius.EFolding(4)) })
            : context.Analysis.EnsembleTransformKalmanFilter(system,
                new() { Members = name == "half" ? 40 : 24, Inflation = Inflation.StandardDeviation(name == "half" ? 1.04 : 1.02) });
        using var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 600 }).OpenCursor();
        using var run = method.Run(context.Data.Twin(system, new() { Batch = 2, Cycles = 600 }));
        using var random = context.Random("unused");
        EnsembleMemory? memory = null;
        double error = 0;
        while (run.MoveNext() && twin.MoveNext())
        {
            using var cycle = NewDisposeScope();
            // The formulas alone, from the run's own first forecast on.
            var forecast = memory is null ? new EnsembleMemory(run.Forecast.Members.clone())
                : method.Triple.Propagater.Propagate(memory, new TimeInterval(twin.Time - 0.05, twin.Time), random);
            var analysis = method.Triple.Analyzer.Analyze(forecast, new Observation(twin[Columns.Observation], null, twin.Time), random);
            Assert.Equal(analysis.Members.ToArray<double>(), run.Analysis.Members.ToArray<double>());
            memory?.Members.Dispose();
            memory = new(analysis.Members.clone().MoveToOuterDisposeScope());
            error += (run[Columns.Analysis] - twin[Columns.Truth]).square().mean().sqrt().ToDouble() / 600;
        }
        Assert.InRange(error, 0.1, 0.6);
    }

    [Fact]
    public void A_factor_that_observations_balance_keeps_its_equilibrium()
    {
        // Weak observations of what does not move: the spread falls to where the factor balances them.
        var system = new AssimilationSystem(Still, new ObservationNetwork(new IdentityObservationOperator(3), ErrorCovariance.Scalar(3, 1)))
            { Initial = Start };
        var kalman = context.Analysis.KalmanFilter(system, new() { Inflation = Inflation.Variance(1.1) });
        var columns = new Dictionary<Column, Tensor> { [Columns.Observation] = zeros(200, 1, 3, dtype: ScalarType.Float64) };
        using var run = kalman.Run(context.Data.FromMemory(columns, [.. Enumerable.Range(1, 200).Select(i => (double)i)]));
        while (run.MoveNext()) { }
        Compare.Close(0.1 * eye(3, dtype: ScalarType.Float64), run.Analysis.Covariance[0], 1e-6);
    }
}
