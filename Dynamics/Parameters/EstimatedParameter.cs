namespace DaML;

/// <summary>
/// A parameter of a model that is estimated with its state: what is believed of it before the first observation, and how it changes.
/// </summary>
/// <param name="Name">Its name among <see cref="IParametricDynamics.Parameters"/>.</param>
/// <param name="Mean">The mean of what is believed of it.</param>
/// <param name="StandardDeviation">The standard deviation of what is believed of it, above zero.</param>
public sealed record EstimatedParameter(string Name, double Mean, double StandardDeviation)
{
    /// <summary>The mean of what is believed of it.</summary>
    public double Mean { get; init; } = double.IsFinite(Mean) ? Mean
        : throw new ArgumentOutOfRangeException(nameof(Mean), Mean,
            $"The mean of the parameter '{Name}' must be a finite number; given: {Mean}.");

    /// <summary>The standard deviation of what is believed of it.</summary>
    public double StandardDeviation { get; init; } = Require.Positive(StandardDeviation);

    /// <summary>
    /// How it changes with time; it stays as it is unless said. Then its spread only shrinks, which is right for a constant
    /// and a perfect model; a random walk keeps a filter listening where the parameter, or what it stands for, drifts.
    /// </summary>
    public ParameterEvolution Evolution { get; init; } = ParameterEvolution.Persistence;
}

/// <summary>How an estimated parameter changes with time.</summary>
public sealed record ParameterEvolution
{
    private ParameterEvolution(double standardDeviation) => StandardDeviation = standardDeviation;

    /// <summary>The standard deviation of its change over one unit of the model's time; it grows with the square root of time.</summary>
    public double StandardDeviation { get; }

    /// <summary>It stays as it is.</summary>
    public static ParameterEvolution Persistence { get; } = new(0);

    /// <summary>It changes by independent normal steps.</summary>
    /// <param name="standardDeviation">Of its change over one unit of the model's time, above zero.</param>
    public static ParameterEvolution RandomWalk(double standardDeviation) => new(Require.Positive(standardDeviation));
}
