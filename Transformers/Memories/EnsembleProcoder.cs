namespace DaML.Components;

/// <summary>Reads an ensemble as a density: sample mean and sample covariance.</summary>
[Component("ensemble-procoder")]
public sealed class EnsembleProcoder : IProcoder<EnsembleMemory>
{
    /// <inheritdoc/>
    public IDensity Decode(EnsembleMemory memory) => new EnsembleDensity(memory.Members);
}
