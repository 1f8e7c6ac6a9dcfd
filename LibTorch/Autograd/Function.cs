#pragma warning disable CS1591 // the names are TorchSharp's and PyTorch's, and are documented there

using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using DaML.LibTorch;

namespace TorchSharp;

public static partial class torch
{
    public static partial class autograd
    {
        /// <summary>What a custom function's forward pass keeps for its backward pass.</summary>
        public class AutogradContext : IDisposable
        {
            private readonly Dictionary<string, object> data = [];
            internal List<Tensor> ToSave = [];
            internal List<Tensor> Dirty = [];
            internal List<Tensor> NonDifferentiable = [];
            internal nint CurrentNode;   // the native node, while its backward pass runs

            internal AutogradContext() { }

            public bool MaterializeGrads { get; private set; } = true;

            public void save_for_backward(List<Tensor> tensors) => ToSave = tensors;
            public void mark_dirty(List<Tensor> tensors) => Dirty = [.. tensors];
            public void mark_non_differentiable(List<Tensor> tensors) => NonDifferentiable = [.. tensors];
            public void set_materialize_grads(bool value) => MaterializeGrads = value;
            public void save_data(string key, object value) => data[key] = value;
            public object get_data(string key) => data.TryGetValue(key, out var value) ? value : null!;

            public unsafe List<Tensor> get_saved_variables()
            {
                if (CurrentNode == 0) throw new InvalidOperationException("get_saved_variables is for the backward pass");
                var handles = new nint[Native.daml_node_saved_count(CurrentNode)];
                fixed (nint* p = handles) Throw.IfFailed(Native.daml_node_saved(CurrentNode, p));
                return [.. handles.Select(h => h == 0 ? null! : new Tensor(h))];
            }

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing) { }
        }

        /// <summary>A node of the graph with a backward pass written in C#.</summary>
        internal sealed unsafe class ManagedNode
        {
            private static readonly ConcurrentDictionary<long, ManagedNode> alive = new();
            private static long next;

            private readonly long id = Interlocked.Increment(ref next);
            private readonly string name;
            private readonly AutogradContext context;
            private readonly Func<AutogradContext, List<Tensor>, List<Tensor>> backward;
            private readonly bool[] isTensor;

            private ManagedNode(string name, AutogradContext context, Func<AutogradContext, List<Tensor>, List<Tensor>> backward, bool[] isTensor)
            {
                this.name = name;
                this.context = context;
                this.backward = backward;
                this.isTensor = isTensor;
            }

            internal static int AliveCount => alive.Count;

            internal static List<Tensor> Run(string name, object[] arguments, Func<AutogradContext, object[], List<Tensor>> forward,
                Func<AutogradContext, List<Tensor>, List<Tensor>> backward)
            {
                var context = new AutogradContext();
                var managed = new ManagedNode(name, context, backward, Array.ConvertAll(arguments, a => a is Tensor { IsInvalid: false }));
                var inputs = arguments.OfType<Tensor>().Where(t => !t.IsInvalid).ToArray();
                var inputHandles = Handles(inputs, "inputs");

                nint node;
                alive[managed.id] = managed;
                fixed (byte* label = Encoding.UTF8.GetBytes(name + "\0"))
                    if (Native.daml_node_create(label, managed.id, &Backward, &Release, &node) != 0)
                    {
                        alive.TryRemove(managed.id, out _);
                        Throw.Now(name);
                    }
                try
                {
                    int executable;
                    fixed (nint* p = inputHandles) Throw.IfFailed(Native.daml_node_inputs(node, p, inputHandles.Length, &executable));
                    List<Tensor> outputs;
                    using (no_grad()) outputs = forward(context, arguments);

                    var outputHandles = Handles(outputs, "outputs");
                    var saved = new nint[context.ToSave.Count];
                    for (var i = 0; i < saved.Length; i++) saved[i] = context.ToSave[i] is { } t ? t.Handle : 0;
                    var flags = outputs.Select(o =>
                        (context.NonDifferentiable.Any(t => t.Handle == o.Handle) ? 1 : 0) | (context.Dirty.Any(t => t.Handle == o.Handle) ? 2 : 0)).ToArray();
                    var results = new nint[outputHandles.Length];
                    int status;
                    fixed (nint* pi = inputHandles, po = outputHandles, ps = saved, pr = results)
                    fixed (int* pf = flags)
                        status = Native.daml_node_outputs(node, pi, inputHandles.Length, po, pf, outputHandles.Length, executable,
                            context.MaterializeGrads ? 1 : 0, ps, saved.Length, pr);
                    if (status != 0) Throw.Now(name, name);
                    GC.KeepAlive(outputs);
                    GC.KeepAlive(arguments);
                    return [.. results.Select(h => new Tensor(h))];
                }
                finally
                {
                    context.ToSave = [];
                    context.Dirty = [];
                    context.NonDifferentiable = [];
                    Native.daml_node_free(node);
                }
            }

