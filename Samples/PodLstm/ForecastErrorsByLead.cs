using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>How a method's forecasts of a field did over the test years, by lead time: whole domain and regions.</summary>
/// <param name="Name">What metrics call it.</param>
/// <param name="ByLead">The verification of leads 1, 2, ... over the whole domain.</param>
/// <param name="ByRegion">The same of each region.</param>
/// <param name="MeanSquares">The mean square error at each grid point for chosen leads, <c>[n]</c>.</param>
internal sealed record ForecastErrorsByLead(string Name, IReadOnlyList<FieldVerification> ByLead,
    IReadOnlyDictionary<string, IReadOnlyList<FieldVerification>> ByRegion, IReadOnlyDictionary<int, double[]> MeanSquares)
{
    /// <summary>The longest lead in days.</summary>
    public const int LongestLead = 20;

    /// <summary>The leads of tables, metrics and maps.</summary>
    public static readonly int[] Leads = [1, 3, 5, 7, 10, 20];

    /// <summary>Verifies forecasts that a model makes from states.</summary>
    /// <param name="name">What metrics call it.</param>
    /// <param name="reduced">The field.</param>
    /// <param name="model">The model that goes on from the states.</param>
    /// <param name="start">Where from; a state may hold more values than the model needs.</param>
    public static ForecastErrorsByLead Of(string name, ReducedOrderModels reduced, AutoregressiveModel model, StartStates start)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (first, days) = Starts(reduced);
        var states = start.States.narrow(0, first - start.First, days).narrow(1, 0, model.Window * model.ValueCount);
        var coming = model.Run(states, LongestLead);                                                 // [days, leads, r]
        return Of(name, reduced, lead => reduced.Modes.Decomposition.Reconstruct(coming[.., lead - 1]));
    }

    /// <summary>Verifies forecasts that are persistence of the true field, small scales and all.</summary>
    public static ForecastErrorsByLead Persistence(string name, ReducedOrderModels reduced)
    {
        using var scope = NewDisposeScope();
        var (first, days) = Starts(reduced);
        var field = reduced.Anomalies.narrow(0, first, days);
        return Of(name, reduced, _ => field);
    }

    /// <summary>The true coefficients as lagged states, from which the best forecasts start.</summary>
    public static StartStates True(ReducedOrderModels reduced, int window)
    {
        using var scope = NewDisposeScope();
        var lagged = new Column("lagged");
        var view = new LaggedStates(ReducedOrderModels.Coefficients, lagged, window).Transform(reduced.Test);
        return new(ReducedOrderModels.Rows(view, lagged).MoveToOuterDisposeScope(), window - 1, 0);
    }

    // The first start of a forecast, the day before the test years, and how many there are.
    private static (int First, long Days) Starts(ReducedOrderModels reduced) =>
        (ReducedOrderModels.SpinUp - 1, reduced.Test.CycleCount!.Value - LongestLead - ReducedOrderModels.SpinUp + 1);

    private static ForecastErrorsByLead Of(string name, ReducedOrderModels reduced, Func<int, Tensor> anomalies)
    {
        var (first, days) = Starts(reduced);
        var whole = new FieldVerificationOptions
        {
            Weights = reduced.Weights, DataRange = reduced.Range, Grid = (reduced.Grid.Latitudes.Count, reduced.Grid.Longitudes.Count),
        };
        var byLead = new List<FieldVerification>();
        var byRegion = reduced.Case.Regions.ToDictionary(region => region.Name, _ => new List<FieldVerification>());
        var squares = new Dictionary<int, double[]>();
        for (int lead = 1; lead <= LongestLead; lead++)
        {
            using var scope = NewDisposeScope();
            var then = reduced.Truth.narrow(0, first + lead, days);
            var season = then - reduced.Anomalies.narrow(0, first + lead, days);
            var forecast = anomalies(lead) + season;
            bool shown = Leads.Contains(lead);
            byLead.Add(FieldVerification.Of(forecast, then, season, shown ? whole : whole with { Grid = null }));
            foreach (var (region, weights) in reduced.RegionWeights)
                byRegion[region].Add(FieldVerification.Of(forecast, then, season, new() { Weights = weights }));
            if (shown) squares[lead] = (forecast - then).square().mean([0]).ToArray<double>();
        }
        return new(name, byLead, byRegion.ToDictionary(pair => pair.Key, pair => (IReadOnlyList<FieldVerification>)pair.Value), squares);
    }
}
