using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The room on a CUDA device: the same contracts, and the processor's values to round-off.</summary>
public sealed class CudaTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    public void Dispose() => scope.Dispose();

    [CudaFact]
    public void Models_and_operators_conform_there()
    {
        var options = new ConformanceOptions { Device = "cuda" };
        foreach (var model in (IDynamics[])[new Lorenz63(), new Lorenz96(), new LinearDynamics(Numbers.Normal(1, 5, 5)), new Roessler(),
            new Lorenz84(), new KuramotoSivashinsky(32, 22), new LinearAdvection(9, -2, 0.9), new TwoScaleLorenz96(5, 4),
            new JointDynamics(new Lorenz63(), new EstimatedParameter("rho", 28, 1))])
            DynamicsConformance.Check(model, options);
        foreach (var observed in (IObservationOperator[])[new IdentityObservationOperator(6), new SubsetObservationOperator(5, 3, 0, 3),
            new LinearObservationOperator(Numbers.Normal(1, 4, 6))])
            ObservationOperatorConformance.Check(observed, options);
    }

    [CudaFact]
    public void Forecasts_and_covariances_equal_those_of_the_processor()
    {
        var x = Numbers.Normal(1, 4, 3, 40) * 4;
        var there = x.to(new Device(DeviceType.CUDA, 0));
        Numbers.Close(new Lorenz96().Advance(x, new TimeInterval(0, 0.5)), new Lorenz96().Advance(there, new TimeInterval(0, 0.5)).cpu(),
            1e-11);
        Numbers.Close(new KuramotoSivashinsky(40).Advance(x, new TimeInterval(0, 1)),
            new KuramotoSivashinsky(40).Advance(there, new TimeInterval(0, 1)).cpu(), 1e-11);
        var mask = Numbers.Normal(2, 4, 40) > 0;
        foreach (var covariance in (ErrorCovariance[])[ErrorCovariance.Scalar(40, 2), ErrorCovariance.Full(Numbers.Spd(3, 40))])
            Numbers.Close(covariance.Whiten(x, mask), covariance.Whiten(there, mask.to(there.device)).cpu(), 1e-12);
    }

    [CudaFact]
    public void A_twin_experiment_lives_there_and_repeats_to_the_bit()
    {
        var context = new DataAssimilationContext(new DataAssimilationOptions { Seed = 1, Device = "cuda" });
        var model = new Lorenz96() { ModelError = ErrorCovariance.Scalar(40, 0.01) };
        var twin = context.Data.Twin(new AssimilationSystem(model, ObservationNetwork.Random(model.Dimension)),
            new() { Batch = 4, Cycles = 5, Precision = ScalarType.Float32 });
        MemoryTrajectoryView first = twin.Materialise(), second = twin.Materialise();
        foreach (var definition in twin.Schema.Definitions)
        {
            Assert.Equal(DeviceType.CUDA, first[definition.Column].device_type);
            Assert.Equal(first[definition.Column].Bits(), second[definition.Column].Bits());
        }
    }
}
