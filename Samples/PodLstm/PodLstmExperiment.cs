using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>What one observing system gave: forecasts by every method, and what an analysis took.</summary>
/// <param name="System">The observing system.</param>
/// <param name="Assimilation">Its sites and methods.</param>
/// <param name="Forecasts">The verification of each method, by name.</param>
/// <param name="Milliseconds">The time of an analysis, by method.</param>
/// <param name="Maps">Analysed anomalies of the test view's days, <c>[days, n]</c>, by method, for a figure and a file.</param>
internal sealed record SystemResult(FieldCase.ObservingSystem System, EmulatorAssimilation Assimilation,
    IReadOnlyDictionary<string, ForecastErrorsByLead> Forecasts, IReadOnlyDictionary<string, double> Milliseconds,
    IReadOnlyDictionary<string, StartStates> Maps);

/// <summary>What the adjoint saves, on one window, in milliseconds.</summary>
/// <param name="Components">Components of the control vector that move the state.</param>
/// <param name="Adjoint">A run and its gradient by the adjoint.</param>
/// <param name="Differences">The gradient by differences, a run for each such component.</param>
/// <param name="BatchedDifferences">The same, all runs as one batch.</param>
/// <param name="QuasiNewton">An analysis by limited-memory quasi-Newton.</param>
/// <param name="Evaluations">Gradients that it took.</param>
/// <param name="Terms">The terms of the cost at the background and at the minimum.</param>
/// <param name="RelativeError">The relative error of the adjoint's gradient against central differences.</param>
internal sealed record GradientCost(long Components, double Adjoint, double Differences, double BatchedDifferences, double QuasiNewton,
    int Evaluations, IReadOnlyList<(string Name, double Before, double After)> Terms, double RelativeError);

/// <summary>All of one field.</summary>
/// <param name="Reduced">What was learned.</param>
/// <param name="FromTruth">Forecasts from the true coefficients, by name.</param>
/// <param name="Systems">The observing systems, the main one first.</param>
/// <param name="Gradient">What the adjoint saves.</param>
internal sealed record PodLstmExperiment(ReducedOrderModels Reduced, IReadOnlyDictionary<string, ForecastErrorsByLead> FromTruth,
    IReadOnlyList<SystemResult> Systems, GradientCost Gradient)
{
    /// <summary>Members of the ensemble filters.</summary>
    public const int Members = 100;

    /// <summary>Methods without assimilation, as metrics name them.</summary>
    public static readonly string[] Models = ["persistence", "climatology", "damped", "lim", "ridge", "lstm_alone", "lstm"];

    /// <summary>The emulator with assimilation, as metrics name it.</summary>
    public static readonly string[] Assimilations = ["lstm_4dvar", "lstm_4dvar_cycled", "lstm_etkf", "lstm_enkfn"];

    /// <summary>Learns, observes, assimilates and verifies.</summary>
    public static PodLstmExperiment Run(DataAssimilationContext context, FieldCase field, CancellationToken cancellation)
    {
        var reduced = ReducedOrderModels.Learn(context, field, cancellation);
        var truth = ForecastErrorsByLead.True(reduced, reduced.Window);
        var fromTruth = Models.ToDictionary(name => name, name => name == "persistence" ? ForecastErrorsByLead.Persistence(name, reduced)
            : ForecastErrorsByLead.Of(name, reduced, reduced.Models[name], truth));
        var systems = field.Observing.Select(system => Observe(context, reduced, system, cancellation)).ToList();
        return new(reduced, fromTruth, systems, Price(context, systems[0].Assimilation));
    }

    private static SystemResult Observe(DataAssimilationContext context, ReducedOrderModels reduced, FieldCase.ObservingSystem system,
        CancellationToken cancellation)
    {
        var assimilation = new EmulatorAssimilation(context, reduced, system, cancellation);
        var starts = new Dictionary<string, StartStates>
        {
            ["interpolated"] = assimilation.Interpolated(),
            ["lstm_4dvar"] = assimilation.Windows(),
            ["lstm_4dvar_cycled"] = assimilation.Cycled(),
            ["lstm_etkf"] = assimilation.EnsembleTransform(Members),
            ["lstm_enkfn"] = assimilation.FiniteSize(Members),
        };
        var forecasts = new Dictionary<string, ForecastErrorsByLead>();
        foreach (string name in Models)
            forecasts[name] = ForecastErrorsByLead.Of(name, reduced, reduced.Models[name], starts["interpolated"]);
        foreach (string name in Assimilations) forecasts[name] = ForecastErrorsByLead.Of(name, reduced, reduced.Emulator, starts[name]);
        return new(system, assimilation, forecasts, starts.ToDictionary(pair => pair.Key, pair => pair.Value.MillisecondsPerDay), starts);
    }

    // One window of the main observing system, in the middle of the test years. The least of some timings is what the work takes.
    private static GradientCost Price(DataAssimilationContext context, EmulatorAssimilation assimilation)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var cost = assimilation.Cost;
        var observations = assimilation.Observations();
        var window = assimilation.Window(observations, observations.size(0) / 2, 1);
        using var random = context.Random("pod-lstm-4dvar/gradient");
        var control = new ControlVector(random.Normal([1, cost.ControlDimension(window)], ScalarType.Float64));
        double adjoint = Least(9, () => cost.Gradient(cost.Run(window, control), control).Values.sum().ToDouble());
        // Components of Jq that stand for lags move nothing, and nobody would take their differences.
        long all = cost.ControlDimension(window), moving = assimilation.MovingComponents;
        double run = Least(3, () => cost.GradientByDifferences(window, control).Values.sum().ToDouble()) / (all + 1);
        double batch = Least(3, () => cost.GradientByDifferences(window, control, atOnce: all).Values.sum().ToDouble());
        double batched = batch * (moving + 1) / (all + 1);
        FourDimensionalVariationalResult? result = null;
        double minimised = Least(3, () =>
            (result = new QuasiNewtonFourDimensionalVariational(cost).Minimise(window)).Cost.Total.sum().ToDouble());
        double error = cost.CheckGradient(window, control).RelativeError;
        var report = result!.QuasiNewton[0];
        var terms = report.Evaluations[0].Terms.Zip(report.Best.Terms, (first, last) => (first.Term, first.Value, last.Value)).ToList();
        return new(moving, adjoint, run * (moving + 1), batched, minimised, report.Evaluations.Count, terms, error);
    }

    private static double Least(int times, Func<double> work)
    {
        double least = double.PositiveInfinity;
        for (int i = 0; i < times; i++)
        {
            using var scope = NewDisposeScope();
            var watch = Stopwatch.StartNew();
            work();
            least = Math.Min(least, watch.Elapsed.TotalMilliseconds);
        }
        return least;
    }
}
