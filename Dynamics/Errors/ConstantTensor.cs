using System.Collections.Concurrent;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A tensor that never changes, with copies on other devices and in other precisions. Each copy is made at its first use and kept. The
/// tensor lives as long as its owner, outside every dispose scope, and serves several threads at once.
/// </summary>
public sealed class ConstantTensor
{
    private readonly ConcurrentDictionary<(ScalarType, DeviceType, int), Tensor> copies = new();

    /// <summary>Keeps a copy of a tensor.</summary>
    public ConstantTensor(Tensor value)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        Value = value.detach().clone().contiguous().DetachFromDisposeScope();
    }

    /// <summary>The values as they were given; they belong to this object.</summary>
    public Tensor Value { get; }

    /// <summary>The values in the precision and on the device of another tensor.</summary>
    public Tensor Like(Tensor other) =>
        Value.dtype == other.dtype && Value.device_type == other.device_type && Value.device_index == other.device_index
        ? Value : On(other.dtype, other.device);

    /// <summary>The values in a precision and on a device; they belong to this object.</summary>
    public Tensor On(ScalarType dtype, Device device) => copies.GetOrAdd((dtype, device.type, device.index), _ =>
    {
        using var noGradients = no_grad();
        return Value.to(dtype, device).DetachFromDisposeScope();
    });
}
