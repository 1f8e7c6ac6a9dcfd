using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>
/// Learns a filter of pressure reports from reports with gaps. The state is the pressure of three days at all stations. Its
/// seasonal cycle is learned, and a linear inverse model of the departures from it (Penland and Magorian 1993). The result is a
/// chain: seasonal cycle removed, Kalman filter, seasonal cycle added to its estimates.
/// </summary>
/// <remarks>
/// Cycle and model need a record without gaps. The first one has each station's mean in them, the next ones the analyses of the filter
/// learned before (the mean of a station given the reports so far, in place of the expectation over all reports of Shumway and
/// Stoffer 1982, J. Time Ser. Anal. 3, 253-264).
/// </remarks>
/// <param name="context">The context of the filter.</param>
/// <param name="stations">The number of stations n.</param>
internal sealed class ReportFilterEstimator(DataAssimilationContext context, int stations) : IEstimator<TransformerChain>
{
    /// <summary>Standard deviation of a report's error, hPa: of the mean of a day's readings at one place (assumed).</summary>
    public const double ReportError = 0.7;

    private const int Days = 3, Rounds = 3;
    private static readonly Column ThreeDays = new("three-days"), Departure = new("departure"), NextDay = new("next-day");

    /// <inheritdoc/>
    public string Name => "Kalman filter of reports";

    /// <inheritdoc/>
    public SchemaContract Contract { get; } = new([new(Columns.Observation, stations)],
        [new(Columns.Forecast, Days * stations), new(Columns.Analysis, Days * stations)]);

    /// <inheritdoc/>
    public TransformerChain Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        Contract.Apply(data.Schema, Name);
        using var scope = NewDisposeScope();
        using var view = data.Materialise([Columns.Observation, Columns.ObservationMask], cancellation: cancellation);
        Tensor reports = view[Columns.Observation].to(context.Precision), there = view[Columns.ObservationMask]; // [days, batch, n]
        var present = there.to(context.Precision);
        var record = where(there, reports, (reports * present).sum([0, 1]) / present.sum([0, 1]));
        var filter = Filter(record, view.Times, cancellation);
        for (int round = 1; round < Rounds; round++)
        {
            using var analysed = filter.Transform(view).Materialise([Columns.Analysis], cancellation: cancellation);
            record = where(there, reports, analysed[Columns.Analysis][TensorIndex.Ellipsis, ..stations]);
            filter = Filter(record, view.Times, cancellation);
        }
        return filter;
    }

    // The filter that a record without gaps gives, [days, batch, n].
    private TransformerChain Filter(Tensor record, IReadOnlyList<double> days, CancellationToken cancellation)
    {
        using var history = context.Data.FromMemory(
            new Dictionary<Column, Tensor> { [ThreeDays] = cat([record[2..], record[1..^1], record[..^2]], dim: 2) },
            [.. days.Skip(2)], days[1]);
        var climate = context.Transforms.SeasonalCycle(ThreeDays, Departure)
            .Append(context.Transforms.LinearInverseModel(Departure, NextDay)).Fit(history, cancellation);
        var seasons = climate.Find<SeasonalCycleTransformer>().Cycle;
        var ofToday = new SeasonalCycle(seasons.Coefficients[.., ..stations], seasons.Period);
        var model = climate.Find<LinearInverseModel>();

        using var mean = zeros(Days * stations, dtype: context.Precision, device: context.Device);
        var observing =
            new ObservationNetwork(new SubsetObservationOperator(Days * stations, [.. Enumerable.Range(0, stations).Select(i => (long)i)]),
            ErrorCovariance.Scalar(stations, ReportError * ReportError));
        var system = new AssimilationSystem(model.Dynamics, observing)
            { Initial = new GaussianInitialCondition(mean, ErrorCovariance.Full(model.ClimatologicalCovariance)) };
        SeasonalCycleTransformer Add(Column column) => new(seasons, SeasonalCycleDirection.Add, column, column);
        return new SeasonalCycleTransformer(ofToday, SeasonalCycleDirection.Remove, Columns.Observation, Columns.Observation)
            .Append(context.Analysis.KalmanFilter(system)).Append(Add(Columns.Forecast)).Append(Add(Columns.Analysis));
    }
}
