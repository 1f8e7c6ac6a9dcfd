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

internal sealed class MyModel() : Dynamics(3, 0.1)
{
    protected override Tensor Tendency(Tensor state) => state.roll(1, -1) - state.sin();
}

internal static class MyCatalog
{
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> MyFilter(this AnalysisCatalog catalog, IDynamics dynamics, IObservationNetwork network, int members,
        IInitialCondition initial) => catalog.EnsembleTransformKalmanFilter(dynamics, network, new EnsembleTransformKalmanFilterOptions { Members = members, Initial = initial });
}
