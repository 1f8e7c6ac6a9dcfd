using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Your own layers over fields: (forecast, innovation) to the increment, [batch, 2, rows, columns] to [batch, 1,
/// rows, columns].
/// </summary>
[Component("example.org/own-layers")]
public sealed class OwnLayers : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d first = nn.Conv2d(2, 8, 5, padding: 2), second = nn.Conv2d(8, 1, 5, padding: 2);

    public OwnLayers([NotSaved] RandomStream? random = null) : base(nameof(OwnLayers))
    {
        RegisterComponents();
        if (random is not null) ModuleState.DrawWeights(this, random);
    }

    public override Tensor forward(Tensor field) => second.call(nn.functional.gelu(first.call(field)));
}
