namespace DaML;

/// <summary>Thrown for a pipeline that cannot work: a column is missing, or has a shape that a step cannot take.</summary>
public sealed class SchemaException(string message) : ArgumentException(message);

/// <summary>
/// Thrown when an assimilation, a twin experiment or a training cannot go on: non-finite numbers, a state beyond a bound that was set for
/// it, or a factorisation that failed. The message names where they come from.
/// </summary>
public sealed class DivergenceException : ArithmeticException
{
    /// <summary>The usual remedies for a filter that has diverged from the truth.</summary>
    public const string FilterRemedy = "More members, more inflation, or more frequent observations are the usual remedies.";

    /// <summary>Reports a divergence of which only the size of the state is known.</summary>
    /// <param name="method">The method that diverged.</param>
    /// <param name="cycle">The cycle, from 0, in which the divergence was found.</param>
    /// <param name="time">The time of that cycle, in the model's units.</param>
    /// <param name="norm">The largest root-mean-square size of a state; NaN if the state is not finite.</param>
    public DivergenceException(string method, long cycle, double time, double norm)
        : base($"{method} diverged in cycle {cycle} (time {time:g6}): the root-mean-square size of its state is {norm:g4}. " +
            $"{FilterRemedy}") =>
        (Method, Cycle, Time, Norm) = (method, cycle, time, norm);

    /// <summary>Reports a divergence whose origin is known.</summary>
    /// <param name="method">The method that diverged.</param>
    /// <param name="stage">The stage in which the divergence was found: "forecast", "analysis", ...</param>
    /// <param name="cycle">The cycle, from 0.</param>
    /// <param name="time">The time of that cycle, in the model's units.</param>
    /// <param name="cause">
    /// The cause, as a sentence without its full stop: the model, operator or analyzer by name, what it returned, and for how many
    /// members or trajectories.
    /// </param>
    /// <param name="remedy">What the user can do, as a sentence.</param>
    /// <param name="norm">The largest root-mean-square size of a state (default: NaN).</param>
    /// <param name="inner">The exception that was thrown at that place (default: null, none).</param>
    public DivergenceException(string method, string stage, long cycle, double time, string cause, string remedy,
        double norm = double.NaN, Exception? inner = null)
        : base($"{method} diverged in cycle {cycle} (time {time:g6}), in the {stage}: {cause}. {remedy}", inner) =>
        (Method, Stage, Cycle, Time, Norm) = (method, stage, cycle, time, norm);

    /// <summary>The method that diverged.</summary>
    public string Method { get; }

    /// <summary>The stage in which the divergence was found; null if unknown.</summary>
    public string? Stage { get; }

    /// <summary>The cycle, from 0.</summary>
    public long Cycle { get; }

    /// <summary>The time of that cycle, in the model's units.</summary>
    public double Time { get; }

    /// <summary>The root-mean-square size of the state; NaN if the state is not finite, or if its size was not computed.</summary>
    public double Norm { get; }
}

/// <summary>Thrown when a run of a model reaches a state that the model cannot describe.</summary>
/// <param name="model">The model.</param>
/// <param name="row">The index of the state in the input, from 0, all leading dimensions taken together.</param>
/// <param name="step">The number of steps that led there; 0 if the run began with such a state.</param>
/// <param name="time">The time of that step, in the model's units.</param>
/// <param name="reason">What is wrong with the state, and what may help.</param>
public sealed class ModelStateException(string model, long row, long step, double time, string reason)
    : ArithmeticException($"{model}: state {row} after step {step} (time {time:g9}) is not a state of the model: {reason}")
{
    /// <summary>The model.</summary>
    public string Model { get; } = model;

    /// <summary>The index of the state in the input, from 0, all leading dimensions taken together.</summary>
    public long Row { get; } = row;

    /// <summary>The number of steps of the run that led there.</summary>
    public long Step { get; } = step;

    /// <summary>The time of that step, in the model's units.</summary>
    public double Time { get; } = time;
}

/// <summary>Thrown for a model file that is damaged, foreign, too new or unsafe; the message says which and where.</summary>
public sealed class ModelArchiveException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>Thrown when a device is requested that this machine does not have.</summary>
public sealed class DeviceNotAvailableException(string message) : InvalidOperationException(message);

/// <summary>
/// Thrown when convolutions in single precision are wrong on this processor; the message says which, by how much, and what to set.
/// </summary>
public sealed class WrongConvolutionException(string message) : InvalidOperationException(message);
