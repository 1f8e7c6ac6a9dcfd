using System.Diagnostics;

namespace DaML.Components;

/// <summary>
/// Shows where the time goes: the phases of an assimilation and of a training are activities of one source, which any listener
/// (<c>--profile</c> of the samples, OpenTelemetry, dotnet-trace) may record. Without a listener they cost nothing.
/// </summary>
public static class Telemetry
{
    /// <summary>The source's name.</summary>
    public const string SourceName = "DaML";

    /// <summary>Truths and observations are made or read.</summary>
    public const string Data = "data";

    /// <summary>A memory is propagated to a later time.</summary>
    public const string Model = "model";

    /// <summary>An observation is assimilated.</summary>
    public const string Analysis = "analysis";

    /// <summary>A network in training computes its analysis and its loss.</summary>
    public const string NetworkForward = "network forward";

    /// <summary>Back-propagation to the gradients.</summary>
    public const string Backward = "backward";

    /// <summary>Gradients are clipped and weights updated.</summary>
    public const string Optimiser = "optimiser";

    /// <summary>A learned method is scored on hold-out data.</summary>
    public const string Validation = "validation";

    private static readonly ActivitySource source = new(SourceName);

    /// <summary>Begins a phase, which ends when it is disposed; null without a listener.</summary>
    /// <param name="name">One of the names above, or your own.</param>
    public static Activity? Phase(string name) => source.HasListeners() ? source.StartActivity(name) : null;
}
