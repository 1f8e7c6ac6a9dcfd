using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>
/// Learns a filter of pressure reports: the seasonal cycle, a linear inverse model of the departures from it (Penland and Magorian 1993),
/// and the errors of the reports. Its result is a chain: seasonal cycle removed, Kalman filter, seasonal cycle added to its estimates.
/// </summary>
/// <param name="context">The context of the filter.</param>
/// <param name="stations">The number of stations n.</param>
internal sealed class ReportFilterEstimator(DataAssimilationContext context, int stations) : IEstimator<TransformerChain>
{
    private static readonly Column Departure = new("departure"), NextDay = new("next-day");

    /// <inheritdoc/>
    public string Name => "Kalman filter of reports";

    /// <inheritdoc/>
    public SchemaContract Contract { get; } = new([new(Columns.Truth, stations), new(Columns.Observation, stations)],
        [new(Columns.Forecast, stations), new(Columns.Analysis, stations)]);

    /// <inheritdoc/>
    public TransformerChain Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        Contract.Apply(data.Schema, Name);
        var climate = context.Transforms.SeasonalCycle(Columns.Truth, Departure)
            .Append(context.Transforms.LinearInverseModel(Departure, NextDay)).Fit(data, cancellation);
        var seasons = climate.Find<SeasonalCycleTransformer>().Cycle;
        var model = climate.Find<LinearInverseModel>();

        using var zero = zeros(stations, dtype: context.Precision, device: context.Device);
        using var errors = ReportVariances(data);
        var system = new AssimilationSystem(model.Dynamics,
            new ObservationNetwork(new IdentityObservationOperator(stations), ErrorCovariance.Diagonal(errors)))
            { Initial = new GaussianInitialCondition(zero, ErrorCovariance.Full(model.ClimatologicalCovariance)) };
        SeasonalCycleTransformer On(Column column, SeasonalCycleDirection direction) => new(seasons, direction, column, column);
        return On(Columns.Observation, SeasonalCycleDirection.Remove).Append(context.Analysis.KalmanFilter(system))
            .Append(On(Columns.Forecast, SeasonalCycleDirection.Add)).Append(On(Columns.Analysis, SeasonalCycleDirection.Add));
    }

    // The mean square of report minus reanalysis at each station, over the days with a report.
    private Tensor ReportVariances(ITrajectoryView data)
    {
        using var scope = NewDisposeScope();
        Tensor squares = zeros(stations, dtype: context.Precision), count = zeros(stations, dtype: context.Precision);
        foreach (var day in data)
        {
            using var inner = NewDisposeScope();
            var there = day[Columns.ObservationMask].to(context.Precision);
            squares.add_(((day[Columns.Observation] - day[Columns.Truth]).square() * there).sum([0]));
            count.add_(there.sum([0]));
        }
        return (squares / count).MoveToOuterDisposeScope();
    }
}
