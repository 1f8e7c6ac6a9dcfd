using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Learning on a CUDA device, from data to the saved model.</summary>
public sealed class CudaTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly string file = Path.Combine(Directory.CreateTempSubdirectory("daml-cuda-").FullName, "model.daml");

    public void Dispose()
    {
        scope.Dispose();
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    [CudaFact]
    public void An_analysis_is_learned_there_and_read_on_the_processor()
    {
        var context = new DataAssimilationContext(new DataAssimilationOptions { Seed = 1, Device = "cuda" });
        var model = new Lorenz96(12);
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension));
        ITrajectoryView View(string stream, long batch) =>
            context.Data.Twin(system with { Initial = new AttractorInitialCondition(model, 5) }, new() { Stream = stream, Batch = batch });
        var estimator = context.Analysis.ResidualConvolution(system,
            new() { Network = SmallTwin.Network, Training = SmallTwin.Brief with { Steps = 120, ValidationInterval = 40 } });
        var learned = estimator.Fit(View("training", 16), View("validation", 8));
        Assert.All(SmallTwin.Analyzer(learned).Network.parameters(), parameter => Assert.Equal(DeviceType.CUDA, parameter.device_type));
        var steps = SmallTwin.History(learned).Steps;
        Assert.True(steps[^1].Loss < steps[10].Loss);

        using var recorded = View("test", 4).Take(10).Materialise();
        Tensor Analyses(ITransformer method, ITrajectoryView view)
        {
            using var cursor = method.Transform(view).OpenCursor();
            var all = new List<Tensor>();
            while (cursor.MoveNext()) all.Add(cursor[Columns.Analysis].cpu().clone());
            return stack(all);
        }
        context.Model.Save(learned, file);
        var here = new DataAssimilationContext(seed: 1);
        var onProcessor = here.Model.Load<SequentialAssimilation<StateMemory>>(file);
        using var copied =
            new MemoryTrajectoryView(
                recorded.Schema.Definitions.ToDictionary(definition => definition.Column,
                    definition => recorded[definition.Column].cpu().clone()),
            [.. Enumerable.Range(1, 10).Select(cycle => cycle * model.TimeStep)], 0);
        // They start from other draws, which the first analyses forget no faster than the network can; so the same state is put in.
        var observation = new Observation(recorded[Columns.Observation][0], null, 0);
        var forecast = new StateMemory(recorded[Columns.Truth][0].to(ScalarType.Float32) + 0.5);
        var there = SmallTwin.Analyzer(learned).Analyze(forecast, observation, context.Random("unused")).State.cpu();
        var back = SmallTwin.Analyzer(onProcessor)
            .Analyze(forecast.Map(part => part.cpu()), new Observation(observation.Values.cpu(), null, 0), here.Random("unused")).State;
        Assert.True((there - back).abs().max().ToDouble() < 1e-4 * back.abs().max().ToDouble());
        Assert.True(Analyses(learned, recorded).isfinite().all().ToBoolean());
        Assert.True(Analyses(onProcessor, copied).isfinite().all().ToBoolean());
    }
}
