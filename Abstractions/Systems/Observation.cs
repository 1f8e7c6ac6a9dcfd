using static TorchSharp.torch;

namespace DaML;

/// <summary>The observations of one cycle.</summary>
/// <param name="Values"><c>[batch, p]</c>; finite, even where the mask says missing.</param>
/// <param name="Mask"><c>[batch, p]</c>, boolean, true = observed; null = all observed.</param>
/// <param name="Time">The time, in the model's unit.</param>
public sealed record Observation(Tensor Values, Tensor? Mask, double Time)
{
    /// <summary>
    /// The factor s by which the standard deviation of the errors differs from the network's, so that their covariance is s^2 R:
    /// <c>[batch]</c>, above zero; null = 1. Only some analyzers use it (<see cref="IAnalyzer{TMemory}.TakesErrorScale"/>).
    /// </summary>
    public Tensor? ErrorScale { get; init; }

    /// <summary>
    /// The network that made the observation, if it is not the one that the analyzer was given; null = that one
    /// (<see cref="IAnalyzer{TMemory}.For"/>).
    /// </summary>
    public IObservationNetwork? Network { get; init; }

    /// <summary>Returns this observation if its errors have the network's covariance R in every trajectory.</summary>
    /// <param name="user">The step that needs this, for the message.</param>
    /// <exception cref="ArgumentException">The errors have a scale.</exception>
    public Observation OfOneError(string user) => ErrorScale is null ? this
        : throw new ArgumentException(
            $"{user} assumes that the observation errors of every trajectory have the network's covariance, but the view has the column " +
                $"'{Columns.ObservationErrorScale}'.");
}

/// <summary>An observing system: what is observed of the state, with which error, and which observations are missing.</summary>
public interface IObservationNetwork
{
    /// <summary>The observation operator H.</summary>
    IObservationOperator Operator { get; }

    /// <summary>The observation error covariance R.</summary>
    IErrorCovariance Error { get; }

    /// <summary>
    /// The position of each observation, <c>[p, axes]</c>, for localisation (default: null, as the operator says,
    /// <see cref="IPointObservationOperator"/>, or the localisation).
    /// </summary>
    Tensor? Places => null;

    /// <summary>Whether some observations may be missing, so that views carry <see cref="Columns.ObservationMask"/>.</summary>
    bool HasMask { get; }

    /// <summary>Observes true states: y = H(x) + epsilon, epsilon drawn from N(0, R).</summary>
    /// <param name="truth"><c>[batch, n]</c></param>
    /// <param name="time">The time, in the model's unit.</param>
    /// <param name="random">The stream the errors and the mask are drawn from.</param>
    Observation Observe(Tensor truth, double time, RandomStream random);
}

/// <summary>A distribution of initial states: for the truth of a twin experiment, or the first guess of a filter.</summary>
public interface IInitialCondition
{
    /// <summary>The state's dimension n.</summary>
    long Dimension { get; }

    /// <summary>Makes independent draws, <c>[count, n]</c>.</summary>
    Tensor Draw(long count, RandomStream random, ScalarType dtype);
}
