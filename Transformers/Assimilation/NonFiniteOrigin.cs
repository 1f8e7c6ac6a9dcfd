using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Finds out what values that are not finite, or a failed factorisation, come from. It is asked after the fact.</summary>
public static class NonFiniteOrigin
{
    /// <summary>Whether an exception says that numbers cannot be worked with; a defect or bad input is something else.</summary>
    /// <param name="failed">What was thrown.</param>
    public static bool IsNumerical(Exception failed) =>
        failed is ArithmeticException || (failed is ExternalException && failed.Message.Contains("linalg", StringComparison.Ordinal));

    /// <summary>The divergence of a forecast.</summary>
    /// <param name="method">The method's name.</param>
    /// <param name="model">The propagater's name.</param>
    /// <param name="forecast">What it gave; null where it threw.</param>
    /// <param name="stateDimension">n</param>
    /// <param name="cycle">The cycle, from 0.</param>
    /// <param name="time">Its time.</param>
    /// <param name="failed">What was thrown; null where nothing was.</param>
    public static DivergenceException Forecast<TMemory>(string method, string model, TMemory? forecast, long stateDimension, long cycle,
        double time,
        Exception? failed) where TMemory : IMemory<TMemory>
    {
        const string remedy = "The states it began with were finite. Within what the model describes a shorter time step helps; " +
            "otherwise the analyses before led it astray. " + DivergenceException.FilterRemedy;
        string cause = failed is not null ? $"the model '{model}' failed: {Told(failed)}"
            : States(forecast!, stateDimension) is var (states, members) && FiniteNumbers.Lost(states, members) is { } lost
                ? $"the model '{model}' gave values that are not finite for {lost}"
                : $"the model '{model}' led to a covariance that is not finite";
        return new(method, "forecast", cycle, time, cause, remedy, inner: failed);
    }

    /// <summary>The divergence of an analysis.</summary>
    /// <param name="method">The method's name.</param>
    /// <param name="analyzer">Its analyzer.</param>
    /// <param name="forecast">What the analyzer was given, finite.</param>
    /// <param name="observation">What was observed.</param>
    /// <param name="analysis">What the analyzer gave; null where it threw.</param>
    /// <param name="stateDimension">n</param>
    /// <param name="cycle">The cycle, from 0.</param>
    /// <param name="failed">What was thrown; null where nothing was.</param>
    public static DivergenceException Analysis<TMemory>(string method, IAnalyzer<TMemory> analyzer, TMemory forecast,
        Observation observation,
        TMemory? analysis, long stateDimension, long cycle, Exception? failed) where TMemory : IMemory<TMemory>
    {
        if (OfOperator(analyzer.Observes, forecast, observation) is { } ofOperator)
            return new(method, "analysis", cycle, observation.Time, ofOperator,
                "The states it was given are finite: it must be defined for all of them, or the members kept where it is.", inner: failed);
        const string remedy = "More members, more inflation, double precision, or larger observation errors are the usual remedies.";
        string cause = failed is not null ? $"the analyzer '{analyzer.Name}' failed: {Told(failed)}"
            : States(analysis!, stateDimension) is var (states, members) && FiniteNumbers.Lost(states, members) is { } lost
                ? $"the analyzer '{analyzer.Name}' gave values that are not finite for {lost}"
                : $"the analyzer '{analyzer.Name}' gave a covariance that is not finite";
        return new(method, "analysis", cycle, observation.Time, cause, remedy, inner: failed);
    }

    /// <summary>What an observation operator gave that is not finite, in words; null where it did not, or cannot be asked.</summary>
    /// <param name="observes">H</param>
    /// <param name="memory">The states it is asked for.</param>
    /// <param name="observation">What exists of the observations; null = all.</param>
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

    /// <summary>What was thrown, in words; never libtorch's own text, which names no cure, and a matrix that nobody knows.</summary>
    /// <param name="failed">What was thrown.</param>
    public static string Told(Exception failed) => failed is ExternalException
        ? "a factorisation came to no end, for a matrix that is not positive definite to round-off, or not finite"
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
