using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Benchmarks;

/// <summary>
/// One cycle of a filter through the framework's own loop, truth, observation and checks included; Lorenz-96, n = 40, H = I,
/// R = I, no rotation. The filter starts near the truth, so that it has it: iterations would otherwise be others than usual.
/// </summary>
public sealed class FilterCycle : IWorkload
{
    private readonly ITrajectoryCursor cursor;

    private FilterCycle(Func<DataAssimilationContext, IDynamics, IObservationNetwork, IInitialCondition, ITransformer> make, long runs = 1, string device = "cpu")
    {
        using var scope = NewDisposeScope();
        var context = new DataAssimilationContext(new DataAssimilationOptions { Seed = 2, Device = device });
        var model = context.Dynamics.Lorenz96();
        var network = context.Observations.Full(model);
        var first = zeros(40, dtype: ScalarType.Float64);
        first[0] = 1;
        var start = new GaussianInitialCondition(first, ErrorCovariance.Scalar(40, 0.001));
        cursor = make(context, model, network, start).Transform(context.Data.Twin(model, network, new() { Initial = start, Batch = runs })).OpenCursor();
        for (int cycle = 0; cycle < (runs == 1 ? 300 : 10); cycle++) Run();
    }

    /// <summary>The ensemble transform Kalman filter.</summary>
    /// <param name="members">N</param>
    /// <param name="inflation">Of the posterior standard deviation.</param>
    /// <param name="runs">Number of independent runs that go side by side.</param>
    /// <param name="device">Where they run.</param>
    public static FilterCycle EnsembleTransform(long members, double inflation, long runs = 1, string device = "cpu") => new((context, model, network, start) =>
        context.Analysis.EnsembleTransformKalmanFilter(model, network, new EnsembleTransformKalmanFilterOptions
        {
            Members = members, Inflation = Inflation.StandardDeviation(inflation), Initial = start,
        }).Transformer, runs, device);

    /// <summary>The finite-size filter, dual form.</summary>
    public static FilterCycle FiniteSize(long members, long runs = 1, string device = "cpu") => new((context, model, network, start) =>
        context.Analysis.FiniteSizeEnsembleKalmanFilter(model, network, new FiniteSizeEnsembleKalmanFilterOptions { Members = members, Initial = start }).Transformer, runs, device);

    /// <summary>The iterative filter, transform form, to a step of 0.001.</summary>
    public static FilterCycle Iterative(long members, double inflation) => new((context, model, network, start) =>
        context.Analysis.IterativeEnsembleKalmanSmoother(model, network, new IterativeEnsembleKalmanSmootherOptions
        {
            Members = members, Inflation = Inflation.StandardDeviation(inflation), Initial = start,
        }).Transformer);

    /// <summary>The local filter, Gaspari-Cohn with an e-folding radius of four sites.</summary>
    public static FilterCycle Local(long members, double inflation) => new((context, model, network, start) =>
        context.Analysis.LocalEnsembleTransformKalmanFilter(model, network, new LocalEnsembleTransformKalmanFilterOptions
        {
            Members = members, Localisation = new(LocalisationGeometry.Circle(40), LocalisationRadius.EFolding(4)),
            Inflation = Inflation.StandardDeviation(inflation), Initial = start,
        }).Transformer);

    /// <summary>3D-Var with a background error covariance that is full, as a climatological one is.</summary>
    public static FilterCycle ThreeDimensionalVariational() => new((context, model, network, start) =>
    {
        using var distance = arange(40, dtype: ScalarType.Float64);
        using var apart = (distance.unsqueeze(0) - distance.unsqueeze(1)).abs();
        using var background = 0.2 * (-minimum(apart, 40 - apart).square() / 2).exp();
        return context.Analysis.ThreeDimensionalVariational(model, network, ErrorCovariance.Full(background), new ThreeDimensionalVariationalOptions { Initial = start }).Transformer;
    });

    /// <inheritdoc/>
    public void Run()
    {
        if (!cursor.MoveNext()) throw new InvalidOperationException("The twin experiment ended.");
    }

    /// <inheritdoc/>
    public void Dispose() => cursor.Dispose();
}
