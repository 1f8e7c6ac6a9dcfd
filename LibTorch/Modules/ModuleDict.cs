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
        /// <summary>A dictionary of modules that is itself a module: its members are registered under their keys.</summary>
        /// <typeparam name="T">The type of the members.</typeparam>
        public class ModuleDict<T> : nn.Module, IDictionary<string, T>, IList<(string, T)> where T : nn.Module
        {
            private readonly OrderedDict<string, T> _dict = new();

            public ModuleDict() : base(nameof(ModuleDict<T>))
            {
            }

            public (string, T) this[int index]
            {
                get => _dict[index];
                set
                {
                    _dict[index] = value;
                    Refresh();
                }
            }

            public T this[string key]
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
            public ICollection<T> Values => _dict.Values;

            public void Add((string, T) item) => Add(item.Item1, item.Item2);
            public void Add(KeyValuePair<string, T> item) => Add(item.Key, item.Value);

            public void Add(string key, T value)
            {
                _dict.Add(key, value);
                Refresh();
            }

            public void Insert(int index, (string, T) item)
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

            public bool Remove((string, T) item) => _dict.Contains(item) && Remove(item.Item1);
            public bool Remove(KeyValuePair<string, T> item) => _dict.Contains(item) && Remove(item.Key);
            public void RemoveAt(int index) => Remove(_dict[index].Item1);

            public void Clear()
            {
                _dict.Clear();
                Refresh();
            }

            public void clear() => Clear();
            public bool Contains((string, T) item) => _dict.Contains(item);
            public bool Contains(KeyValuePair<string, T> item) => _dict.Contains(item);
            public bool ContainsKey(string key) => _dict.ContainsKey(key);
            public void CopyTo((string, T)[] array, int arrayIndex) => _dict.CopyTo(array, arrayIndex);
            public void CopyTo(KeyValuePair<string, T>[] array, int arrayIndex) => _dict.CopyTo(array, arrayIndex);
            public int IndexOf((string, T) item) => _dict.IndexOf(item);
            public bool TryGetValue(string key, [MaybeNullWhen(false)] out T value) => _dict.TryGetValue(key, out value);
            public IEnumerator<(string, T)> GetEnumerator() => _dict.GetEnumerator();
            IEnumerator<KeyValuePair<string, T>> IEnumerable<KeyValuePair<string, T>>.GetEnumerator() => ((IEnumerable<KeyValuePair<string, T>>)_dict).GetEnumerator();
            IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
            public IEnumerator<(string, T)> items() => _dict.GetEnumerator();
            public IEnumerable<string> keys() => _dict.Keys;
            public IEnumerable<T> values() => _dict.Values;

            protected override void RegisterComponents() => Refresh();

            private void Refresh()
            {
                ClearModules();
                foreach (var (key, module) in _dict) register_module(key, module);
            }

            public override IEnumerable<(string name, nn.Module module)> named_children()
            {
                foreach (var (key, module) in _dict) yield return (key, module);
            }

            protected override void Dispose(bool disposing)
            {
                if (disposing)
                {
                    foreach (var (_, m) in _dict) m.Dispose();
                }
                base.Dispose(disposing);
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ModuleDict<Module> ModuleDict(params (string, Module)[] modules) => ModuleDict<Module>(modules);

            public static ModuleDict<T> ModuleDict<T>(params (string, T)[] modules) where T : Module
            {
                var result = new ModuleDict<T>();
                foreach (var (key, module) in modules) result.Add(key, module);
                return result;
            }
        }
    }
}
