using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Analyzer, propagater and procoder in one module, so that one optimiser moves them all.</summary>
internal sealed class NetworkTriple : nn.Module
{
    private readonly NetworkAnalyzer analyzer;
    private readonly NetworkPropagater propagater;
    private readonly NetworkProcoder procoder;

    public NetworkTriple(NetworkAnalyzer analyzer, NetworkPropagater propagater, NetworkProcoder procoder, TripleParts learns) : base(nameof(NetworkTriple))
    {
        (this.analyzer, this.propagater, this.procoder) = (analyzer, propagater, procoder);
        RegisterComponents();
        ModuleState.Keep(this);
        foreach (var (part, flag) in new (nn.Module, TripleParts)[] { (analyzer, TripleParts.Analyzer), (propagater, TripleParts.Propagater), (procoder, TripleParts.Procoder) })
            foreach (var parameter in part.parameters()) parameter.requires_grad_(learns.HasFlag(flag));
    }

    /// <summary>The method they are.</summary>
    public AssimilationTriple<VectorMemory> Method(ZeroMemorySource source) => new(analyzer, propagater, procoder, source);
}
