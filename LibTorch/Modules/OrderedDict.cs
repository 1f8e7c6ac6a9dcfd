using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace TorchSharp.Utils;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

/// <summary>A dictionary that enumerates its entries in the order in which they were added, as Python's does.</summary>
/// <typeparam name="TKey">The type of the keys.</typeparam>
/// <typeparam name="TValue">The type of the values.</typeparam>
public class OrderedDict<TKey, TValue> : IDictionary<TKey, TValue>, IList<(TKey, TValue)> where TKey : notnull
{
    private readonly Dictionary<TKey, TValue> _dict = [];
    private readonly List<TKey> _order = [];

    public TValue this[TKey key]
    {
        get => _dict[key];
        set
        {
            if (!_dict.ContainsKey(key)) _order.Add(key);
            _dict[key] = value;
        }
    }

    public (TKey, TValue) this[int index]
    {
        get => (_order[index], _dict[_order[index]]);
        set
        {
            var (key, item) = value;
            var old = _order[index];
            if (!EqualityComparer<TKey>.Default.Equals(old, key))
            {
                if (_dict.ContainsKey(key)) throw new ArgumentException($"An entry named '{key}' exists already.");
                _dict.Remove(old);
                _order[index] = key;
            }
            _dict[key] = item;
        }
    }

    public ICollection<TKey> Keys => _order.AsReadOnly();
    public ICollection<TValue> Values => _order.ConvertAll(k => _dict[k]).AsReadOnly();
    public int Count => _order.Count;
    public bool IsReadOnly => false;

    public void Add(TKey key, TValue value)
    {
        _dict.Add(key, value);
        _order.Add(key);
    }

    public void Add((TKey, TValue) item) => Add(item.Item1, item.Item2);
    public void Add(KeyValuePair<TKey, TValue> item) => Add(item.Key, item.Value);

    public void Insert(int index, (TKey, TValue) item)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)index, (uint)_order.Count, nameof(index));
        _dict.Add(item.Item1, item.Item2);
        _order.Insert(index, item.Item1);
    }

    public bool Remove(TKey key) => _dict.Remove(key) && _order.Remove(key);
    public bool Remove((TKey, TValue) item) => Contains(item) && Remove(item.Item1);
    public bool Remove(KeyValuePair<TKey, TValue> item) => Contains(item) && Remove(item.Key);
    public void RemoveAt(int index) => Remove(_order[index]);

    public void Clear()
    {
        _dict.Clear();
        _order.Clear();
    }

    public bool ContainsKey(TKey key) => _dict.ContainsKey(key);
    public bool Contains((TKey, TValue) item) =>
        _dict.TryGetValue(item.Item1, out var value) && EqualityComparer<TValue>.Default.Equals(value, item.Item2);
    public bool Contains(KeyValuePair<TKey, TValue> item) => Contains((item.Key, item.Value));
    public bool TryGetValue(TKey key, [MaybeNullWhen(false)] out TValue value) => _dict.TryGetValue(key, out value);
    public int IndexOf((TKey, TValue) item) => Contains(item) ? _order.IndexOf(item.Item1) : -1;

    public void CopyTo((TKey, TValue)[] array, int arrayIndex)
    {
        foreach (var key in _order) array[arrayIndex++] = (key, _dict[key]);
    }

    public void CopyTo(KeyValuePair<TKey, TValue>[] array, int arrayIndex)
    {
        foreach (var key in _order) array[arrayIndex++] = new(key, _dict[key]);
    }

    public IEnumerator<(TKey, TValue)> GetEnumerator()
    {
        foreach (var key in _order) yield return (key, _dict[key]);
    }

    IEnumerator<KeyValuePair<TKey, TValue>> IEnumerable<KeyValuePair<TKey, TValue>>.GetEnumerator()
    {
        foreach (var key in _order) yield return new(key, _dict[key]);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
