using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// An analyzer that reads an observation only through H^T R^-1 (y - H x_f), as learned analyses do: it can be asked what it makes of any
/// such innovation.
/// </summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
public interface IScaledInnovationAnalyzer<TMemory> : IAnalyzer<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>The posterior memory; differentiable in the innovation.</summary>
    /// <param name="forecast">The prior memory.</param>
    /// <param name="scaledInnovation">H^T R^-1 (y - H x_f), <c>[batch, n]</c>, of the state's precision.</param>
    TMemory Analyze(TMemory forecast, Tensor scaledInnovation);
}
