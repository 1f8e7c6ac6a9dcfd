using System.Collections;

namespace DaML.Components;

/// <summary>The components 0, 1, ..., n - 1 of a state as a list that takes no memory.</summary>
/// <param name="count">n</param>
internal sealed class ComponentRange(long count) : IReadOnlyList<long>
{
    /// <inheritdoc/>
    public int Count => checked((int)count);

    /// <inheritdoc/>
    public long this[int index] => (uint)index < (uint)Count ? index : throw new ArgumentOutOfRangeException(nameof(index), index,
        $"A state of {Count} components has no component {index}.");

    /// <inheritdoc/>
    public IEnumerator<long> GetEnumerator()
    {
        for (int i = 0; i < Count; i++) yield return i;
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
