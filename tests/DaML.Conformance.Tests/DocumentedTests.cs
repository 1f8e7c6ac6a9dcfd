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
    protected override ITransformer CreateFilter(DataAssimilationContext context, IDynamics dynamics, IObservationNetwork network, GaussianInitialCondition initial) =>
        context.Analysis.MyFilter(dynamics, network, members: 100, initial).Transformer;
}

internal sealed class MyModel() : Dynamics(3, 0.1), IComponent
{
    public static ComponentType Type { get; } = new("example.org/my-model", 1, _ => new MyModel());

    ComponentType IComponent.ComponentType => Type;

    protected override Tensor Tendency(Tensor state) => state.roll(1, -1) - state.sin();

    void IComponent.Save(ComponentWriter writer) { }
}

internal static class MyCatalog
{
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> MyFilter(this AnalysisCatalog catalog, IDynamics dynamics, IObservationNetwork network, int members,
        IInitialCondition initial) => catalog.EnsembleTransformKalmanFilter(dynamics, network, new EnsembleTransformKalmanFilterOptions { Members = members, Initial = initial });
}