            [UnmanagedCallersOnly]
            private static void Release(long id) => alive.TryRemove(id, out _);

            // grads are borrowed; the results pass into the hands of the caller
            [UnmanagedCallersOnly]
            private static long Backward(long id, nint node, nint* grads, int gradCount, nint* results, int resultCount)
            {
                try
                {
                    if (!alive.TryGetValue(id, out var managed)) throw new InvalidOperationException("the custom function's node is gone");
                    managed.Apply(node, new ReadOnlySpan<nint>(grads, gradCount), new Span<nint>(results, resultCount));
                    return 0;
                }
                catch (Exception e)
                {
                    return Throw.Carry(e);
                }
            }

            private void Apply(nint node, ReadOnlySpan<nint> grads, Span<nint> results)
            {
                using var scope = NewDisposeScope();
                var given = new List<Tensor>(grads.Length);
                foreach (var g in grads) given.Add(g == 0 ? null! : new Tensor(Native.daml_tensor_alias(g)));
                List<Tensor> computed;
                lock (context)
                {
                    context.CurrentNode = node;
                    try { computed = backward(context, given); }
                    finally { context.CurrentNode = 0; }
                }
                if (computed.Count > isTensor.Length && computed.Skip(isTensor.Length).All(t => t is null)) computed = computed.GetRange(0, isTensor.Length);
                if (computed.Count != isTensor.Length)
                    throw new InvalidOperationException($"Function {name} returned an incorrect number of gradients (expected {isTensor.Length}, got {computed.Count})");
                var k = 0;
                for (var i = 0; i < isTensor.Length; i++)
                {
                    if (isTensor[i])
                    {
                        if (k < results.Length) results[k++] = computed[i] is { } t ? Native.daml_tensor_alias(t.Handle) : 0;
                    }
                    else if (computed[i] is not null)
                        throw new InvalidOperationException($"Function {name} returned a gradient at position {i + 1}, but the forward argument there was no tensor");
                }
                GC.KeepAlive(computed);
            }
        }

        public abstract class Function<T> where T : Function<T>, new()
        {
            private static readonly Lazy<T> instance = new(() => new T());

            protected Function() { }

            internal static T Instance => instance.Value;

            public abstract string Name { get; }

            internal abstract List<Tensor> Forward(AutogradContext ctx, object[] vars);
            internal abstract List<Tensor> Backward(AutogradContext ctx, List<Tensor> grads);

            public static List<Tensor> apply_internal(params object[] vars) =>
                ManagedNode.Run(Instance.Name, vars, Instance.Forward, Instance.Backward);
        }

        /// <summary>A function of one output with a backward pass of its own.</summary>
        public abstract class SingleTensorFunction<T> : Function<T> where T : SingleTensorFunction<T>, new()
        {
            protected SingleTensorFunction() { }

            public abstract Tensor forward(AutogradContext ctx, params object[] vars);
            public abstract List<Tensor> backward(AutogradContext ctx, Tensor grad_output);

            public static Tensor apply(params object[] vars) => apply_internal(vars)[0];

            internal override List<Tensor> Forward(AutogradContext ctx, object[] vars) => [forward(ctx, vars)];
            internal override List<Tensor> Backward(AutogradContext ctx, List<Tensor> grads) => backward(ctx, grads[0]);
        }

        /// <summary>A function of several outputs with a backward pass of its own.</summary>
        public abstract class MultiTensorFunction<T> : Function<T> where T : MultiTensorFunction<T>, new()
        {
            protected MultiTensorFunction() { }

            public abstract List<Tensor> forward(AutogradContext ctx, params object[] vars);
            public abstract List<Tensor> backward(AutogradContext ctx, List<Tensor> grad_outputs);

            public static List<Tensor> apply(params object[] vars) => apply_internal(vars);

            internal override List<Tensor> Forward(AutogradContext ctx, object[] vars) => forward(ctx, vars);
            internal override List<Tensor> Backward(AutogradContext ctx, List<Tensor> grads) => backward(ctx, grads);
        }
    }
}
