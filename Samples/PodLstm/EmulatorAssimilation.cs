using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>
/// Lagged states from which forecasts start, one for each day of the test view from <see cref="First"/> on, and what a day of them took.
/// </summary>
/// <param name="States"><c>[days, W r]</c>, newest first.</param>
/// <param name="First">The cycle of the test view that the first one is of.</param>
/// <param name="MillisecondsPerDay">The time an analysis took; zero where there was none.</param>
internal sealed record StartStates(Tensor States, int First, double MillisecondsPerDay);

/// <summary>
/// The same observations of a field taken in in every way: day by day without a model, by 4D-Var over windows of their own, by 4D-Var and
/// ensemble filters that cycle. All through one emulator.
/// </summary>
internal sealed class EmulatorAssimilation
{
    /// <summary>Days of a window after the one it begins with.</summary>
    public const int WindowDays = 3;

    private const int WindowsAtOnce = 64;

    private readonly DataAssimilationContext context;
    private readonly ReducedOrderModels reduced;
    private readonly AutoregressiveModel model;
    private readonly IErrorCovariance statistics, analysisErrors, modelError;
    private readonly MemoryTrajectoryView observed;
    private readonly CancellationToken cancellation;

    /// <summary>Draws sites and observes the test years.</summary>
    /// <param name="context">Seed and progress.</param>
    /// <param name="reduced">What was learned of the field.</param>
    /// <param name="system">Number of sites and their error.</param>
    /// <param name="cancellation">Stops the work.</param>
    public EmulatorAssimilation(DataAssimilationContext context, ReducedOrderModels reduced, FieldCase.ObservingSystem system,
        CancellationToken cancellation)
    {
        (this.context, this.reduced, this.cancellation) = (context, reduced, cancellation);
        model = reduced.Emulator;
        Sites = DrawSites(system.Share);
        double error = system.ErrorOf(reduced.Mean);

        // Sites lie anywhere between grid points. What the modes do not resolve is an error of the observations there.
        var sites = reduced.Grid.InterpolateTo([.. Sites]);
        var instruments = ErrorCovariance.Scalar(Sites.Count, error * error);
        using var unresolved = reduced.Modes.Decomposition.TruncationErrorCovariance(reduced.Training, ReducedOrderModels.Anomaly, sites,
            cancellation);
        using var total = unresolved + instruments.ToMatrix(unresolved.dtype, unresolved.device);
        Field = new ObservationNetwork(new ReconstructionOperator(reduced.Modes.Decomposition).Then(sites), ErrorCovariance.Full(total));
        Network = model.Observed(Field);
        observed = context.Transforms
            .Observe(new ObservationNetwork(sites, instruments), ReducedOrderModels.Anomaly,
                $"{reduced.Case.Key}/observations/{system.Key}{Sites.Count}")
            .Transform(reduced.Test).Materialise([ReducedOrderModels.Anomaly, Columns.Observation], cancellation: cancellation);

        var training = reduced.Training;
        statistics = new StateStatistics().Estimate(model.Dynamics, training, ReducedOrderModels.Coefficients, cancellation);
        modelError = ForecastErrors.ModelError(model.Dynamics, training, ReducedOrderModels.Coefficients, cancellation: cancellation);
        analysisErrors = new ForecastErrors { Scale = AnalysisErrorShare() }
            .Estimate(model.Dynamics, training, ReducedOrderModels.Coefficients, cancellation);
        Cost = new(model.Dynamics, [new BackgroundTerm(statistics), new ModelErrorTerm(modelError)],
            [new ObservationTerm(Network.Operator, Network.Error)]);
    }

    /// <summary>Where it is observed, degrees north and east.</summary>
    public IReadOnlyList<(double Latitude, double Longitude)> Sites { get; }

    /// <summary>What observes coefficients.</summary>
    public IObservationNetwork Field { get; }

    /// <summary>What observes lagged states.</summary>
    public IObservationNetwork Network { get; }

