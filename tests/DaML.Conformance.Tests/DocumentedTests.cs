using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

// What docs/conformance.md quotes; it is compiled and run here.

public sealed class MyModelConformance : DynamicsContract
{
    protected override IDynamics CreateDynamics() => new MyModel();
}

public sealed class MyFilterConformance : FilterContract
{
    protected override ITransformer CreateFilter(DataAssimilationContext context, AssimilationSystem system) =>
        context.Analysis.MyFilter(system, new() { Members = 100 });
}

internal sealed class MyModel() : Dynamics(3, 0.1)
{
    protected override Tensor Tendency(Tensor state) => state.roll(1, -1) - state.sin();
}

internal sealed record MyFilter : EnsembleFilter
{
    protected override string UsualName => "my filter";

    protected override IAnalyzer<EnsembleMemory> Analyzer(IObservationNetwork network) =>
        new EnsembleTransformKalmanFilterAnalyzer(network.Operator, network.Error, Inflation);
}

internal static class MyCatalog
{
    public static SequentialAssimilation<EnsembleMemory> MyFilter(this AnalysisCatalog catalog, AssimilationSystem system,
        MyFilter method) =>
        method.For(system, catalog.Context);
}
