using System.Collections.ObjectModel;
using System.Text.Json.Nodes;

namespace DaML.Samples;

/// <summary>A published experiment that the command line can run; one file holds one. Listed in <see cref="SampleList"/>.</summary>
public interface ISample
{
    /// <summary>As it is typed after <c>daml sample</c>.</summary>
    string Name { get; }

    /// <summary>One line for <c>daml list</c>: what it shows.</summary>
    string Summary { get; }

    /// <summary>A few sentences for its help: data, method, what comes out, how long it takes.</summary>
    string Details { get; }

    /// <summary>The sizes it can be run in, the first by default.</summary>
    IReadOnlyList<SampleSize> Sizes { get; }

    /// <summary>
    /// How many minutes it trains at most by default, or null where nothing is trained and <c>--minutes</c> has no meaning.
    /// </summary>
    double? TrainingMinutes { get; }

    /// <summary>
    /// How many minutes it trains at most by default in <see cref="SampleSize.Full"/>; as in the quick size unless it says so.
    /// </summary>
    double? FullTrainingMinutes => TrainingMinutes;

    /// <summary>Options of its own beside those that all samples share; none unless it says so.</summary>
    IReadOnlyList<SampleSetting> Settings => [];

    /// <summary>Runs it: prints its table, writes its files and gives back what it measured.</summary>
    /// <param name="run">The context, the console, the output folder and the limits it was started with.</param>
    /// <exception cref="OperationCanceledException">It was cancelled before there was a result.</exception>
    /// <exception cref="SampleException">It cannot be run as asked; the message says why in one sentence.</exception>
    SampleResult Run(SampleRun run);
}

/// <summary>
/// An option that a sample has of its own; what is given for it is found in <see cref="SampleOptions.Settings"/> under its name.
/// </summary>
/// <param name="Name">As it is typed, for instance <c>--rows</c>.</param>
/// <param name="HelpName">What stands for its value in the help, for instance <c>FILE</c>.</param>
/// <param name="Description">What the help says of it.</param>
public sealed record SampleSetting(string Name, string HelpName, string Description)
{
    /// <summary>Whether the option may stand without a value, which is then empty.</summary>
    public bool ValueOptional { get; init; }
}

/// <summary>How large a sample is run.</summary>
public enum SampleSize
{
    /// <summary>Shows the effect within minutes on two processor cores.</summary>
    Quick,

    /// <summary>The settings of the publication; usually wants a GPU.</summary>
    Full,
}

/// <summary>What a sample measured, as <c>--json</c> writes it.</summary>
/// <param name="Settings">What it was run with: texts, truth values and numbers by name.</param>
/// <param name="Metrics">What it measured, by name, for instance <c>rmse.analysis</c>; finite numbers.</param>
public sealed record SampleResult(IReadOnlyDictionary<string, object> Settings, IReadOnlyDictionary<string, double> Metrics)
{
    /// <summary>
    /// What <c>--json</c> writes instead of name, settings and metrics, for a sample whose results have a form of their own; null for none.
    /// </summary>
    public JsonObject? Document { get; init; }

    /// <summary>What it measured along sweeps, by name, for instance <c>sweep.dt</c>; written among the metrics, as arrays.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<SweepPoint>> Sweeps { get; init; } =
        ReadOnlyDictionary<string, IReadOnlyList<SweepPoint>>.Empty;

    /// <summary>What it measured, by name; finite numbers.</summary>
    /// <exception cref="ArgumentException">A number is infinite or not a number.</exception>
    public IReadOnlyDictionary<string, double> Metrics { get; } = CheckFinite(Metrics);

    private static IReadOnlyDictionary<string, double> CheckFinite(IReadOnlyDictionary<string, double> metrics)
    {
        foreach (var (name, value) in metrics)
            if (!double.IsFinite(value))
                throw new ArgumentException(
                    $"The metric '{name}' is {value}; a metric must be a finite number. Leave out what could not be measured.",
                    nameof(metrics));
        return metrics;
    }
}

/// <summary>A point of a sweep: a method's analysis error at one value of what is varied.</summary>
/// <param name="Value">The value, finite.</param>
/// <param name="Method">The method.</param>
/// <param name="Rmse">Its error, finite; null where it lost the truth, for which there is no number.</param>
public sealed record SweepPoint(double Value, string Method, double? Rmse)
{
    /// <summary>Its error; null where it lost the truth.</summary>
    /// <exception cref="ArgumentException">Value or error is infinite or not a number.</exception>
    public double? Rmse { get; } = double.IsFinite(Value) && double.IsFinite(Rmse ?? 0) ? Rmse
        : throw new ArgumentException(
            $"A point of a sweep must have a finite value and a finite error, or none where the truth was lost; given: {Rmse} of " +
                $"{Method} at {Value}.");
}

/// <summary>Something a user asked for that cannot be done; the message is shown as it is and the exit code is 2.</summary>
public sealed class SampleException(string message) : Exception(message);
