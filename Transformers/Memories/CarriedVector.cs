using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Propagates the first of two memories; the second, a vector of settings or hidden channels, stays unchanged.</summary>
/// <param name="inner">The first memory's propagater.</param>
/// <typeparam name="TMemory">The first memory.</typeparam>
[Component("carried-vector-propagater")]
public sealed class CarriedVectorPropagater<TMemory>(IPropagater<TMemory> inner) : IPropagater<ProductMemory<TMemory, VectorMemory>>
    where TMemory : IMemory<TMemory>
{
    /// <inheritdoc/>
    public double? TimeStep => inner.TimeStep;

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public ProductMemory<TMemory, VectorMemory> Propagate(ProductMemory<TMemory, VectorMemory> analysis, TimeInterval interval,
        RandomStream random) =>
        new(inner.Propagate(analysis.First, interval, random), analysis.Second.Map(tensor => tensor.alias()));
}

/// <summary>Decodes the first of two memories; the second, a vector, holds no information about the state.</summary>
/// <param name="inner">The first memory's procoder.</param>
/// <typeparam name="TMemory">The first memory.</typeparam>
[Component("carried-vector-procoder")]
public sealed class CarriedVectorProcoder<TMemory>(IProcoder<TMemory> inner) : IProcoder<ProductMemory<TMemory, VectorMemory>>
    where TMemory : IMemory<TMemory>
{
    /// <inheritdoc/>
    public bool HasSpread => inner.HasSpread;

    /// <inheritdoc/>
    public IDensity Decode(ProductMemory<TMemory, VectorMemory> memory) => inner.Decode(memory.First);
}

/// <summary>Starts the first of two memories; the second starts from the same vector for each trajectory.</summary>
/// <param name="inner">The first memory's source.</param>
/// <param name="start">The vector's values.</param>
/// <typeparam name="TMemory">The first memory.</typeparam>
[Component("carried-vector-source")]
public sealed class CarriedVectorSource<TMemory>(IMemorySource<TMemory> inner, IReadOnlyList<double> start)
    : IMemorySource<ProductMemory<TMemory, VectorMemory>>
    where TMemory : IMemory<TMemory>
{
    /// <inheritdoc/>
    public ProductMemory<TMemory, VectorMemory> Start(long batch, RandomStream random)
    {
        var first = inner.Start(batch, random);
        var like = first.Tensors.First();
        using var values = like.Numbers(start);
        return new(first, new(values.repeat(batch, 1)));
    }
}
