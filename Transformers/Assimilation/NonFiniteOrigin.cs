using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Finds the origin of non-finite values or of a failed factorisation, after the fact.</summary>
public static class NonFiniteOrigin
{
    /// <summary>Whether an exception reports numerical failure, as opposed to a defect or bad input.</summary>
    /// <param name="failed">The exception.</param>
    public static bool IsNumerical(Exception failed) =>
        failed is ArithmeticException || (failed is ExternalException && failed.Message.Contains("linalg", StringComparison.Ordinal));

    /// <summary>Describes the divergence of a forecast.</summary>
    /// <param name="method">The method's name.</param>
    /// <param name="model">The propagater's name.</param>
    /// <param name="forecast">The propagater's output; null if it threw.</param>
    /// <param name="stateDimension">n</param>
    /// <param name="cycle">The cycle, from 0.</param>
    /// <param name="time">The time of the forecast.</param>
    /// <param name="failed">The exception; null if there was none.</param>
    public static DivergenceException Forecast<TMemory>(string method, string model, TMemory? forecast, long stateDimension, long cycle,
        double time,
        Exception? failed) where TMemory : IMemory<TMemory>
    {
        const string remedy = "The states it started from were finite. Try a shorter time step; if that does not help, earlier " +
            "analyses gave states that the model cannot describe. " + DivergenceException.FilterRemedy;
        string cause = failed is not null ? $"the model '{model}' failed: {Told(failed)}"
            : States(forecast!, stateDimension) is var (states, members) && FiniteNumbers.Lost(states, members) is { } lost
                ? $"the model '{model}' gave values that are not finite for {lost}"
                : $"the model '{model}' led to a covariance that is not finite";
        return new(method, "forecast", cycle, time, cause, remedy, inner: failed);
    }

    /// <summary>Describes the divergence of an analysis.</summary>
    /// <param name="method">The method's name.</param>
    /// <param name="analyzer">The method's analyzer.</param>
    /// <param name="forecast">The analyzer's input, finite.</param>
    /// <param name="observation">The observation.</param>
    /// <param name="analysis">The analyzer's output; null if it threw.</param>
    /// <param name="stateDimension">n</param>
    /// <param name="cycle">The cycle, from 0.</param>
    /// <param name="failed">The exception; null if there was none.</param>
    public static DivergenceException Analysis<TMemory>(string method, IAnalyzer<TMemory> analyzer, TMemory forecast,
        Observation observation,
        TMemory? analysis, long stateDimension, long cycle, Exception? failed) where TMemory : IMemory<TMemory>
    {
        if (OfOperator(analyzer.Observes, forecast, observation) is { } ofOperator)
            return new(method, "analysis", cycle, observation.Time, ofOperator,
                "The states it was given are finite; the operator must be defined for all of them, or the members must stay where it " +
                "is defined.", inner: failed);
        const string remedy = "More members, more inflation, double precision, or larger observation errors are the usual remedies.";
        string cause = failed is not null ? $"the analyzer '{analyzer.Name}' failed: {Told(failed)}"
            : States(analysis!, stateDimension) is var (states, members) && FiniteNumbers.Lost(states, members) is { } lost
                ? $"the analyzer '{analyzer.Name}' gave values that are not finite for {lost}"
                : $"the analyzer '{analyzer.Name}' gave a covariance that is not finite";
        return new(method, "analysis", cycle, observation.Time, cause, remedy, inner: failed);
    }

    /// <summary>Describes the non-finite output of an observation operator in words; null if the output is finite, or if the operator
    /// cannot be evaluated.</summary>
    /// <param name="observes">H</param>
    /// <param name="memory">The states it is evaluated at.</param>
    /// <param name="observation">The observations that exist; null = all.</param>
    public static string? OfOperator<TMemory>(IObservationOperator? observes, TMemory memory, Observation? observation)
        where TMemory : IMemory<TMemory>
    {
        if (observes is null || States(memory, observes.StateDimension) is not var (states, members)) return null;
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        try
        {
            return FiniteNumbers.Lost(observes.Apply(states.detach()), members, observation?.Mask) is { } lost
                ? $"the observation operator '{observes.Name}' gave values that are not finite for {lost}" : null;
        }
        catch (Exception failed) when (IsNumerical(failed)) { return $"the observation operator '{observes.Name}' failed: {Told(failed)}"; }
    }

    /// <summary>Describes the exception in words; never with libtorch's own text, which names no remedy and a matrix that the user does
    /// not know.</summary>
    /// <param name="failed">The exception.</param>
    public static string Told(Exception failed) => failed is ExternalException
        ? "a factorisation failed, because its matrix is not finite, or not positive definite to round-off"
        : failed.Message.Trim().TrimEnd('.');

    // The present states of a memory, [batch, members, n] or [batch, n].
    private static (Tensor States, bool Members)? States<TMemory>(TMemory memory, long n) where TMemory : IMemory<TMemory>
    {
        var tensors = memory switch
        {
            WindowMemory<EnsembleMemory> window => window.Current.Tensors,
            WindowMemory<StateMemory> window => window.Current.Tensors,
            _ => memory.Tensors,
        };
        return tensors.FirstOrDefault(tensor => tensor.ndim is 2 or 3 && tensor.size(-1) == n) is { } found ? (found, found.ndim == 3)
            : null;
    }
}
