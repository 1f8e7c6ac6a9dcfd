using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A fused network with the tensors that it computes with.</summary>
/// <param name="Network">The computation.</param>
/// <param name="Parameters">The parameters in its order.</param>
/// <param name="Running">The running mean and variance of each layer.</param>
/// <param name="Counters">The number of batches that each layer's statistics have seen.</param>
internal sealed record FusedLayers(FusedResidualNetwork Network, IReadOnlyList<Tensor> Parameters,
    IReadOnlyList<(Tensor Mean, Tensor Variance)> Running, IReadOnlyList<Tensor> Counters);