    /// <summary>
    /// Components of the control vector that move the state: all of the first state, and the newest values of each later one.
    /// </summary>
    public long MovingComponents => model.Dynamics.Dimension + WindowDays * model.ValueCount;

    /// <summary>The cost of a window of its own: weak-constraint 4D-Var whose background is the climatology.</summary>
    public FourDimensionalVariationalCost Cost { get; }

    /// <summary>
    /// Without assimilation: each day's observations are spread over the modes by optimal interpolation from the climatology, and forecasts
    /// start from the last days' maps.
    /// </summary>
    public StartStates Interpolated()
    {
        using var scope = NewDisposeScope();
        using var zero = zeros(model.ValueCount, dtype: ScalarType.Float64);
        long r = model.ValueCount;
        using var block = statistics.ToMatrix(ScalarType.Float64, CPU).narrow(0, 0, r).narrow(1, 0, r).contiguous();
        var climatology = new GaussianInitialCondition(zero, ErrorCovariance.Full(block));
        var system = new AssimilationSystem(LinearDynamics.Persistence(r), Field);   // optimal interpolation forecasts nothing
        var (maps, milliseconds) = Analyses(context.Analysis.OptimalInterpolation(system, new() { Distribution = climatology }));
        int length = reduced.Window;
        var windows = cat([.. Enumerable.Range(0, length).Select(lag => maps.narrow(0, length - 1 - lag, maps.size(0) - length + 1))], -1);
        return new(windows.MoveToOuterDisposeScope(), length - 1, milliseconds);
    }

