using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Propagates the first of two memories and carries the second, a vector of settings or hidden channels, along unchanged.</summary>
/// <param name="inner">The first memory's propagater.</param>
/// <typeparam name="TMemory">The first memory.</typeparam>
public sealed class CarriedVectorPropagater<TMemory>(IPropagater<TMemory> inner) : IPropagater<ProductMemory<TMemory, VectorMemory>>, IComponent
    where TMemory : IMemory<TMemory>
{
    /// <summary>How the component is written and read; each memory has a kind of its own.</summary>
    public static ComponentType Type { get; } = new($"carried-vector-propagater({MemoryKind.Of(typeof(TMemory))})", 1, reader =>
        new CarriedVectorPropagater<TMemory>(reader.Part<IPropagater<TMemory>>("inner")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public double? TimeStep => inner.TimeStep;

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public ProductMemory<TMemory, VectorMemory> Propagate(ProductMemory<TMemory, VectorMemory> analysis, TimeInterval interval, RandomStream random) =>
        new(inner.Propagate(analysis.First, interval, random), analysis.Second.Map(tensor => tensor.alias()));

    void IComponent.Save(ComponentWriter writer) => writer.Part("inner", inner);
}

/// <summary>Reads the first of two memories; the second, a vector, says nothing of the state.</summary>
/// <param name="inner">The first memory's procoder.</param>
/// <typeparam name="TMemory">The first memory.</typeparam>
public sealed class CarriedVectorProcoder<TMemory>(IProcoder<TMemory> inner) : IProcoder<ProductMemory<TMemory, VectorMemory>>, IComponent
    where TMemory : IMemory<TMemory>
{
    /// <summary>How the component is written and read; each memory has a kind of its own.</summary>
    public static ComponentType Type { get; } = new($"carried-vector-procoder({MemoryKind.Of(typeof(TMemory))})", 1, reader =>
        new CarriedVectorProcoder<TMemory>(reader.Part<IProcoder<TMemory>>("inner")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public bool HasSpread => inner.HasSpread;

    /// <inheritdoc/>
    public IDensity Decode(ProductMemory<TMemory, VectorMemory> memory) => inner.Decode(memory.First);

    void IComponent.Save(ComponentWriter writer) => writer.Part("inner", inner);
}

/// <summary>Starts the first of two memories, and the second from the same vector for each trajectory.</summary>
/// <param name="inner">The first memory's source.</param>
/// <param name="start">The vector's values.</param>
/// <typeparam name="TMemory">The first memory.</typeparam>
public sealed class CarriedVectorSource<TMemory>(IMemorySource<TMemory> inner, IReadOnlyList<double> start) : IMemorySource<ProductMemory<TMemory, VectorMemory>>, IComponent
    where TMemory : IMemory<TMemory>
{
    /// <summary>How the component is written and read; each memory has a kind of its own.</summary>
    public static ComponentType Type { get; } = new($"carried-vector-source({MemoryKind.Of(typeof(TMemory))})", 1, reader =>
        new CarriedVectorSource<TMemory>(reader.Part<IMemorySource<TMemory>>("inner"), reader.Get<double[]>("start")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public ProductMemory<TMemory, VectorMemory> Start(long batch, RandomStream random)
    {
        var first = inner.Start(batch, random);
        var like = first.Tensors.First();
        using var values = tensor(start.ToArray(), dtype: like.dtype, device: like.device);
        return new(first, new(values.repeat(batch, 1)));
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Part("inner", inner);
        writer.Set("start", start);
    }
}
