using System.Diagnostics;

namespace DaML.Components;

/// <summary>
/// Where the time goes: the phases of an assimilation and of a training as activities of one source, which any listener
/// (<c>--profile</c> of the samples, OpenTelemetry, dotnet-trace) may take down. Without a listener they cost nothing.
/// </summary>
public static class Telemetry
{
    /// <summary>The source's name.</summary>
    public const string SourceName = "DaML";

    /// <summary>Truths and observations are made or read.</summary>
    public const string Data = "data";

    /// <summary>A memory is carried to a later time.</summary>
    public const string Model = "model";

    /// <summary>An observation is taken in.</summary>
    public const string Analysis = "analysis";

    /// <summary>A network in training gives its analysis, and is charged for it.</summary>
    public const string NetworkForward = "network forward";

    /// <summary>The way back to the gradients.</summary>
    public const string Backward = "backward";

    /// <summary>Gradients are clipped and weights moved.</summary>
    public const string Optimiser = "optimiser";

    /// <summary>A learned method is scored on what it does not learn from.</summary>
    public const string Validation = "validation";

    private static readonly ActivitySource source = new(SourceName);

    /// <summary>Begins a phase, which ends when it is disposed; null where nobody listens.</summary>
    /// <param name="name">One of those above, or one's own.</param>
    public static Activity? Phase(string name) => source.HasListeners() ? source.StartActivity(name) : null;
}
