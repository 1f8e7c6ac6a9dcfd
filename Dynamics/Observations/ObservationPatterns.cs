using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Chooses, in every cycle, the observations of a network that exist.</summary>
public interface IObservationPattern
{
    /// <summary>Draws a mask <c>[batch, p]</c>, boolean, true = observed; every trajectory has its own.</summary>
    /// <param name="batch">Number of trajectories.</param>
    /// <param name="observations">Number of observations p.</param>
    /// <param name="random">The stream it is drawn from.</param>
    Tensor Draw(long batch, long observations, RandomStream random);
}

/// <summary>
/// Draws a density uniformly between two bounds, in every cycle and for every trajectory, and observes that fraction of the sites,
/// rounded to a whole number, at random places (Bocquet et al. 2024, networks of varying density).
/// </summary>
/// <param name="minimum">The smallest density N_y / N_x, in [0, 1].</param>
/// <param name="maximum">The largest density, in [minimum, 1].</param>
/// <exception cref="ArgumentException">The bounds are not densities, or are in the wrong order.</exception>
[Component("random-density-pattern")]
public sealed class RandomDensityPattern(double minimum, double maximum) : IObservationPattern
{
    /// <summary>The smallest density.</summary>
    public double Minimum { get; } = minimum >= 0 && maximum <= 1 && minimum <= maximum ? minimum
        : throw new ArgumentException($"The densities must satisfy 0 <= minimum <= maximum <= 1; given: {minimum} and {maximum}.");

    /// <summary>The largest density.</summary>
    public double Maximum { get; } = maximum;

    /// <inheritdoc/>
    public Tensor Draw(long batch, long observations, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var density = Minimum + (Maximum - Minimum) * random.Uniform([batch, 1], ScalarType.Float64);
        var permutation = random.Uniform([batch, observations], ScalarType.Float64).argsort(-1);
        return (permutation < (density * observations).round()).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Draws a number of observations, in every cycle and for every trajectory, with every whole number between two bounds equally likely,
/// and observes that many sites at random places (Bocquet et al. 2025, fig. 2: from 0 or n/2 to n).
/// </summary>
/// <param name="minimum">The smallest number N_y, not below zero.</param>
/// <param name="maximum">The largest, not below the smallest; at most the network's observations.</param>
/// <exception cref="ArgumentException">The bounds are below zero or in the wrong order.</exception>
[Component("random-count-pattern")]
public sealed class RandomCountPattern(long minimum, long maximum) : IObservationPattern
{
    /// <summary>The smallest number.</summary>
    public long Minimum { get; } = minimum >= 0 && minimum <= maximum ? minimum
        : throw new ArgumentException($"The numbers of observations must satisfy 0 <= minimum <= maximum; given: {minimum} and {maximum}.");

    /// <summary>The largest number.</summary>
    public long Maximum { get; } = maximum;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There are fewer observations than the largest number.</exception>
    public Tensor Draw(long batch, long observations, RandomStream random)
    {
        if (Maximum > observations)
            throw new ArgumentException($"Up to {Maximum} observations were to be drawn; the network has {observations}.");
        using var scope = NewDisposeScope();
        var count = Minimum
            + (random.Uniform([batch, 1], ScalarType.Float64) * (Maximum - Minimum + 1)).floor().clamp_max(Maximum - Minimum);
        var permutation = random.Uniform([batch, observations], ScalarType.Float64).argsort(-1);
        return (permutation < count).MoveToOuterDisposeScope();
    }
}

/// <summary>Leaves out every observation with the same probability, independently of the others and of the past.</summary>
/// <param name="probability">The probability of being missing, in [0, 1].</param>
[Component("missing-at-random-pattern")]
public sealed class MissingAtRandomPattern(double probability) : IObservationPattern
{
    /// <summary>The probability of being missing.</summary>
    public double Probability { get; } = probability is >= 0 and <= 1 ? probability
        : throw new ArgumentOutOfRangeException(nameof(probability), probability, $"A probability lies in [0, 1]; given: {probability}.");

    /// <inheritdoc/>
    public Tensor Draw(long batch, long observations, RandomStream random)
    {
        using var uniform = random.Uniform([batch, observations], ScalarType.Float64);
        return uniform >= Probability;
    }
}
