using DaML.LibTorch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    namespace Modules
    {
        /// <summary>Gated recurrent unit (Cho et al., 2014), gates in the order reset, update, new.</summary>
        public sealed class GRU : nn.Module<Tensor, Tensor, (Tensor, Tensor)>
        {
            private readonly long _inputSize, _hiddenSize, _layers;
            private readonly bool _bias, _batchFirst, _bidirectional;
            private readonly double _dropout;

            internal GRU(long inputSize, long hiddenSize, long numLayers, bool bias, bool batchFirst, double dropout, bool bidirectional, Device? device, ScalarType? dtype) : base(nameof(GRU))
            {
                (_inputSize, _hiddenSize, _layers, _bias, _batchFirst, _dropout, _bidirectional) = (inputSize, hiddenSize, numLayers, bias, batchFirst, dropout, bidirectional);
                foreach (var (name, weight) in RecurrentWeights.Draw(3, inputSize, hiddenSize, numLayers, bias, bidirectional, device, dtype)) register_parameter(name, weight);
            }

            /// <summary>The output of every time, and the last hidden state [layers directions, batch, hidden]; the initial one is zero unless given.</summary>
            public override (Tensor, Tensor) forward(Tensor input, Tensor h0 = null!)
            {
                RecurrentWeights.CheckInput(nameof(GRU), input, _inputSize, _batchFirst);
                if (h0 is not null) return Run(input, h0);
                using var zero = zeros([_layers * (_bidirectional ? 2 : 1), input.shape[_batchFirst ? 0 : 1], _hiddenSize], dtype: input.dtype, device: input.device);
                return Run(input, zero);
            }

            private (Tensor, Tensor) Run(Tensor input, Tensor h0)
            {
                Tensor[] weights = [.. _internal_params.Values];
                return Ops.Call2("gru.input", input, h0, weights, _bias, _layers, _dropout, training, _bidirectional, _batchFirst);
            }

            public new (Tensor, Tensor) call(Tensor input, Tensor h0 = null!) => base.call(input, h0);

            /// <summary>Does nothing here: the operator takes the weights as they are.</summary>
            public void flatten_parameters()
            {
            }
        }

        /// <summary>One time step of <see cref="GRU"/>.</summary>
        public sealed class GRUCell : nn.Module<Tensor, Tensor, Tensor>
        {
            private readonly long _hiddenSize;

            internal GRUCell(long inputSize, long hiddenSize, bool bias, Device? device, ScalarType? dtype) : base(nameof(GRUCell))
            {
                _hiddenSize = hiddenSize;
                foreach (var (name, weight) in RecurrentWeights.Cell(3, inputSize, hiddenSize, bias, device, dtype)) register_parameter(name, weight);
            }

            public Parameter? bias_ih
            {
                get => get_parameter(nameof(bias_ih));
                set => ConditionallyRegisterParameter(nameof(bias_ih), Owned.Replace(bias_ih, value));
            }

            public Parameter? bias_hh
            {
                get => get_parameter(nameof(bias_hh));
                set => ConditionallyRegisterParameter(nameof(bias_hh), Owned.Replace(bias_hh, value));
            }

            public Parameter? weight_ih
            {
                get => get_parameter(nameof(weight_ih));
                set => ConditionallyRegisterParameter(nameof(weight_ih), Owned.Replace(weight_ih, value));
            }

            public Parameter? weight_hh
            {
                get => get_parameter(nameof(weight_hh));
                set => ConditionallyRegisterParameter(nameof(weight_hh), Owned.Replace(weight_hh, value));
            }

            /// <summary>The next hidden state [batch, hidden].</summary>
            public override Tensor forward(Tensor input, Tensor h0 = null!)
            {
                if (h0 is not null) return Run(input, h0);
                using var zero = zeros([.. input.shape[..^1], _hiddenSize], dtype: input.dtype, device: input.device);
                return Run(input, zero);
            }

            private Tensor Run(Tensor input, Tensor h0) => Ops.Call("gru_cell", input, h0, weight_ih, weight_hh, bias_ih, bias_hh);

            public new Tensor call(Tensor input, Tensor h0 = null!) => base.call(input, h0);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static GRU GRU(long inputSize, long hiddenSize, long numLayers = 1, bool bias = true, bool batchFirst = false, double dropout = 0, bool bidirectional = false, Device? device = null, ScalarType? dtype = null) =>
                new(inputSize, hiddenSize, numLayers, bias, batchFirst, dropout, bidirectional, device, dtype);

            public static GRUCell GRUCell(long inputSize, long hiddenSize, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(inputSize, hiddenSize, bias, device, dtype);
        }
    }
}
