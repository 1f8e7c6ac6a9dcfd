using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    namespace Modules
    {
        /// <summary>y = x A' + b over the last dimension; the weight is [out, in].</summary>
        public sealed class Linear : nn.Module<Tensor, Tensor>
        {
            [ComponentName(Name = nameof(weight))]
            private Parameter _weight = null!;

            [ComponentName(Name = nameof(bias))]
            private Parameter? _bias;

            internal Linear(Parameter weight, Parameter? bias) : base(nameof(Linear))
            {
                (out_features, in_features) = (weight.shape[0], weight.shape[1]);
                this.weight = weight;
                this.bias = bias;
            }

            internal Linear(long inputSize, long outputSize, bool hasBias, Device? device, ScalarType? dtype) : base(nameof(Linear))
            {
                (in_features, out_features) = (inputSize, outputSize);
                weight = nn.Parameter(empty([outputSize, inputSize], dtype: dtype, device: device));
                if (hasBias) bias = nn.Parameter(empty([outputSize], dtype: dtype, device: device));
                DefaultWeights.Draw(_weight, _bias);
            }

            public Parameter? bias
            {
                get => _bias;
                set => ConditionallyRegisterParameter(nameof(bias), _bias = Owned.Replace(_bias, value));
            }

            public Parameter weight
            {
                get => _weight;
                set => ConditionallyRegisterParameter(nameof(weight), _weight = Owned.Replace(_weight, value)!);
            }

            public long in_features { get; set; }
            public long out_features { get; set; }

            public override Tensor forward(Tensor tensor) => nn.functional.linear(tensor, _weight, _bias);
        }

        /// <summary>What lies in a layer's property: it belongs to the layer, not to a dispose scope.</summary>
        internal static class Owned
        {
            internal static T? Replace<T>(T? old, T? value) where T : Tensor
            {
                if (ReferenceEquals(old, value)) return value;
                old?.Dispose();
                value?.DetachFromDisposeScope();
                return value;
            }
        }

        /// <summary>PyTorch's initial values of linear layers and convolutions: U(-1/sqrt(fan in), 1/sqrt(fan in)) for both.</summary>
        internal static class DefaultWeights
        {
            internal static void Draw(Parameter weight, Parameter? bias)
            {
                nn.init.kaiming_uniform_(weight, Math.Sqrt(5));
                if (bias is null) return;
                var (fanIn, _) = nn.init.CalculateFanInAndFanOut(weight);
                if (fanIn == 0) return;
                var bound = 1 / Math.Sqrt(fanIn);
                nn.init.uniform_(bias, -bound, bound);
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Linear Linear(long inputSize, long outputSize, bool hasBias = true, Device? device = null, ScalarType? dtype = null) =>
                new(inputSize, outputSize, hasBias, device, dtype);

            public static Linear Linear(Parameter weight, Parameter? bias = null) => new(weight, bias);
        }
    }
}
