using DaML;
using DaML.Components;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

/// <summary>Sessions: trajectories that are driven from outside.</summary>
public static class Sessions
{
    public static (StateEstimate Forecast, long Resumed) Stepwise(DataAssimilationContext context, AssimilationSystem system,
        IReadOnlyList<(double Time, double[] Values)> arrivals, string file)
    {
        // <session>
        var method = context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 20 });
        using var session = AssimilationSession.Begin(method);
        foreach (var (time, values) in arrivals)           // NaN = missing
        {
            var cycle = session.Assimilate(time, values);
            Console.WriteLine($"{cycle.Analysis.Time}: chi-square {cycle.ChiSquare:f2}, spread {cycle.AnalysisSpread:f2}");
            session.Save(file);
        }
        var forecast = session.Forecast(session.Time + 0.5);                // mean and spread, half a unit ahead
        using var resumed = AssimilationSession.Restore(method, file);      // the same numbers, in another process too
        // </session>
        return (forecast, resumed.Cycles);
    }

    public static async Task<SessionCycle> Pooled(IConfiguration configuration, double[] values)
    {
        var services = new ServiceCollection();
        // <pool>
        services.AddDataAssimilation(configuration, daml => daml.Add<IDynamics>("roessler", _ => new Roessler()));
        using var provider = services.BuildServiceProvider();
        var sessions = provider.GetRequiredService<AssimilationSessions>();
        var cycle = await sessions.UseAsync("ring-etkf", "buoys", session => session.Assimilate(0.05, values));
        // </pool>
        return cycle;
    }
}
