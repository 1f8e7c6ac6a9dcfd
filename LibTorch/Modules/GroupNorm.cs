using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    namespace Modules
    {
        /// <summary>Normalisation over groups of channels of each sample by itself (Wu and He, 2018).</summary>
        public sealed class GroupNorm : nn.Module<Tensor, Tensor>
        {
            [ComponentName(Name = nameof(weight))]
            private Parameter? _weight;

            [ComponentName(Name = nameof(bias))]
            private Parameter? _bias;

            internal GroupNorm(long num_groups, long num_channels, double eps, bool affine, Device? device, ScalarType? dtype) : base(nameof(GroupNorm))
            {
                if (num_groups < 1 || num_channels % num_groups != 0) throw new ArgumentException($"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})");
                (this.num_groups, this.eps, this.affine) = (num_groups, eps, affine);
                if (!affine) return;
                weight = nn.Parameter(ones([num_channels], dtype: dtype, device: device));
                bias = nn.Parameter(zeros([num_channels], dtype: dtype, device: device));
            }

            public Parameter? bias
            {
                get => _bias;
                set => ConditionallyRegisterParameter(nameof(bias), _bias = Owned.Replace(_bias, value));
            }

            public Parameter weight
            {
                get => _weight!;
                set => ConditionallyRegisterParameter(nameof(weight), _weight = Owned.Replace(_weight, value));
            }

            public long num_groups { get; set; }
            public double eps { get; set; }
            public bool affine { get; set; }

            public override Tensor forward(Tensor tensor) => nn.functional.group_norm(tensor, num_groups, _weight, _bias, eps);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static GroupNorm GroupNorm(long num_groups, long num_channels, double eps = 1e-5, bool affine = true, Device? device = null, ScalarType? dtype = null) =>
                new(num_groups, num_channels, eps, affine, device, dtype);
        }
    }
}
