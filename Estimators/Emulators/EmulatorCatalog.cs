using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Emulators, and methods in which they are learned.</summary>
public static class EmulatorCatalog
{
    /// <summary>
    /// A physical analyzer with a learned propagater: an <see cref="Components.Emulator"/> trained end to end through any method around it,
    /// from
    /// observations alone. What is made small is the squared innovation R^(-1/2) (y - H m) of the forecasts' mean m: forecasts a step
    /// ahead are compared with the observations that come next, and gradients go back through the analyses before, as many
    /// cycles as the training unrolls. The view needs no truth.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="name">What to call emulator and method in messages and tables.</param>
    /// <param name="observing">What is observed: H and R.</param>
    /// <param name="timeStep">The time that one application of the network stands for; observations lie a whole number of it apart.</param>
    /// <param name="createNetwork">Makes the network <c>[rows, n]</c> -> <c>[rows, n]</c> and draws its weights from the stream
    /// (<see cref="ModuleState.DrawWeights"/>), on the stream's device and in the context's network precision. It sees states in the
    /// <paramref name="unit"/>.</param>
    /// <param name="method">The method around the emulator: any filter of the catalogs,
    /// <c>model => context.Analysis.StochasticEnsembleKalmanFilter(system with { Dynamics = model }).Triple</c>, or a triple of one's
    /// own.</param>
    /// <param name="modelError">Q, the error of one step of the emulator; none unless given. The gain of a filter depends on it: what is
    /// learned is the model only if Q is.</param>
    /// <param name="training">How it is trained; null = the defaults.</param>
    /// <param name="hasSpread">Whether the method's procoder has a spread.</param>
    /// <param name="unit">The unit in which the network sees states and gives them. Null = measured, so that what it sees is of the order
    /// of one in every unit of the state: the deviation of white states whose observations scatter as the training view's do. Give 1 for a
    /// network in the state's own unit.</param>
    /// <typeparam name="TMemory">The method's memory.</typeparam>
    /// <exception cref="ArgumentException">An option out of its range, or a step that is not above zero.</exception>
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
    /// <param name="options">Lags and penalty; null = the defaults.</param>
    public static RidgeAutoregressionEstimator RidgeAutoregression(this TransformCatalog catalog, Column values, Column forecast,
        RidgeAutoregressionOptions? options = null) => new(values, forecast, options);

    /// <summary>The forecasts that need no model, as a dynamics: persistence, damped persistence, climatology.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="values">The column of anomalies with zero mean, <c>[r]</c>.</param>
    /// <param name="forecast">The column that is added, <c>[r]</c>.</param>
    /// <param name="damping">How fast anomalies fade.</param>
    public static DampedPersistenceEstimator DampedPersistence(this TransformCatalog catalog, Column values, Column forecast,
        AnomalyDamping damping = AnomalyDamping.Fitted) => new(values, forecast, damping);

    /// <summary>
    /// Learns a long short-term memory from a window of past values to the coming ones, a dynamics of lagged states, and adds its
    /// forecasts.
    /// </summary>
    /// <param name="catalog">The catalog; its context's seed and network precision are those of the network.</param>
    /// <param name="values">The column of anomalies with zero mean, <c>[r]</c>.</param>
    /// <param name="forecast">The column that is added, <c>[r]</c>.</param>
    /// <param name="options">Window, loss, baseline and training; null = the defaults.</param>
    /// <param name="network">The network's size; null = the defaults.</param>
    /// <param name="name">What to call it (default: LSTM).</param>
    public static AutoregressiveEmulatorEstimator LongShortTermMemory(this TransformCatalog catalog, Column values, Column forecast,
        AutoregressiveEmulatorOptions? options = null, LongShortTermMemoryOptions? network = null, string name = "LSTM")
    {
        options ??= new();
        var precision = catalog.Context.Options.NetworkPrecision;
        return new(catalog.Context, name, values, forecast,
            (count, random) => new LongShortTermMemoryNetwork(count, options.Leads, network ?? new(), precision, random), options);
    }

    /// <summary>
    /// Learns a network of yours from a window of past values to the coming ones, a dynamics of lagged states, and adds its
    /// forecasts.
    /// </summary>
    /// <param name="catalog">The catalog; its context's seed and network precision are those of the network.</param>
    /// <param name="name">What to call it.</param>
    /// <param name="values">The column of anomalies with zero mean, <c>[r]</c>.</param>
    /// <param name="forecast">The column that is added, <c>[r]</c>.</param>
    /// <param name="createNetwork">Makes the network <c>[rows, L, r]</c>, oldest first, to <c>[rows, D, r]</c>, for r components, with
    /// weights from the stream.</param>
    /// <param name="options">Window, loss, baseline and training; null = the defaults.</param>
    public static AutoregressiveEmulatorEstimator AutoregressiveEmulator(this TransformCatalog catalog, string name,
        Column values, Column forecast,
        Func<long, RandomStream, nn.Module<Tensor, Tensor>> createNetwork, AutoregressiveEmulatorOptions? options = null) =>
        new(catalog.Context, name, values, forecast, createNetwork, options);
}
