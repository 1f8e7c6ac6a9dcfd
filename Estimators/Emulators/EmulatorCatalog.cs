using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Emulators, and methods in which they are learned.</summary>
public static class EmulatorCatalog
{
    /// <summary>
    /// A physical analyzer with a learned propagater: an <see cref="Components.Emulator"/> trained end to end through any method around
    /// it, from observations alone. What is made small is the squared innovation R^(-1/2) (y - H m) of the forecasts' mean m: forecasts a
    /// step ahead are compared with the observations that come next, and gradients go back through the analyses before, as many cycles as
    /// the training unrolls. The view needs no truth.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="name">The name of emulator and method in messages and tables.</param>
    /// <param name="observing">The observation network: H and R.</param>
    /// <param name="timeStep">The time of one application of the network; observations lie a whole number of these apart.</param>
    /// <param name="createNetwork">Makes the network <c>[rows, n]</c> -> <c>[rows, n]</c> and draws its weights from the stream
    /// (<see cref="ModuleState.DrawWeights"/>), on the stream's device and in the context's network precision. It sees states in the
    /// <paramref name="unit"/>.</param>
    /// <param name="method">The method around the emulator: any filter of the catalogs,
    /// <c>model => context.Analysis.StochasticEnsembleKalmanFilter(system with { Dynamics = model }).Triple</c>, or a triple of your
    /// own.</param>
    /// <param name="modelError">Q, the error of one step of the emulator (default: none). The gain of a filter depends on it: the network
    /// learns the model only if Q is correct.</param>
    /// <param name="training">The training settings (default: null, their defaults).</param>
    /// <param name="hasSpread">Whether the method's procoder has a spread.</param>
    /// <param name="unit">The unit of the network's input and output (default: null, measured, so that its input is of the order of one
    /// in every unit of the state: the deviation of white states whose observations scatter as the training view's do). Give 1 for a
    /// network in the state's own unit.</param>
    /// <typeparam name="TMemory">The method's memory.</typeparam>
    /// <exception cref="ArgumentException">An option is out of its range, or the step is not above zero.</exception>
    public static LearnedAnalysisEstimator<TMemory> LearnedDynamics<TMemory>(this AnalysisCatalog catalog, string name,
        IObservationNetwork observing, double timeStep,
        Func<RandomStream, nn.Module<Tensor, Tensor>> createNetwork, Func<IDynamics, AssimilationTriple<TMemory>> method,
        IErrorCovariance? modelError = null, TrainingOptions? training = null, bool hasSpread = true, double? unit = null)
        where TMemory : IMemory<TMemory>
    {
        Require.Positive(timeStep);
        if (unit is { } given) Require.Positive(given, nameof(unit));
        var innovation = new ForecastInnovation(observing.Operator, observing.Error);
        return new(name, catalog.Context, observing,
            data => new(ObservationScatter: unit is null ? ObservationScatter.Measure(data, observing) : null, Schema: data.Schema),
            (constants, random) =>
            {
                var network = createNetwork(random);
                var emulator = new Emulator(name, network, observing.Operator.StateDimension, timeStep, unit ?? 1)
                {
                    ModelError = modelError,
                };
                var triple = method(emulator);
                if (constants.ObservationScatter is { } scatter)
                {
                    using var start = random.Derive("unit");
                    emulator.Unit = scatter.UnitOfState(observing, triple.Procoder.Decode(triple.Source.Start(1, start)).Mean);
                }
                return new LearnedTriple<TMemory>(network, triple, history =>
                {
                    ModuleState.Freeze(network);
                    emulator.History = history;
                    return triple;
                })
                {
                    Cost = (forecast, _, cycle) =>
                    {
                        var mean = triple.Procoder.Decode(forecast).Mean;
                        return innovation.MeanSquare(mean, cycle.ReadObservation(constants.Schema!, mean, name));
                    },
                    Validation = innovation,
                };
            }, training, hasSpread, needsTruth: false);
    }

    /// <summary>
    /// Learns a linear model of the last values of a column by ridge regression, a dynamics of lagged states, and adds its forecasts.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="values">The column of anomalies with zero mean, <c>[r]</c>.</param>
    /// <param name="forecast">The column that is added, <c>[r]</c>.</param>
    /// <param name="options">Lags and penalty (default: null, their defaults).</param>
    public static RidgeAutoregressionEstimator RidgeAutoregression(this TransformCatalog catalog, Column values, Column forecast,
        RidgeAutoregressionOptions? options = null) => new(values, forecast, options);

    /// <summary>The forecasts that need no model, as a dynamics: persistence, damped persistence, climatology.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="values">The column of anomalies with zero mean, <c>[r]</c>.</param>
    /// <param name="forecast">The column that is added, <c>[r]</c>.</param>
    /// <param name="damping">The decay of anomalies.</param>
    public static DampedPersistenceEstimator DampedPersistence(this TransformCatalog catalog, Column values, Column forecast,
        AnomalyDamping damping = AnomalyDamping.Fitted) => new(values, forecast, damping);

    /// <summary>
    /// Learns a long short-term memory from a window of past values to the coming values, a dynamics of lagged states, and adds its
    /// forecasts.
    /// </summary>
    /// <param name="catalog">The catalog, whose context gives the network's seed and precision.</param>
    /// <param name="values">The column of anomalies with zero mean, <c>[r]</c>.</param>
    /// <param name="forecast">The column that is added, <c>[r]</c>.</param>
    /// <param name="options">Window, loss, baseline and training (default: null, their defaults).</param>
    /// <param name="network">The network's size (default: null, its defaults).</param>
    /// <param name="name">The model's name (default: LSTM).</param>
    public static AutoregressiveEmulatorEstimator LongShortTermMemory(this TransformCatalog catalog, Column values, Column forecast,
        AutoregressiveEmulatorOptions? options = null, LongShortTermMemoryOptions? network = null, string name = "LSTM")
    {
        options ??= new();
        var precision = catalog.Context.Options.NetworkPrecision;
        return new(catalog.Context, name, values, forecast,
            (count, random) => new LongShortTermMemoryNetwork(count, options.Leads, network ?? new(), precision, random), options);
    }

    /// <summary>
    /// Learns a network of your own from a window of past values to the coming values, a dynamics of lagged states, and adds its
    /// forecasts.
    /// </summary>
    /// <param name="catalog">The catalog, whose context gives the network's seed and precision.</param>
    /// <param name="name">The model's name.</param>
    /// <param name="values">The column of anomalies with zero mean, <c>[r]</c>.</param>
    /// <param name="forecast">The column that is added, <c>[r]</c>.</param>
    /// <param name="createNetwork">Makes the network <c>[rows, L, r]</c>, oldest first, to <c>[rows, D, r]</c>, for r components, with
    /// weights from the stream.</param>
    /// <param name="options">Window, loss, baseline and training (default: null, their defaults).</param>
    public static AutoregressiveEmulatorEstimator AutoregressiveEmulator(this TransformCatalog catalog, string name,
        Column values, Column forecast,
        Func<long, RandomStream, nn.Module<Tensor, Tensor>> createNetwork, AutoregressiveEmulatorOptions? options = null) =>
        new(catalog.Context, name, values, forecast, createNetwork, options);
}
