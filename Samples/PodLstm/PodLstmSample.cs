using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>draft</summary>
public sealed class PodLstmSample : ISample
{
    /// <inheritdoc/>
    public string Name => "pod-lstm-4dvar";

    /// <inheritdoc/>
    public string Summary => "draft";

    /// <inheritdoc/>
    public string Details => "draft";

    /// <inheritdoc/>
    public IReadOnlyList<SampleSize> Sizes => [SampleSize.Quick];

    /// <inheritdoc/>
    public double? TrainingMinutes => null;

    /// <inheritdoc/>
    public SampleResult Run(SampleRun run)
    {
        var context = run.CreateContext();
        foreach (var field in new[] { FieldCase.Pressure, FieldCase.Height })
        {
            var watch = System.Diagnostics.Stopwatch.StartNew();
            var reduced = ReducedOrderModels.Learn(context, field, run.Cancellation);
            Console.WriteLine($"{field.Key} learned {watch.Elapsed.TotalSeconds:f0} s; mean {reduced.Mean:f1} range {reduced.Range:f1}; fraction {reduced.Modes.Decomposition.VarianceFraction:f3}");
            void Show(ForecastErrorsByLead e, double ms = 0) => Console.WriteLine($"  {e.Name,-28}" + string.Join(' ', ForecastErrorsByLead.Leads.Select(l => $"{e.ByLead[l - 1].RootMeanSquareError.Value,7:f3}±{e.ByLead[l - 1].RootMeanSquareError.StandardError:f2}")) + $"  {ms:f2} ms  acc {e.ByLead[4].AnomalyCorrelation?.Value:f3} ssim {e.ByLead[4].StructuralSimilarity!.Value:f3}");
            Show(ForecastErrorsByLead.Persistence("persistence true", reduced));
            var t = ForecastErrorsByLead.True(reduced, 4);
            foreach (var (n, m) in reduced.Models) Show(ForecastErrorsByLead.Of("true " + n, reduced, m, t));
            foreach (double share in new[] { 0.41, 0.05 })
            {
                var a = new EmulatorAssimilation(context, reduced, share, field.ObservationError ?? field.RelativeError!.Value * reduced.Mean, run.Cancellation);
                var oi = a.Interpolated();
                foreach (var (n, m) in reduced.Models) Show(ForecastErrorsByLead.Of($"{share} {n}", reduced, m, oi));
                void Method(string n, Func<StartStates> f) { watch.Restart(); var s = f(); Show(ForecastErrorsByLead.Of($"{share} {n}", reduced, reduced.Emulator, s), s.MillisecondsPerDay); }
                Method("lstm_4dvar", a.Windows);
                Method("lstm_4dvar_cycled", a.Cycled);
                Method("lstm_etkf", () => a.EnsembleTransform(100));
                Method("lstm_enkfn", () => a.FiniteSize(100));
            }
        }
        return new SampleResult(new Dictionary<string, object>(), new Dictionary<string, double>());
    }
}
