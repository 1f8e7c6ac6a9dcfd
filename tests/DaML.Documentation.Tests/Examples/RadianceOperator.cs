using DaML;
using TorchSharp;
using static TorchSharp.torch;

/// <summary>What a radiometer sees of temperatures: the fourth power, every second site.</summary>
public sealed class RadianceOperator(long sites) : ObservationOperator(sites, observationDimension: (sites + 1) / 2)
{
    protected override Tensor Observe(Tensor state) =>
        (state[TensorIndex.Ellipsis, TensorIndex.Slice(step: 2)] / 10).pow(4);
}
