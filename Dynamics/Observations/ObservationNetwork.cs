using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>An observing system of an operator, an error covariance and, if some observations may be missing, a pattern.</summary>
[Component("observation-network", 2)]
public sealed class ObservationNetwork : IObservationNetwork
{
    private readonly IObservationPattern? pattern;

    /// <summary>Creates a network.</summary>
    /// <param name="observationOperator">H.</param>
    /// <param name="error">R, of the operator's observation dimension p.</param>
    /// <param name="pattern">Chooses the observations that exist in a cycle (default: null, all in every cycle).</param>
    /// <exception cref="ArgumentException">The dimensions of operator and covariance differ.</exception>
    public ObservationNetwork(IObservationOperator observationOperator, IErrorCovariance error, IObservationPattern? pattern = null)
    {
        if (observationOperator.ObservationDimension != error.Dimension)
            throw new ArgumentException(
                "The observation error covariance must have the dimension of the observations, " +
                    $"{observationOperator.ObservationDimension} ({observationOperator.Name}); given: {error.Dimension}.", nameof(error));
        Operator = observationOperator;
        Error = error;
        this.pattern = pattern;
    }

    /// <summary>Makes a network that observes every component in every cycle.</summary>
    /// <param name="dimension">The state's dimension n.</param>
    /// <param name="errorVariance">The variance of every observation's error.</param>
    public static ObservationNetwork Full(long dimension, double errorVariance = 1) =>
        new(new IdentityObservationOperator(dimension), ErrorCovariance.Scalar(dimension, errorVariance));

    /// <summary>Makes a network that observes the components 0, stride, 2 stride, ... in every cycle.</summary>
    /// <param name="dimension">The state's dimension n.</param>
    /// <param name="stride">The distance between observed components.</param>
    /// <param name="errorVariance">The variance of every observation's error.</param>
    public static ObservationNetwork Strided(long dimension, long stride, double errorVariance = 1)
    {
        var chosen = SubsetObservationOperator.Strided(dimension, stride);
        return new(chosen, ErrorCovariance.Scalar(chosen.ObservationDimension, errorVariance));
    }

    /// <summary>Makes a network that observes the slow variables of the two-scale model in every cycle, and never the fast ones.</summary>
    /// <param name="dynamics">The model whose states are observed.</param>
    /// <param name="errorVariance">The variance of every observation's error.</param>
    public static ObservationNetwork SlowVariables(TwoScaleLorenz96 dynamics, double errorVariance = 1) =>
        new(new SubsetObservationOperator(dynamics.Dimension, [.. Enumerable.Range(0, (int)dynamics.Slow).Select(i => (long)i)]),
            ErrorCovariance.Scalar(dynamics.Slow, errorVariance));

    /// <summary>
    /// Makes a network that observes a random number of components at random places, drawn in every cycle for every trajectory.
    /// </summary>
    /// <param name="dimension">The state's dimension n.</param>
    /// <param name="errorVariance">The variance of every observation's error.</param>
    /// <param name="minimumDensity">The smallest fraction of observed components.</param>
    /// <param name="maximumDensity">The largest fraction.</param>
    public static ObservationNetwork Random(long dimension, double errorVariance = 1, double minimumDensity = 0,
        double maximumDensity = 1) =>
        new(new IdentityObservationOperator(dimension), ErrorCovariance.Scalar(dimension, errorVariance),
            new RandomDensityPattern(minimumDensity, maximumDensity));

    /// <summary>
    /// Makes a network that observes a random number of components at random places, drawn in every cycle for every trajectory. Every
    /// whole number between two bounds is equally likely.
    /// </summary>
    /// <param name="dimension">The state's dimension n.</param>
    /// <param name="minimum">The smallest number of observed components.</param>
    /// <param name="maximum">The largest number, at most n.</param>
    /// <param name="errorVariance">The variance of every observation's error.</param>
    public static ObservationNetwork RandomCount(long dimension, long minimum, long maximum, double errorVariance = 1) =>
        maximum <= dimension
        ? new(new IdentityObservationOperator(dimension), ErrorCovariance.Scalar(dimension, errorVariance),
            new RandomCountPattern(minimum, maximum))
        : throw new ArgumentException($"Up to {maximum} components were to be observed; the state has {dimension}.", nameof(maximum));

    [Saved]
    private ObservationNetwork([Saved("operator")] IObservationOperator observationOperator, IErrorCovariance error,
        IObservationPattern? pattern,
        [Saved(Since = 2)] Tensor? places = null) : this(observationOperator, error, pattern)
    {
        if (places is null) return;
        Require.Finite(places, "The places of observations");
        if (places.ndim is not (1 or 2) || places.size(0) != Operator.ObservationDimension)
            throw new ArgumentException(
                $"The {Operator.ObservationDimension} observations of {Operator.Name} need as many places, [p] or [p, axes]; given: " +
                    $"{places.DescribeSizes()}.", nameof(places));
        Places = places.detach().clone().DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public IObservationOperator Operator { get; }

    /// <inheritdoc/>
    public IErrorCovariance Error { get; }

    /// <inheritdoc/>
    public bool HasMask => pattern is not null;

    /// <inheritdoc/>
    public Tensor? Places { get; }

    /// <summary>Returns the same network with observations at given places.</summary>
    /// <param name="places"><c>[p, axes]</c>, or <c>[p]</c> on one axis, in the coordinates of the localisation; copied.</param>
    /// <exception cref="ArgumentException">The number of places is not that of the observations, or a place is not finite.</exception>
    public ObservationNetwork At(Tensor places) => new(Operator, Error, pattern, places);

    /// <inheritdoc/>
    /// <remarks>Masked values are set to zero, so that nothing of the truth leaks through them.</remarks>
    public Observation Observe(Tensor truth, double time, RandomStream random)
    {
        Require.Shape(truth, "The states to observe", ColumnDefinition.AnySize, Operator.StateDimension);
        long batch = truth.size(0);
        using var noiseless = Operator.Apply(truth);
        var values = Error.Sample([batch], random, truth.dtype).add_(noiseless);
        if (pattern is null) return new Observation(values, null, time);
        using var complete = values;
        var mask = pattern.Draw(batch, Operator.ObservationDimension, random);
        using var missing = mask.logical_not();
        return new Observation(values.masked_fill(missing, 0), mask, time);
    }
}