    /// <summary>
    /// 4D-Var over windows that know nothing of each other: background the climatology, B the statistics of the coefficients, all
    /// observations of the window.
    /// </summary>
    public StartStates Windows()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var method = new IncrementalFourDimensionalVariational(Cost);
        var observations = Observations();   // [days, p]
        long days = observations.size(0) - WindowDays;
        var watch = Stopwatch.StartNew();
        var ends = new List<Tensor>();
        for (long first = 0; first < days; first += WindowsAtOnce)
        {
            using var inner = NewDisposeScope();
            var window = Window(observations, first, Math.Min(WindowsAtOnce, days - first));
            ends.Add(method.Minimise(window, cancellation: cancellation).End.Values.MoveToOuterDisposeScope());
            long done = Math.Min(first + WindowsAtOnce, days);
            context.Progress?.Report(new ProgressReport($"4D-Var over windows, {Sites.Count} sites", done, days,
                new Dictionary<string, double>(), watch.Elapsed, watch.Elapsed * ((double)(days - done) / done)));
        }
        return new(cat([.. ends], 0).MoveToOuterDisposeScope(), WindowDays, watch.Elapsed.TotalMilliseconds / days);
    }

    /// <summary>4D-Var that goes on from its own analysis, day by day: B from the emulator's own forecast errors.</summary>
    public StartStates Cycled() => Cycles(context.Analysis.FourDimensionalVariational(System(model.Dynamics), new()
    {
        Name = $"cycled 4D-Var, {Sites.Count} sites", Background = new KnownBackground(analysisErrors), Window = WindowCycling.Disjoint(1),
        Priors = [new ModelErrorTerm(modelError)],
    }));

    /// <summary>The ensemble transform Kalman filter through the emulator, with its model error.</summary>
    public StartStates EnsembleTransform(int members) => Cycles(context.Analysis.EnsembleTransformKalmanFilter(System(Noisy()),
        new() { Name = $"ETKF, {Sites.Count} sites", Members = members }));

    /// <summary>The finite-size ensemble Kalman filter through the emulator, with its model error.</summary>
    public StartStates FiniteSize(int members) => Cycles(context.Analysis.FiniteSizeEnsembleKalmanFilter(System(Noisy()),
        new() { Name = $"EnKF-N, {Sites.Count} sites", Members = members }));

    private AssimilationSystem System(IDynamics dynamics) => new(dynamics, Network) { Initial = Climatology() };

    /// <summary>A window of its own for each of some days, one trajectory each.</summary>
    /// <param name="observations"><c>[days, p]</c></param>
    /// <param name="first">The day that the first window begins with.</param>
    /// <param name="count">Number of windows.</param>
    public AssimilationWindow Window(Tensor observations, long first, long count) => new(
        new State(zeros([count, model.Dynamics.Dimension], dtype: observations.dtype)),
        new TimeInterval(0, WindowDays * model.Dynamics.TimeStep), model.Dynamics.TimeStep,
        [.. Enumerable.Range(0, WindowDays + 1).Select(day =>
            new Observation(observations.narrow(0, first + day, count), null, day * model.Dynamics.TimeStep))]);

    /// <summary>The observations, <c>[days, p]</c>.</summary>
    public Tensor Observations() => ReducedOrderModels.Rows(observed, Columns.Observation);

    private GaussianInitialCondition Climatology()
    {
        using var zero = zeros(model.Dynamics.Dimension, dtype: ScalarType.Float64);
        return new GaussianInitialCondition(zero, statistics);
    }

    private IDynamics Noisy() => ((AutoregressiveEmulator)model.Dynamics).WithModelError(modelError);

    private StartStates Cycles<TMemory>(SequentialAssimilation<TMemory> method) where TMemory : IMemory<TMemory>
    {
        var (states, milliseconds) = Analyses(method);
        return new(states, 0, milliseconds);
    }

    private (Tensor States, double Milliseconds) Analyses<TMemory>(SequentialAssimilation<TMemory> method) where TMemory : IMemory<TMemory>
    {
        using var scope = NewDisposeScope();
        var watch = Stopwatch.StartNew();
        var states = new List<Tensor>();
        long days = observed.CycleCount!.Value;
        foreach (var run in method.Transform(observed))
        {
            cancellation.ThrowIfCancellationRequested();
            states.Add(run[Columns.Analysis].clone().MoveToOuterDisposeScope());
            context.Progress?.Report(new ProgressReport(method.Name, states.Count, days, new Dictionary<string, double>(), watch.Elapsed,
                watch.Elapsed * ((double)(days - states.Count) / states.Count)));
        }
        return (cat([.. states], 0).MoveToOuterDisposeScope(), watch.Elapsed.TotalMilliseconds / days);
    }

    // A cycled window begins where an analysis was made. Of the variance Q of a day's forecast error, that leaves the share tr P
    // / tr Q with P = (Q^-1 + H^T R^-1 H)^-1.
    private double AnalysisErrorShare()
    {
        using var scope = NewDisposeScope();
        long r = model.ValueCount;
        var q = modelError.ToMatrix(ScalarType.Float64, CPU).narrow(0, 0, r).narrow(1, 0, r);
        var h = Field.Operator.TangentLinear(zeros([r, r], ScalarType.Float64), eye(r, dtype: ScalarType.Float64));   // H^T, [r, p]
        var p = linalg.inv(linalg.inv(q) + matmul(Field.Error.ApplyInverse(h), h.mT));
        return (p.trace() / q.trace()).ToDouble();
    }

    // Uniform on the grid's latitudes and longitudes.
    private (double, double)[] DrawSites(double share)
    {
        var grid = reduced.Grid;
        int count = (int)Math.Round(share * grid.Size);
        using var scope = NewDisposeScope();
        using var random = context.Random($"{reduced.Case.Key}/sites/{count}");
        double[] draws = random.Uniform([2 * count], ScalarType.Float64).ToArray<double>();
        double south = grid.Latitudes.Min(), north = grid.Latitudes.Max(), west = grid.Longitudes.Min(), east = grid.Longitudes.Max();
        return [.. Enumerable.Range(0, count).Select(i =>
            (south + (north - south) * draws[2 * i], west + (east - west) * draws[2 * i + 1]))];
    }
}
