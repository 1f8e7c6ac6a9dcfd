using static TorchSharp.torch;

namespace DaML;

/// <summary>Models of the world, made from <see cref="DataAssimilationContext.Dynamics"/>.</summary>
public static class DynamicsCatalogExtensions
{
    /// <summary>The Lorenz-63 model.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="timeStep">Length of a Runge-Kutta step.</param>
    /// <param name="modelError">The covariance of the error of one step; null = a perfect model.</param>
    public static Lorenz63 Lorenz63(this DynamicsCatalog catalog, double timeStep = 0.01, IErrorCovariance? modelError = null) =>
        new(timeStep) { ModelError = modelError };

    /// <summary>The Lorenz-96 model.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dimension">Number of sites n, at least 4.</param>
    /// <param name="forcing">F; 8 is chaotic.</param>
    /// <param name="timeStep">Length of a Runge-Kutta step.</param>
    /// <param name="modelError">The covariance of the error of one step; null = a perfect model.</param>
    public static Lorenz96 Lorenz96(this DynamicsCatalog catalog, long dimension = 40, double forcing = 8, double timeStep = 0.05, IErrorCovariance? modelError = null) =>
        new(dimension, forcing, timeStep) { ModelError = modelError };

    /// <summary>A linear model, x(t + h) = M x(t); with a model error a linear-Gaussian system.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="matrix">M, <c>[n, n]</c>; copied.</param>
    /// <param name="timeStep">The length of a step in the model's unit of time.</param>
    /// <param name="modelError">The covariance of the error of one step; null = a perfect model.</param>
    public static LinearDynamics Linear(this DynamicsCatalog catalog, Tensor matrix, double timeStep = 1, IErrorCovariance? modelError = null) =>
        new(matrix, timeStep) { ModelError = modelError };

    /// <summary>The Kuramoto-Sivashinsky equation on a periodic domain.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dimension">Number of grid points n, at least 8.</param>
    /// <param name="length">The length of the domain; 32 pi unless said.</param>
    /// <param name="timeStep">Length of a step of ETDRK4.</param>
    /// <param name="modelError">The covariance of the error of one step; null = a perfect model.</param>
    public static KuramotoSivashinsky KuramotoSivashinsky(this DynamicsCatalog catalog, long dimension = 128, double length = 32 * Math.PI, double timeStep = 0.25, IErrorCovariance? modelError = null) =>
        new(dimension, length, timeStep) { ModelError = modelError };

    /// <summary>Advection at constant speed on a circle.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dimension">Number of sites n, at least 3.</param>
    /// <param name="sitesPerStep">How many sites the field moves in a step: to higher sites above zero, to lower ones below.</param>
    /// <param name="decay">The factor by which the field shrinks in a step, in (0, 1].</param>
    /// <param name="modelError">The covariance of the error of one step; null = a perfect model.</param>
    public static LinearAdvection LinearAdvection(this DynamicsCatalog catalog, long dimension = 1000, long sitesPerStep = 1, double decay = 1, IErrorCovariance? modelError = null) =>
        new(dimension, sitesPerStep, decay) { ModelError = modelError };

    /// <summary>The two-scale Lorenz-96 model with the settings of Wilks (2005); the other settings are its constructor's.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="slow">K, the number of slow variables, at least 4.</param>
    /// <param name="fast">J, the number of fast variables of each slow one.</param>
    /// <param name="forcing">F.</param>
    /// <param name="timeStep">Length of a Runge-Kutta step.</param>
    /// <param name="modelError">The covariance of the error of one step; null = a perfect model.</param>
    public static TwoScaleLorenz96 TwoScaleLorenz96(this DynamicsCatalog catalog, long slow = 8, long fast = 32, double forcing = 20, double timeStep = 0.005, IErrorCovariance? modelError = null) =>
        new(slow, fast, forcing, timeStep: timeStep) { ModelError = modelError };

    /// <summary>The Lorenz-84 model; the other settings are its constructor's.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="timeStep">Length of a Runge-Kutta step.</param>
    /// <param name="modelError">The covariance of the error of one step; null = a perfect model.</param>
    public static Lorenz84 Lorenz84(this DynamicsCatalog catalog, double timeStep = 0.05, IErrorCovariance? modelError = null) =>
        new(timeStep) { ModelError = modelError };

    /// <summary>The shallow-water equations on a C-grid.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="options">Settings; null = the calm regime on 64 x 64 cells (<see cref="ShallowWaterOptions.Calm"/>).</param>
    /// <param name="modelError">The covariance of the error of one step; null = a perfect model.</param>
    public static ShallowWater ShallowWater(this DynamicsCatalog catalog, ShallowWaterOptions? options = null, IErrorCovariance? modelError = null) =>
        new(options) { ModelError = modelError };

    /// <summary>Stands for a model that runs outside the program, whose members are propagated by ask and tell.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="name">What to call the model.</param>
    /// <param name="dimension">The state's dimension n.</param>
    /// <param name="timeStep">The length of a time step in the model's unit of time.</param>
    public static ExternalDynamics External(this DynamicsCatalog catalog, string name, long dimension, double timeStep) => new(name, dimension, timeStep);

