using System.Collections;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    namespace Modules
    {
        /// <summary>A list of modules that is itself a module: its members are registered under "0", "1", ...</summary>
        /// <typeparam name="T">The type of the members.</typeparam>
        public class ModuleList<T> : nn.Module, IList<T> where T : nn.Module
        {
            private readonly List<T> _list = [];

            public ModuleList(params T[] modules) : base(nameof(ModuleList<T>)) => _list.AddRange(modules);

            public T this[int index]
            {
                get => _list[index];
                set
                {
                    _list[index] = value;
                    Refresh();
                }
            }

            public int Count => _list.Count;
            public bool IsReadOnly => false;

            public void Add(T item)
            {
                _list.Add(item);
                Refresh();
            }

            public void append(params T[] parameters) => extend(parameters);

            public void extend(IEnumerable<T> modules)
            {
                _list.AddRange(modules);
                Refresh();
            }

            public void Insert(int index, T item)
            {
                _list.Insert(index, item);
                Refresh();
            }

            public bool Remove(T item)
            {
                var removed = _list.Remove(item);
                Refresh();
                return removed;
            }

            public void RemoveAt(int index)
            {
                _list.RemoveAt(index);
                Refresh();
            }

            public void Clear()
            {
                _list.Clear();
                Refresh();
            }

            public bool Contains(T item) => _list.Contains(item);
            public void CopyTo(T[] array, int arrayIndex) => _list.CopyTo(array, arrayIndex);
            public IEnumerator<T> GetEnumerator() => _list.GetEnumerator();
            IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
            public int IndexOf(T item) => _list.IndexOf(item);

            protected override void RegisterComponents() => Refresh();

            private void Refresh()
            {
                ClearModules();
                for (var i = 0; i < _list.Count; i++) register_module($"{i}", _list[i]);
            }

            public override IEnumerable<(string name, nn.Module module)> named_children()
            {
                for (var i = 0; i < _list.Count; i++) yield return ($"{i}", _list[i]);
            }

            protected override void Dispose(bool disposing)
            {
                if (disposing)
                {
                    foreach (var m in _list) m.Dispose();
                }
                base.Dispose(disposing);
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ModuleList<Module> ModuleList(params Module[] modules) => new(modules);
            public static ModuleList<T> ModuleList<T>(params T[] modules) where T : Module => new(modules);
        }
    }
}
