using static TorchSharp.torch;

namespace DaML;

/// <summary>Keeps what a network has beside its trunk, which is a component and keeps itself.</summary>
internal static class HessianHeads
{
    private const string Trunk = "trunk.";

    public static void Head(this ComponentWriter writer, nn.Module network)
    {
        foreach (var (name, tensor) in network.state_dict()) if (!name.StartsWith(Trunk, StringComparison.Ordinal)) writer.Tensor(name, tensor.detach());
    }

    public static void LoadHead(this ComponentReader reader, nn.Module network)
    {
        var copies = new Dictionary<string, Tensor>();
        foreach (var (name, tensor) in network.state_dict())
            copies[name] = name.StartsWith(Trunk, StringComparison.Ordinal) ? tensor.detach().clone() : reader.Tensor(name);
        ModuleState.Restore(network, copies);
        ModuleState.Release(copies);
    }
}
