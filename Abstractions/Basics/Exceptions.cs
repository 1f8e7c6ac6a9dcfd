namespace DaML;

/// <summary>A pipeline that cannot work: a column is missing or has a shape that a step cannot take.</summary>
public sealed class SchemaException(string message) : ArgumentException(message);

/// <summary>
/// An assimilation, a twin experiment or a training that cannot go on: numbers that are not finite, a state beyond a bound that was set
/// for it, or a factorisation that failed. It names what they come from.
/// </summary>
public sealed class DivergenceException : ArithmeticException
{
    /// <summary>The usual remedies for a filter that lost its truth.</summary>
    public const string FilterRemedy = "More members, more inflation, or more frequent observations are the usual remedies.";

    /// <summary>A state of which no more is known than its size.</summary>
    /// <param name="method">The method that diverged.</param>
    /// <param name="cycle">The cycle, from 0, in which it was seen.</param>
    /// <param name="time">The time of that cycle, in the model's units.</param>
    /// <param name="norm">The largest root-mean-square size of a state that was seen; not a number where the state is not finite.</param>
    public DivergenceException(string method, long cycle, double time, double norm)
        : base($"{method} diverged in cycle {cycle} (time {time:g6}): the root-mean-square size of its state is {norm:g4}. " +
            $"{FilterRemedy}") =>
        (Method, Cycle, Time, Norm) = (method, cycle, time, norm);

    /// <summary>A divergence whose origin is known.</summary>
    /// <param name="method">The method that diverged.</param>
    /// <param name="stage">In what it was seen: "forecast", "analysis", ...</param>
    /// <param name="cycle">The cycle, from 0.</param>
    /// <param name="time">The time of that cycle, in the model's units.</param>
    /// <param name="cause">What gave what, as a sentence without its full stop: the model, the operator or the analyzer by its name, and
    /// how many
    /// members or trajectories.</param>
    /// <param name="remedy">What can be done, as a sentence.</param>
    /// <param name="norm">The largest root-mean-square size of a state (default: not a number).</param>
    /// <param name="inner">What was thrown there (default: nothing was).</param>
    public DivergenceException(string method, string stage, long cycle, double time, string cause, string remedy,
        double norm = double.NaN, Exception? inner = null)
        : base($"{method} diverged in cycle {cycle} (time {time:g6}), in the {stage}: {cause}. {remedy}", inner) =>
        (Method, Stage, Cycle, Time, Norm) = (method, stage, cycle, time, norm);

    /// <summary>The method that diverged.</summary>
    public string Method { get; }

    /// <summary>In what it was seen; null where it is not known.</summary>
    public string? Stage { get; }

    /// <summary>The cycle, from 0.</summary>
    public long Cycle { get; }

    /// <summary>The time of that cycle, in the model's units.</summary>
    public double Time { get; }

    /// <summary>Root-mean-square size of the state; not a number where it is not finite or was not looked at.</summary>
    public double Norm { get; }
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
