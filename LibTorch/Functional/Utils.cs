using TorchSharp.Modules;

namespace TorchSharp;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Helpers for training: clipping of gradients, parameters as one vector.</summary>
        public static partial class utils
        {
            /// <summary>Scales all gradients by one factor so that their joint norm does not exceed <paramref name="max_norm"/>. The norm before that.</summary>
            public static double clip_grad_norm_(IEnumerable<Parameter> tensors, double max_norm, double norm_type = 2)
            {
                using var scope = NewDisposeScope();
                using var unrecorded = no_grad();
                var grads = new List<Tensor>();
                foreach (var p in tensors)
                {
                    if (p.grad is { } g) grads.Add(g.detach());
                }
                if (grads.Count == 0) return 0;
                var total = Gradients.Norm(grads, norm_type);
                // The small number keeps a zero norm from dividing, as in PyTorch.
                var factor = max_norm / (total + 1e-6);
                if (factor < 1)
                {
                    foreach (var g in grads) g.mul_(factor);
                }
                return total;
            }

            /// <summary>Bounds every entry of every gradient to ±<paramref name="clip_value"/>.</summary>
            public static void clip_grad_value_(IEnumerable<Parameter> tensors, double clip_value)
            {
                using var scope = NewDisposeScope();
                using var unrecorded = no_grad();
                foreach (var p in tensors) p.grad?.detach().clamp_(-clip_value, clip_value);
            }

            /// <summary>All parameters, flattened, one after the other.</summary>
            public static Tensor parameters_to_vector(IEnumerable<Parameter> tensors)
            {
                using var scope = NewDisposeScope();
                return cat(tensors.Select(p => p.reshape(-1)).ToArray()).MoveToOuterDisposeScope();
            }

            /// <summary>Writes the entries of <paramref name="vec"/> into the parameters, in their order.</summary>
            public static void vector_to_parameters(Tensor vec, IEnumerable<Parameter> tensors)
            {
                using var scope = NewDisposeScope();
                using var unrecorded = no_grad();
                var list = tensors.ToList();
                var needed = list.Sum(p => p.numel());
                if (vec.dim() != 1 || vec.numel() != needed)
                {
                    throw new ArgumentException($"vector_to_parameters: the vector has shape [{string.Join(", ", vec.shape)}], the parameters hold {needed} entries.");
                }
                var at = 0L;
                foreach (var p in list)
                {
                    p.copy_(vec.narrow(0, at, p.numel()).view(p.shape));
                    at += p.numel();
                }
            }
        }
    }
}
