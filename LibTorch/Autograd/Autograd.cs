#pragma warning disable CS1591 // the names are TorchSharp's and PyTorch's, and are documented there

using DaML.LibTorch;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Reverse-mode differentiation.</summary>
    public static partial class autograd
    {
        internal static nint[] Handles(IList<Tensor>? tensors, string name)
        {
            if (tensors is null) return [];
            var handles = new nint[tensors.Count];
            for (var i = 0; i < handles.Length; i++)
                handles[i] = (tensors[i] ?? throw new ArgumentNullException($"{name}[{i}]")).Handle;
            return handles;
        }

        private static nint[] OptionalHandles(IList<Tensor>? tensors)
        {
            if (tensors is null) return [];
            var handles = new nint[tensors.Count];
            for (var i = 0; i < handles.Length; i++) handles[i] = tensors[i] is { } t ? t.Handle : 0;
            return handles;
        }

        private static string Shapes(IList<Tensor>? tensors) =>
            tensors is null ? "none" : $"[{string.Join(", ", tensors.Select(t => t is null ? "none" : t.Describe()))}]";

        public static unsafe void backward(IList<Tensor> tensors, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null)
        {
            nint[] t = Handles(tensors, nameof(tensors)), g = OptionalHandles(grad_tensors), i = Handles(inputs, nameof(inputs));
            int status;
            fixed (nint* pt = t, pg = g, pi = i)
                status = Native.daml_backward(pt, t.Length, pg, g.Length, retain_graph ?? create_graph ? 1 : 0, create_graph ? 1 : 0, pi, i.Length);
            if (status != 0) Throw.Now($"backward({Shapes(tensors)}, {Shapes(grad_tensors)})", "backward");
            GC.KeepAlive(tensors);
            GC.KeepAlive(grad_tensors);
            GC.KeepAlive(inputs);
        }

        public static void backward(Tensor tensor, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static void backward(Tensor tensor, Tensor grad_tensor, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], [grad_tensor], retain_graph, create_graph, inputs);

        /// <summary>An unused input's gradient is null where <paramref name="allow_unused"/> is set, an error where not.</summary>
        public static unsafe IList<Tensor> grad(IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor>? grad_outputs = null, bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            nint[] o = Handles(outputs, nameof(outputs)), i = Handles(inputs, nameof(inputs)), g = OptionalHandles(grad_outputs);
            var results = new nint[i.Length];
            int status;
            fixed (nint* po = o, pi = i, pg = g, pr = results)
                status = Native.daml_grad(po, o.Length, pi, i.Length, pg, g.Length, retain_graph || create_graph ? 1 : 0, create_graph ? 1 : 0, allow_unused ? 1 : 0, pr);
            if (status != 0) Throw.Now($"grad({Shapes(outputs)}, {Shapes(inputs)}, {Shapes(grad_outputs)})", "grad");
            GC.KeepAlive(outputs);
            GC.KeepAlive(inputs);
            GC.KeepAlive(grad_outputs);
            return Array.ConvertAll(results, h => h == 0 ? null! : new Tensor(h));
        }

        /// <summary>While it lives, a backward pass that meets a NaN says which operator made it.</summary>
        public sealed class AnomalyMode : IDisposable
        {
            private readonly bool enabled = Native.daml_anomaly_mode() != 0;
            private readonly bool checkNan = Native.daml_anomaly_check_nan() != 0;
            private bool done;

            internal AnomalyMode(bool enabled, bool check_nan) => Native.daml_set_anomaly_mode(enabled ? 1 : 0, check_nan ? 1 : 0);

            public void Dispose()
            {
                if (done) return;
                done = true;
                Native.daml_set_anomaly_mode(enabled ? 1 : 0, checkNan ? 1 : 0);
            }
        }

        public static AnomalyMode detect_anomaly(bool check_nan = true) => new(true, check_nan);
        public static AnomalyMode set_detect_anomaly(bool mode, bool check_nan = true) => new(mode, check_nan);

        /// <summary>Jacobians row by row, one backward pass for each element of the output.</summary>
        public static partial class functional
        {
            public static Tensor jacobian(Func<Tensor, Tensor> function, Tensor inputs) => All(x => [function(x[0])], [inputs]).Single();

            public static IEnumerable<Tensor> jacobian(Func<Tensor, Tensor[]> function, Tensor inputs) => All(x => function(x[0]), [inputs]);

            public static IEnumerable<Tensor> jacobian(Func<Tensor[], Tensor> function, params Tensor[] inputs) => All(x => [function(x)], inputs);

            public static IEnumerable<Tensor> jacobian(Func<Tensor[], Tensor[]> function, params Tensor[] inputs) => All(function, inputs);

            // For each output and, within it, each input: a tensor of shape [output shape, input shape].
            private static Tensor[] All(Func<Tensor[], Tensor[]> function, Tensor[] inputs)
            {
                using var scope = NewDisposeScope();
                using var mode = enable_grad();
                var x = Array.ConvertAll(inputs, t => t.detach().clone().requires_grad_());
                var y = function(x);
                var jacobians = new List<Tensor>();
                foreach (var output in y)
                {
                    var rows = Array.ConvertAll(inputs, _ => new List<Tensor>());
                    using var flat = output.reshape(-1);
                    for (var r = 0L; r < flat.numel(); r++)
                    {
                        var g = output.requires_grad ? grad([flat[r]], x, retain_graph: true, allow_unused: true) : new Tensor[x.Length];
                        for (var k = 0; k < x.Length; k++) rows[k].Add(g[k] ?? zeros_like(inputs[k]));
                    }
                    for (var k = 0; k < x.Length; k++)
                    {
                        long[] shape = [.. output.shape, .. inputs[k].shape];
                        jacobians.Add(rows[k].Count == 0
                            ? zeros(shape, inputs[k].dtype, inputs[k].device)
                            : stack(rows[k]).reshape(shape).detach());
                    }
                }
                foreach (var j in jacobians) j.MoveToOuterDisposeScope();
                return [.. jacobians];
            }
        }
    }

    public partial class Tensor
    {
        public void backward() => autograd.backward([this]);

        public void backward(IList<Tensor>? grad_tensors = null, bool retain_graph = false, bool create_graph = false, IList<Tensor>? inputs = null) =>
            autograd.backward([this], grad_tensors, retain_graph || create_graph, create_graph, inputs);
    }
}
