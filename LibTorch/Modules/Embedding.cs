using DaML.LibTorch;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    namespace Modules
    {
        /// <summary>A table of vectors [entries, dimension], looked up by index.</summary>
        public sealed class Embedding : nn.Module<Tensor, Tensor>
        {
            private readonly long _padding;
            private readonly double? _maxNorm;
            private readonly double _normType;
            private readonly bool _scaleByFrequency, _sparse;

            [ComponentName(Name = nameof(weight))]
            private Parameter? _weight;

            internal Embedding(Parameter weight, long? padding, double? maxNorm, double normType, bool scaleByFrequency, bool sparse) : base(nameof(Embedding))
            {
                if (padding is { } p && (p < -weight.shape[0] || p >= weight.shape[0])) throw new ArgumentException($"padding_idx {p} is not within the {weight.shape[0]} entries.");
                _padding = padding switch { null => -1, < 0 => padding.Value + weight.shape[0], _ => padding.Value };
                (_maxNorm, _normType, _scaleByFrequency, _sparse) = (maxNorm, normType, scaleByFrequency, sparse);
                this.weight = weight;
            }

            public Parameter? weight
            {
                get => _weight;
                set => ConditionallyRegisterParameter(nameof(weight), _weight = Owned.Replace(_weight, value));
            }

            public override Tensor forward(Tensor input)
            {
                if (_maxNorm is { } bound)
                {
                    using var unrecorded = no_grad();
                    using var _ = Ops.Call("embedding_renorm_", _weight, input, bound, _normType);
                }
                return Ops.Call("embedding", _weight, input, _padding, _scaleByFrequency, _sparse);
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Embedding Embedding(long num_embeddings, long embedding_dims, long? padding_idx = null, double? max_norm = null, double norm_type = 2, bool scale_grad_by_freq = false, bool sparse = false, Device? device = null, ScalarType? dtype = null)
            {
                var weight = Parameter(empty([num_embeddings, embedding_dims], dtype: dtype, device: device));
                init.normal_(weight);
                var layer = new Embedding(weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse);
                if (padding_idx is not { } p) return layer;
                using var unrecorded = no_grad();
                using var row = weight.select(0, p);
                using var zeroed = row.zero_();
                return layer;
            }

            public static Embedding Embedding_from_pretrained(Tensor embeddings, bool freeze = true, long? padding_idx = null, double? max_norm = null, double norm_type = 2, bool scale_grad_by_freq = false, bool sparse = false, Device? device = null, ScalarType? dtype = null) =>
                new(Parameter(embeddings.detach().to(dtype ?? embeddings.dtype, device ?? embeddings.device), !freeze), padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse);
        }
    }
}
