using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace DaML.Components;

/// <summary>Passes progress to ML.NET's messages.</summary>
/// <param name="ml">The context that receives the messages.</param>
internal sealed class MicrosoftMLProgress(MLContext ml) : IProgress<ProgressReport>
{
    /// <summary>The source of DaML's messages.</summary>
    public const string Source = "DaML";

    private readonly IHost host = ((IHostEnvironment)ml).Register(Source);

    /// <inheritdoc/>
    public void Report(ProgressReport value)
    {
        using var channel = host.Start(value.Activity);
        string metrics = string.Concat(value.Metrics.Select(metric =>
            string.Create(CultureInfo.InvariantCulture, $", {metric.Key} {metric.Value:g4}")));
        channel.Info(MessageSensitivity.None, "{0}",
            $"{value.Activity}: {value.Completed}{(value.Total is { } total ? $" of {total}" : "")}{metrics}");
    }
}
