using System.Collections;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    namespace Modules
    {
        /// <summary>A list of parameters that is a module: its members are registered under "0", "1", ...</summary>
        public class ParameterList : nn.Module, IList<Parameter>
        {
            private readonly List<Parameter> _list = [];

            public ParameterList(params Parameter[] parameters) : base(nameof(ParameterList)) => _list.AddRange(parameters);

            public Parameter this[int index]
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

            public void Add(Parameter item)
            {
                _list.Add(item);
                Refresh();
            }

            public void append(params Parameter[] parameters) => extend(parameters);

            public void extend(IEnumerable<Parameter> parameters)
            {
                _list.AddRange(parameters);
                Refresh();
            }

            public void Insert(int index, Parameter item)
            {
                _list.Insert(index, item);
                Refresh();
            }

            // Tensor's own Equals may compare values; a parameter is in the list or is not.
            public int IndexOf(Parameter item) => _list.FindIndex(p => ReferenceEquals(p, item));
            public bool Contains(Parameter item) => IndexOf(item) >= 0;

            public bool Remove(Parameter item)
            {
                var i = IndexOf(item);
                if (i >= 0) RemoveAt(i);
                return i >= 0;
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

            public void CopyTo(Parameter[] array, int arrayIndex) => _list.CopyTo(array, arrayIndex);
            public IEnumerator<Parameter> GetEnumerator() => _list.GetEnumerator();
            IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

            protected override void RegisterComponents() => Refresh();

            private void Refresh()
            {
                _internal_params.Clear();
                for (var i = 0; i < _list.Count; i++) register_parameter($"{i}", _list[i]);
            }

            protected override void _toEpilog(ScalarType? dtype, Device? device, bool non_blocking)
            {
                for (var i = 0; i < _list.Count; i++)
                {
                    var before = _list[i];
                    if (!ReplaceParameter(dtype, device, before, out var after)) continue;
                    _list[i] = after!;
                    before.Dispose();
                }
                Refresh();
            }

            public override bool has_parameter(string target) => get_parameter(target) is not null;

            public override Parameter? get_parameter(string target) =>
                int.TryParse(target, out var i) && i >= 0 && i < _list.Count ? _list[i] : null;

            public override IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                for (var i = 0; i < _list.Count; i++) yield return ($"{i}", _list[i]);
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ParameterList ParameterList(params Parameter[] parameters) => new(parameters);
        }
    }
}
