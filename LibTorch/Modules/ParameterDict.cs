using System.Collections;
using System.Diagnostics.CodeAnalysis;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    namespace Modules
    {
        /// <summary>A dictionary of parameters that is a module: its members are registered under their keys.</summary>
        public class ParameterDict : nn.Module, IDictionary<string, Parameter>, IList<(string, Parameter)>
        {
            private readonly OrderedDict<string, Parameter> _dict = new();

            public ParameterDict() : base(nameof(ParameterDict))
            {
            }

            public (string, Parameter) this[int index]
            {
                get => _dict[index];
                set
                {
                    _dict[index] = value;
                    Refresh();
                }
            }

            public Parameter this[string key]
            {
                get => _dict[key];
                set
                {
                    _dict[key] = value;
                    Refresh();
                }
            }

            public bool IsReadOnly => false;
            public int Count => _dict.Count;
            public ICollection<string> Keys => _dict.Keys;
            public ICollection<Parameter> Values => _dict.Values;

            public void Add((string, Parameter) item) => Add(item.Item1, item.Item2);
            public void Add(KeyValuePair<string, Parameter> item) => Add(item.Key, item.Value);

            public void Add(string key, Parameter value)
            {
                _dict.Add(key, value);
                Refresh();
            }

            public void Insert(int index, (string, Parameter) item)
            {
                _dict.Insert(index, item);
                Refresh();
            }

            public bool Remove(string key)
            {
                var removed = _dict.Remove(key);
                Refresh();
                return removed;
            }

            // Tensor's own Equals may compare values; a parameter is in the dictionary or is not.
            public bool Contains((string, Parameter) item) => _dict.TryGetValue(item.Item1, out var p) && ReferenceEquals(p, item.Item2);
            public bool Contains(KeyValuePair<string, Parameter> item) => Contains((item.Key, item.Value));
            public bool Remove((string, Parameter) item) => Contains(item) && Remove(item.Item1);
            public bool Remove(KeyValuePair<string, Parameter> item) => Contains(item) && Remove(item.Key);
            public void RemoveAt(int index) => Remove(_dict[index].Item1);
            public int IndexOf((string, Parameter) item) => Contains(item) ? _dict.Keys.ToList().IndexOf(item.Item1) : -1;

            public void Clear()
            {
                _dict.Clear();
                Refresh();
            }

            public void clear() => Clear();
            public bool ContainsKey(string key) => _dict.ContainsKey(key);
            public void CopyTo((string, Parameter)[] array, int arrayIndex) => _dict.CopyTo(array, arrayIndex);
            public void CopyTo(KeyValuePair<string, Parameter>[] array, int arrayIndex) => _dict.CopyTo(array, arrayIndex);
            public bool TryGetValue(string key, [MaybeNullWhen(false)] out Parameter value) => _dict.TryGetValue(key, out value);
            public IEnumerator<(string, Parameter)> GetEnumerator() => _dict.GetEnumerator();
            IEnumerator<KeyValuePair<string, Parameter>> IEnumerable<KeyValuePair<string, Parameter>>.GetEnumerator() => ((IEnumerable<KeyValuePair<string, Parameter>>)_dict).GetEnumerator();
            IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
            public IEnumerator<(string, Parameter)> items() => _dict.GetEnumerator();
            public IEnumerable<string> keys() => _dict.Keys;
            public IEnumerable<Parameter> values() => _dict.Values;

            protected override void RegisterComponents() => Refresh();

            private void Refresh()
            {
                _internal_params.Clear();
                foreach (var (key, p) in _dict) register_parameter(key, p);
            }

            protected override void _toEpilog(ScalarType? dtype, Device? device, bool non_blocking)
            {
                foreach (var (key, before) in _dict.ToList<(string, Parameter)>())
                {
                    if (!ReplaceParameter(dtype, device, before, out var after)) continue;
                    _dict[key] = after!;
                    before.Dispose();
                }
                Refresh();
            }

            public override bool has_parameter(string target) => _dict.ContainsKey(target);
            public override Parameter? get_parameter(string target) => _dict.TryGetValue(target, out var p) ? p : null;

            public override IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                foreach (var (key, p) in _dict) yield return (key, p);
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ParameterDict ParameterDict(params (string, Parameter)[] parameters)
            {
                var result = new ParameterDict();
                foreach (var (key, p) in parameters) result.Add(key, p);
                return result;
            }
        }
    }
}
