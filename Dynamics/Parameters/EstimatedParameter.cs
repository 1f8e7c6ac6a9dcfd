using System.Text.Json.Serialization;

namespace DaML;

/// <summary>A parameter of a model that is estimated with the state: its prior before the first observation, and its evolution.</summary>
/// <param name="Name">Its name among <see cref="IParametricDynamics.Parameters"/>.</param>
/// <param name="Mean">The mean of the prior.</param>
/// <param name="StandardDeviation">The standard deviation of the prior, above zero.</param>
public sealed record EstimatedParameter(string Name, double Mean, double StandardDeviation)
{
    /// <summary>The mean of the prior.</summary>
    public double Mean { get; init; } = double.IsFinite(Mean) ? Mean
        : throw new ArgumentOutOfRangeException(nameof(Mean), Mean,
            $"The mean of the parameter '{Name}' must be a finite number; given: {Mean}.");

    /// <summary>The standard deviation of the prior, above zero.</summary>
    public double StandardDeviation { get; init; } = Require.Positive(StandardDeviation);

    /// <summary>
    /// The evolution of the parameter in time (default: persistence). With persistence its spread only shrinks, which is right for a
    /// constant and a perfect model. A random walk keeps a filter responsive if the parameter, or what it represents, drifts.
    /// </summary>
    public ParameterEvolution Evolution { get; init; } = ParameterEvolution.Persistence;
}

/// <summary>The evolution of an estimated parameter in time.</summary>
public sealed record ParameterEvolution
{
    [JsonConstructor]
    private ParameterEvolution(double standardDeviation) => StandardDeviation = Require.NotNegative(standardDeviation);

    /// <summary>The standard deviation of its change over one unit of the model's time; it grows with the square root of time.</summary>
    public double StandardDeviation { get; }

    /// <summary>The parameter is constant.</summary>
    public static ParameterEvolution Persistence { get; } = new(0);

    /// <summary>The parameter changes by independent normal steps.</summary>
    /// <param name="standardDeviation">The standard deviation of its change over one unit of the model's time, above zero.</param>
    public static ParameterEvolution RandomWalk(double standardDeviation) => new(Require.Positive(standardDeviation));
}
