using System.Runtime.CompilerServices;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    namespace Modules
    {
        /// <summary>Layers applied one after the other. What lies between them is disposed, so each must return a fresh tensor.</summary>
        public class Sequential : nn.Module<Tensor, Tensor>
        {
            protected internal Sequential(params (string name, nn.Module<Tensor, Tensor> submodule)[] modules) : base(nameof(Sequential))
            {
                foreach (var (name, module) in modules) append(name, module);
            }

            protected internal Sequential(params nn.Module<Tensor, Tensor>[] modules) : base(nameof(Sequential))
            {
                foreach (var module in modules) append(module);
            }

            public int Count => _internal_submodules.Count;

            [IndexerName("SequentialItems")]
            public nn.IModule<Tensor, Tensor> this[int index] => (nn.IModule<Tensor, Tensor>)_internal_submodules[index].Item2;

            [IndexerName("SequentialItems")]
            public Sequential this[(int? start, int? end) index] => Slice(index.start ?? 0, index.end ?? Count);

            [IndexerName("SequentialItems")]
            public Sequential this[Range index] => Slice(index.Start.GetOffset(Count), index.End.GetOffset(Count));

            private Sequential Slice(int start, int end)
            {
                if (start < 0 || start > Count) throw new IndexOutOfRangeException($"{start} is not a valid index.");
                if (end < 0 || end > Count) throw new IndexOutOfRangeException($"{end} is not a valid index.");
                var part = new Sequential(Array.Empty<nn.Module<Tensor, Tensor>>());
                for (var i = start; i < end; i++)
                {
                    var (name, module) = _internal_submodules[i];
                    part.append(name, (nn.IModule<Tensor, Tensor>)module);
                }
                return part;
            }

            public Sequential append(string name, nn.IModule<Tensor, Tensor> module)
            {
                register_module(name, (nn.Module)module);
                return this;
            }

            public Sequential append(nn.IModule<Tensor, Tensor> module) => append($"{Count}", module);

            // A Sequential's layers are what it was given; a derived class's fields often name the same ones again.
            protected override void RegisterComponents()
            {
            }

            public override Tensor forward(Tensor tensor)
            {
                if (Count == 0) return tensor.alias();
                var x = tensor;
                foreach (var (_, layer) in _internal_submodules)
                {
                    var y = ((nn.IModule<Tensor, Tensor>)layer).call(x);
                    if (!ReferenceEquals(x, tensor)) x.Dispose();
                    x = y;
                }
                return x;
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Sequential Sequential() => new(Array.Empty<Module<Tensor, Tensor>>());
            public static Sequential Sequential(params (string name, Module<Tensor, Tensor> submodule)[] modules) => new(modules);
            public static Sequential Sequential(params Module<Tensor, Tensor>[] modules) => new(modules);
            public static Sequential Sequential(params Tuple<string, Module<Tensor, Tensor>>[] modules) => Sequential((IEnumerable<Tuple<string, Module<Tensor, Tensor>>>)modules);
            public static Sequential Sequential(IEnumerable<(string name, Module<Tensor, Tensor> submodule)> modules) => new(modules.ToArray());
            public static Sequential Sequential(IEnumerable<Tuple<string, Module<Tensor, Tensor>>> modules) => new(modules.Select(m => (m.Item1, m.Item2)).ToArray());
            public static Sequential Sequential(IEnumerable<Module<Tensor, Tensor>> modules) => new(modules.ToArray());
        }
    }
}
