namespace DaML;

/// <summary>A pipeline that cannot work: a column is missing or has a shape that a step cannot take.</summary>
public sealed class SchemaException(string message) : ArgumentException(message);

/// <summary>An assimilation whose state left the finite numbers or a bound that was set for it.</summary>
/// <param name="method">The method that diverged.</param>
/// <param name="cycle">The cycle, from 0, in which it was seen.</param>
/// <param name="time">The time of that cycle, in the model's units.</param>
/// <param name="norm">The largest root-mean-square size of a state that was seen; not a number where the state is not finite.</param>
public sealed class DivergenceException(string method, long cycle, double time, double norm)
    : ArithmeticException($"{method} diverged in cycle {cycle} (time {time:g6}): the root-mean-square size of its state is {norm:g4}. " +
                          "More members, more inflation, or more frequent observations are the usual remedies.")
{
    /// <summary>The method that diverged.</summary>
    public string Method { get; } = method;

    /// <summary>The cycle, from 0.</summary>
    public long Cycle { get; } = cycle;

    /// <summary>Root-mean-square size of the state.</summary>
    public double Norm { get; } = norm;
}

/// <summary>A run of a model that left the states the model can describe.</summary>
/// <param name="model">The model.</param>
/// <param name="row">Which of the states it was given, from 0, all leading dimensions taken together.</param>
/// <param name="step">How many steps of the run led there; 0 where it began so.</param>
/// <param name="time">The time of that step, in the model's units.</param>
/// <param name="reason">What is wrong with the state, and what may help.</param>
public sealed class ModelStateException(string model, long row, long step, double time, string reason)
    : ArithmeticException($"{model}: state {row} after step {step} (time {time:g9}) is none of the model's: {reason}")
{
    /// <summary>The model.</summary>
    public string Model { get; } = model;

    /// <summary>Which of the states it was given, from 0, all leading dimensions taken together.</summary>
    public long Row { get; } = row;

    /// <summary>How many steps of the run led there.</summary>
    public long Step { get; } = step;

    /// <summary>The time of that step, in the model's units.</summary>
    public double Time { get; } = time;
}

/// <summary>A model file that is damaged, foreign, too new or not to be trusted; the message says which and where.</summary>
public sealed class ModelArchiveException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>A device was asked for that this machine does not have.</summary>
public sealed class DeviceNotAvailableException(string message) : InvalidOperationException(message);

/// <summary>Convolutions in single precision are wrong on this processor; the message says which, how far, and what to set.</summary>
public sealed class WrongConvolutionException(string message) : InvalidOperationException(message);
