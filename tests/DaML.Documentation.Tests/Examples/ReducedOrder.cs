using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// A field compressed, its evolution learned and observations assimilated through it, as docs/reduced-order.md shows
/// it.
/// </summary>
internal static class ReducedOrder
{
    /// <summary>From a file to analyses.</summary>
    /// <param name="context">The context.</param>
    /// <param name="file">Daily sea-level pressure.</param>
    /// <param name="sites">Where it is observed.</param>
    /// <param name="steps">Optimiser steps.</param>
    /// <param name="output">The file that is written.</param>
    /// <returns>The three months that were observed, and their analyses.</returns>
    public static (ITrajectoryView Observed, ITrajectoryView Analysed, ProperOrthogonalDecomposition Modes) Run(
        DataAssimilationContext context, string file, (double, double)[] sites, int steps, string output)
    {
        // <example>
        Column pressure = new("pressure"), anomaly = new("anomaly"), coefficients = new("coefficients"),
            coming = new("coming");
        ITrajectoryView Days(DateTime from, DateTime until) =>
            context.Data.FromNetCdf(file, "slp", pressure,
                new() { Scale = 0.01, From = from, Until = until, Interval = 1 });
        var (training, validation) = (Days(new(2001, 1, 1), new(2008, 1, 1)), Days(new(2008, 1, 1), new(2009, 1, 1)));
        var grid = LatitudeLongitudeGrid.FromNetCdf(file, "slp");

        // The field: seasonal cycle, 20 modes, and a network that corrects ridge regression on the last days'
        // coefficients.
        var field = context.Pipeline(training)
            .Append(context.Transforms.SeasonalCycle(pressure, anomaly))
            .Append(context.Transforms.ProperOrthogonalDecomposition(anomaly, coefficients, modes: 20,
                grid.AreaWeights(ScalarType.Float64, CPU)))
            .Fit(training);
        var emulator = context.Transforms.LongShortTermMemory(coefficients, coming,
                new()
                {
                    Lags = 2, Baseline = new(),
                    Training = new() { Steps = steps, LearningRate = 1e-3, BatchSize = 128, ValidationInterval = 50 },
                }, new() { Hidden = 128, Inputs = 8 })
            .Fit(field.Transform(training), field.Transform(validation));

        // The observations: sites anywhere, 1 hPa, beside what the modes leave out; B and Q are the emulator's own
        // forecast errors.
        var modes = field.Find<ProperOrthogonalDecompositionTransformer>().Decomposition;
        var stations = new ObservationNetwork(grid.InterpolateTo(sites), ErrorCovariance.Scalar(sites.Length, 1));
        var error = modes.TruncationErrorCovariance(field.Transform(training), anomaly, stations.Operator)
            + stations.Error.ToMatrix(ScalarType.Float64, CPU);
        var network =
            emulator.Observed(
                new ObservationNetwork(new ReconstructionOperator(modes).Then(stations.Operator),
                    ErrorCovariance.Full(error)));
        var (reduced, model) = (field.Transform(training), emulator.Dynamics);
        var system = new AssimilationSystem(model, network);
        var background = new ForecastErrors { Scale = 0.3 }.Estimate(model, reduced, coefficients);
        var analysis =
            context.Analysis.FourDimensionalVariational(system with
                { Initial = new GaussianInitialCondition(zeros(model.Dimension, ScalarType.Float64),
                new StateStatistics().Estimate(model, reduced, coefficients)) },
                new() { Background = new KnownBackground(background), Window = WindowCycling.Disjoint(1),
                    Priors = [new ModelErrorTerm(ForecastErrors.ModelError(model, reduced, coefficients))] });

        // Three months of the real field are observed and analysed.
        var observed = field.Append(context.Transforms.Observe(stations, anomaly))
            .Transform(Days(new(2009, 1, 1), new(2009, 4, 1)));
        var analysed = analysis.Transform(observed);
        analysed.ToNetCdf(output, [Columns.Analysis], "days since 1970-01-01");
        // </example>
        return (observed, analysed, modes);
    }

    /// <summary>A field that memory does not hold.</summary>
    public static ProperOrthogonalDecompositionEstimator Streaming(DataAssimilationContext context, Column anomaly,
        Column coefficients) =>
        // <streaming>
        context.Transforms.ProperOrthogonalDecomposition(anomaly, coefficients, new ModeSelection.Variance(0.95),
            factorisation: new ModeFactorisation.Streaming());
        // </streaming>

    /// <summary>Other emulators.</summary>
    public static IReadOnlyList<AutoregressiveEmulatorEstimator> Others(DataAssimilationContext context,
        Column coefficients, Column coming) =>
    [
        // <others>
        context.Transforms.LongShortTermMemory(coefficients, coming, new() { Lags = 7, Leads = 5 },
            name: "five days at one shot"),
        context.Transforms.LongShortTermMemory(coefficients, coming, new() { Lags = 14 },
            new() { Attention = WindowAttention.DotProduct },
            name: "attention over two weeks"),
        context.Transforms.AutoregressiveEmulator("a network of your own", coefficients, coming,
            (count, random) => new NewestAlone(count, random), new() { Lags = 3 }),
        // </others>
    ];
}

/// <summary>Any module from a window, oldest first, to the coming values will do.</summary>
// <own>
public sealed class NewestAlone : nn.Module<Tensor, Tensor>
{
    private readonly TorchSharp.Modules.Linear layer;

    public NewestAlone(long values, RandomStream random) : base(nameof(NewestAlone))
    {
        layer = nn.Linear(values, values);
        RegisterComponents();
        ModuleState.DrawWeights(this, random);
    }

    // [rows, L, r] -> [rows, 1, r]
    public override Tensor forward(Tensor window) => layer.call(window.select(1, -1)).unsqueeze(1);
}
// </own>
