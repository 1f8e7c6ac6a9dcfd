using DaML;
using DaML.Components;
using Xunit;

namespace OwnModels.Tests;

/// <summary>What every model must be: its derivatives right, its batches independent, saved to the bit.</summary>
public sealed class OwnModelConformance : DynamicsContract
{
    protected override IDynamics CreateDynamics() => new OwnModel(c: 6);

    protected override IReadOnlyList<ComponentType> Components => [ComponentType.Of<OwnModel>()];
}

/// <summary>What this model must be.</summary>
public sealed class OwnModelTests
{
    [Fact]
    public void A_filter_follows_it()
    {
        var daml = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new OwnModel(), ObservationNetwork.Full(dimension: 3, errorVariance: 0.5))
            { Interval = 0.25 };
        var twin = daml.Data.Twin(system, new() { Batch = 8, Cycles = 200 });
        var etkf = daml.Analysis.EnsembleTransformKalmanFilter(system, new()
            { Members = 10, Inflation = Inflation.StandardDeviation(1.02) });
        var scores = daml.Scores.Evaluate(etkf.Transform(twin), new() { BurnIn = 50 },
            TestContext.Current.CancellationToken);
        Assert.InRange(scores.AnalysisRmse.Mean, 0, 0.4);    // the observations' error is 0.71
    }
}
