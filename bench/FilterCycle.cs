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

    private FilterCycle(AssimilationMethod method, long runs = 1, string device = "cpu")
    {
        using var scope = NewDisposeScope();
        var context = new DataAssimilationContext(new DataAssimilationOptions { Seed = 2, Device = device });
        var first = zeros(40, dtype: ScalarType.Float64);
        first[0] = 1;
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40))
            { Initial = new GaussianInitialCondition(first, ErrorCovariance.Scalar(40, 0.001)) };
        var filter = (ITransformer)method.For(system, context);
        cursor = filter.Transform(context.Data.Twin(system, new() { Batch = runs })).OpenCursor();
        for (int cycle = 0; cycle < (runs == 1 ? 300 : 10); cycle++) Run();
    }

    /// <summary>The ensemble transform Kalman filter.</summary>
    /// <param name="members">N</param>
    /// <param name="inflation">Of the posterior standard deviation.</param>
    /// <param name="runs">Number of independent runs that go side by side.</param>
    /// <param name="device">Where they run.</param>
    public static FilterCycle EnsembleTransform(long members, double inflation, long runs = 1, string device = "cpu") => new(
        new EnsembleTransformKalmanFilter { Members = members, Inflation = Inflation.StandardDeviation(inflation) }, runs, device);

    /// <summary>The finite-size filter, dual form.</summary>
    public static FilterCycle FiniteSize(long members, long runs = 1, string device = "cpu") => new(
        new FiniteSizeEnsembleKalmanFilter { Members = members }, runs, device);

    /// <summary>The iterative filter, transform form, to a step of 0.001.</summary>
    public static FilterCycle Iterative(long members, double inflation, long runs = 1) => new(
        new IterativeEnsembleKalmanSmoother { Members = members, Inflation = Inflation.StandardDeviation(inflation) }, runs);

    /// <summary>The local filter, Gaspari-Cohn with an e-folding radius of four sites.</summary>
    public static FilterCycle Local(long members, double inflation, long runs = 1) => new(new LocalEnsembleTransformKalmanFilter
        { Members = members, Localisation = new(LocalisationGeometry.Circle(40), LocalisationRadius.EFolding(4)),
            Inflation = Inflation.StandardDeviation(inflation) }, runs);

    /// <summary>3D-Var with a background error covariance that is full, as a climatological one is.</summary>
    public static FilterCycle ThreeDimensionalVariational()
    {
        using var distance = arange(40, dtype: ScalarType.Float64);
        using var apart = (distance.unsqueeze(0) - distance.unsqueeze(1)).abs();
        using var background = 0.2 * (-minimum(apart, 40 - apart).square() / 2).exp();
        return new(new ThreeDimensionalVariational { Background = new KnownBackground(ErrorCovariance.Full(background)) });
    }

    /// <inheritdoc/>
    public void Run()
    {
        if (!cursor.MoveNext()) throw new InvalidOperationException("The twin experiment ended.");
    }

    /// <inheritdoc/>
    public void Dispose() => cursor.Dispose();
}