    /// <summary>A model joined with parameters of its own that are to be estimated with its state.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model.</param>
    /// <param name="parameters">What is believed of the parameters, and how they change.</param>
    public static JointDynamics WithParameters(this DynamicsCatalog catalog, IParametricDynamics dynamics, params IReadOnlyList<EstimatedParameter> parameters) =>
        new(dynamics, parameters);
}

/// <summary>Observation networks, made from <see cref="DataAssimilationContext.Observations"/>.</summary>
public static class ObservationCatalogExtensions
{
    /// <summary>Every component is observed in every cycle.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model whose states are observed.</param>
    /// <param name="errorVariance">The variance of every observation's error.</param>
    public static ObservationNetwork Full(this ObservationCatalog catalog, IDynamics dynamics, double errorVariance = 1) =>
        catalog.Network(new IdentityObservationOperator(dynamics.Dimension), ErrorCovariance.Scalar(dynamics.Dimension, errorVariance));

    /// <summary>The components 0, stride, 2 stride, ... are observed in every cycle.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model whose states are observed.</param>
    /// <param name="stride">Distance between observed components.</param>
    /// <param name="errorVariance">The variance of every observation's error.</param>
    public static ObservationNetwork Strided(this ObservationCatalog catalog, IDynamics dynamics, long stride, double errorVariance = 1)
    {
        var chosen = SubsetObservationOperator.Strided(dynamics.Dimension, stride);
        return catalog.Network(chosen, ErrorCovariance.Scalar(chosen.ObservationDimension, errorVariance));
    }

    /// <summary>The slow variables of the two-scale model are observed in every cycle, the fast ones never.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model whose states are observed.</param>
    /// <param name="errorVariance">The variance of every observation's error.</param>
    public static ObservationNetwork SlowVariables(this ObservationCatalog catalog, TwoScaleLorenz96 dynamics, double errorVariance = 1) =>
        catalog.Network(new SubsetObservationOperator(dynamics.Dimension, [.. Enumerable.Range(0, (int)dynamics.Slow).Select(i => (long)i)]),
            ErrorCovariance.Scalar(dynamics.Slow, errorVariance));

    /// <summary>A random number of components at random places, drawn anew in every cycle for every trajectory.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model whose states are observed.</param>
    /// <param name="errorVariance">The variance of every observation's error.</param>
    /// <param name="minimumDensity">The smallest fraction of observed components.</param>
    /// <param name="maximumDensity">The largest fraction.</param>
    public static ObservationNetwork Random(this ObservationCatalog catalog, IDynamics dynamics, double errorVariance = 1, double minimumDensity = 0, double maximumDensity = 1) =>
        catalog.Network(new IdentityObservationOperator(dynamics.Dimension), ErrorCovariance.Scalar(dynamics.Dimension, errorVariance),
            new RandomDensityPattern(minimumDensity, maximumDensity));

    /// <summary>A random number of components at random places, every whole number between two bounds as likely, drawn anew in every cycle for every trajectory.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model whose states are observed.</param>
    /// <param name="minimum">The smallest number of observed components.</param>
    /// <param name="maximum">The largest number, at most the model's dimension.</param>
    /// <param name="errorVariance">The variance of every observation's error.</param>
    public static ObservationNetwork RandomCount(this ObservationCatalog catalog, IDynamics dynamics, long minimum, long maximum, double errorVariance = 1) =>
        maximum <= dynamics.Dimension
            ? catalog.Network(new IdentityObservationOperator(dynamics.Dimension), ErrorCovariance.Scalar(dynamics.Dimension, errorVariance), new RandomCountPattern(minimum, maximum))
            : throw new ArgumentException($"Up to {maximum} components are to be observed, but {dynamics.Name} has {dynamics.Dimension}.", nameof(maximum));

    /// <summary>A network of any operator, error and pattern.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="observationOperator">H.</param>
    /// <param name="error">R.</param>
    /// <param name="pattern">Which observations exist in a cycle; null = all, always.</param>
    public static ObservationNetwork Network(this ObservationCatalog catalog, IObservationOperator observationOperator, IErrorCovariance error, IObservationPattern? pattern = null) =>
        new(observationOperator, error, pattern);
}

/// <summary>Trajectory views, made from <see cref="DataAssimilationContext.Data"/>.</summary>
public static class DataCatalogExtensions
{
    /// <summary>A twin experiment that generates itself on the fly.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The true model.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    public static TwinExperiment Twin(this DataCatalog catalog, IDynamics dynamics, IObservationNetwork network, TwinExperimentOptions? options = null) =>
        new(catalog.Context, dynamics, network, options);

    /// <summary>Trajectories that are in memory, moved to the context's device.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="columns">The columns, <c>[cycles, batch, shape...]</c> each; values that a column's mask calls missing may be anything,
    /// NaN included.</param>
    /// <param name="times">The cycles' times in the model's unit, rising; they need not be equally far apart.</param>
    /// <param name="startTime">The time of the state before the first cycle (default: 0); the first of the times where the first
    /// observation is of the initial time.</param>
    public static MemoryTrajectoryView FromMemory(this DataCatalog catalog, IReadOnlyDictionary<Column, Tensor> columns, IReadOnlyList<double> times, double startTime = 0)
    {
        using var scope = NewDisposeScope();
        return new MemoryTrajectoryView(columns.ToDictionary(pair => pair.Key, pair => pair.Value.to(catalog.Context.Device)), times, startTime);
    }
}
