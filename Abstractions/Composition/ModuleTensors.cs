using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The parameters and buffers of a network, by name.</summary>
public static class ModuleTensors
{
    /// <summary>Assigns values to the parameters and buffers of a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="values">The values of the parameter or buffer with a name; null = it keeps its own.</param>
    /// <exception cref="ArgumentException">A tensor has another shape or type than the network needs.</exception>
    public static void Assign(nn.Module network, Func<string, Tensor?> values)
    {
        using var noGradients = no_grad();
        foreach (var (name, tensor) in network.state_dict())
        {
            if (values(name) is not { } value) continue;
            Require.Shape(value, $"The network's tensor '{name}'", tensor.Sizes());
            if (value.dtype != tensor.dtype)
                throw new ArgumentException($"The network's tensor '{name}' must be {tensor.dtype}; given: {value.dtype}.");
            using var scope = NewDisposeScope();
            tensor.copy_(value);
        }
    }

    /// <summary>Takes parameters and buffers out of every dispose scope; a new parameter belongs to the scope it was made in.</summary>
    /// <param name="network">The network.</param>
    public static void Keep(nn.Module network)
    {
        foreach (var parameter in network.parameters()) parameter.DetachFromDisposeScope();
        foreach (var buffer in network.buffers()) buffer.DetachFromDisposeScope();
    }

    // Whether a tensor is one of these, or belongs to a module among these.
    internal static bool IsOf(string name, IReadOnlyList<string> others) =>
        others.Any(other => name == other || name.StartsWith(other + ".", StringComparison.Ordinal));
}
