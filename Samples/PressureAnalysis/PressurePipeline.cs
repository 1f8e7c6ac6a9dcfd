using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>What the pressure analysis asks of its pipeline.</summary>
internal sealed record PressureSettings
{
    /// <summary>Number of modes kept; chosen on 2009, where 30 to 60 differ by 0.1 hPa.</summary>
    public int Modes { get; init; } = 40;

    /// <summary>Number of observing sites.</summary>
    public int Sites { get; init; } = 40;

    /// <summary>Standard deviation of an observation's error, hPa.</summary>
    public double ObservationError { get; init; } = 1;

    /// <summary>Number of members of the ensemble filter.</summary>
    public int Members { get; init; } = 200;
}

/// <summary>What was learned, what is observed, and the filters that stand on both.</summary>
/// <param name="Grid">Where the field's components lie.</param>
/// <param name="Sites">Which of them are observed.</param>
/// <param name="Seasons">Takes the seasonal cycle off; its inverse puts it back.</param>
/// <param name="Modes">The projection on the modes; its inverse makes a field of coefficients.</param>
/// <param name="Model">The linear inverse model of the coefficients.</param>
/// <param name="Network">What the filters know of the observing system.</param>
/// <param name="Initial">The climatological distribution of the coefficients.</param>
/// <param name="Observed">The test year: pressure, anomaly, coefficients, observation.</param>
/// <param name="KalmanFilter">The Kalman filter on the coefficients.</param>
/// <param name="EnsembleFilter">The ensemble transform Kalman filter on the coefficients.</param>
internal sealed record PressureExperiment(LatitudeLongitudeGrid Grid, IReadOnlyList<long> Sites, SeasonalCycleTransformer Seasons,
    ProperOrthogonalDecompositionTransformer Modes, LinearInverseModel Model, IObservationNetwork Network, GaussianInitialCondition Initial,
    ITrajectoryView Observed, SequentialAssimilation<GaussianMemory> KalmanFilter, SequentialAssimilation<EnsembleMemory> EnsembleFilter);

/// <summary>The pressure analysis' pipeline, from the file to the filters.</summary>
internal static class PressurePipeline
{
    public static readonly Column Pressure = new("pressure"), Anomaly = new("anomaly"), Coefficients = new("coefficients"),
        NextDay = new("next-day");
    private const string Variable = "slp";

    /// <summary>The data, beside the program.</summary>
    public static string DataFile { get; } = Path.Combine(AppContext.BaseDirectory, "data", "slp_ncep1_natlantic_daily_2001-2010.nc");

    public static PressureExperiment Compose(DataAssimilationContext context, PressureSettings settings, CancellationToken cancellation)
    {
        var grid = LatitudeLongitudeGrid.FromNetCdf(DataFile, Variable);
        var hectopascal = new NetCdfOptions { Scale = 0.01 };
        var training = context.Data.FromNetCdf(DataFile, Variable, Pressure, hectopascal with { Until = new DateTime(2009, 1, 1) });
        var test = context.Data.FromNetCdf(DataFile, Variable, Pressure, hectopascal with { From = new DateTime(2010, 1, 1) });

        // What 2001 to 2008 teach: the seasonal cycle, the modes of the anomalies, and how their coefficients evolve.
        using var area = grid.AreaWeights(context.Precision, context.Device);
        var climate = context.Pipeline(training)
            .Append(context.Transforms.SeasonalCycle(Pressure, Anomaly))
            .Append(context.Transforms.ProperOrthogonalDecomposition(Anomaly, Coefficients, settings.Modes, area))
            .Append(context.Transforms.LinearInverseModel(Coefficients, NextDay))
            .Fit(training, cancellation);
        var seasons = climate.Find<SeasonalCycleTransformer>();
        var modes = climate.Find<ProperOrthogonalDecompositionTransformer>();
        var model = climate.Find<LinearInverseModel>();

        // The real field is observed at sites drawn once; a filter on the coefficients sees the field behind them, and
        // what the modes do not resolve is an error of its observations.
        var sites = new SubsetObservationOperator(grid.Size, DrawSites(context, grid.Size, settings.Sites));
        var instruments = ErrorCovariance.Scalar(settings.Sites, settings.ObservationError * settings.ObservationError);
        using var unresolved = modes.Decomposition.TruncationErrorCovariance(seasons.Transform(training), Anomaly, sites, cancellation);
        using var error = unresolved + instruments.ToMatrix(unresolved.dtype, unresolved.device);
        var network = new ObservationNetwork(new ReconstructionOperator(modes.Decomposition).Then(sites), ErrorCovariance.Full(error));
        var observed = seasons.Append(modes)
            .Append(context.Transforms.Observe(new ObservationNetwork(sites, instruments), Anomaly, "pressure-analysis/observations"))
            .Transform(test);

        using var zero = zeros(settings.Modes, dtype: context.Precision, device: context.Device);
        var initial = new GaussianInitialCondition(zero, ErrorCovariance.Full(model.ClimatologicalCovariance));
        var system = new AssimilationSystem(model.Dynamics, network) { Initial = initial };
        return new PressureExperiment(grid, sites.Indices, seasons, modes, model, network, initial, observed,
            context.Analysis.KalmanFilter(system),
            context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = settings.Members }));
    }

    private static long[] DrawSites(DataAssimilationContext context, long points, int count)
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("pressure-analysis/sites");
        return [.. random.Uniform([points], ScalarType.Float64).argsort().ToArray<long>().Take(count).Order()];
    }
}
