using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A memory whose tensors change in number or size from cycle to cycle, so that a file must say how they are arranged.</summary>
/// <typeparam name="TSelf">The memory's own type.</typeparam>
internal interface IArrangedMemory<TSelf> where TSelf : IMemory<TSelf>
{
    /// <summary>Writes everything but the tensors.</summary>
    void SaveArrangement(ComponentWriter writer);

    /// <summary>Gives this memory, of a source, with tensors arranged as they were written; their numbers mean nothing.</summary>
    TSelf Arranged(ComponentReader reader);
}

/// <summary>Writes the memory of a method in progress to a checkpoint and reads it, to the bit.</summary>
internal static class MemoryFile
{
    private const int MostTensors = 100_000;

    /// <summary>Writes a memory.</summary>
    public static void Save<TMemory>(ComponentWriter writer, TMemory memory) where TMemory : IMemory<TMemory>
    {
        if (memory is IArrangedMemory<TMemory> arranged) arranged.SaveArrangement(writer);
        int count = 0;
        foreach (var tensor in memory.Tensors) writer.Tensor($"memory/{count++}", tensor);
        writer.Set("memoryTensors", count);
    }

    /// <summary>Reads a memory, which belongs to the caller.</summary>
    /// <param name="reader">The checkpoint.</param>
    /// <param name="start">A memory of the method's source, which says what tensors to expect.</param>
    /// <exception cref="ModelArchiveException">The tensors are not those of such a memory.</exception>
    public static TMemory Load<TMemory>(ComponentReader reader, TMemory start) where TMemory : IMemory<TMemory>
    {
        using var scope = NewDisposeScope();
        var like = start is IArrangedMemory<TMemory> arranged ? arranged.Arranged(reader) : start;
        int expected = like.Tensors.Count(), given = reader.Count("memoryTensors", MostTensors), next = 0;
        if (given != expected)
            throw new ModelArchiveException($"The memory in the checkpoint has {given} tensors; the method's has {expected}.");
        return like.Map(old =>
        {
            int place = next++;
            var tensor = reader.Tensor($"memory/{place}");
            if (tensor.HasSizesOf(old) && tensor.dtype == old.dtype) return tensor;
            string found = $"{tensor.dtype} {ColumnDefinition.Describe(tensor.Sizes())}";
            tensor.Dispose();
            throw new ModelArchiveException(
                $"Tensor {place} of the memory in the checkpoint is {found}; the method's is {old.dtype} " +
                    $"{ColumnDefinition.Describe(old.Sizes())}.");
        });
    }
}
