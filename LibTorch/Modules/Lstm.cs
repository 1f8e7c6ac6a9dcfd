using DaML.LibTorch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    namespace Modules
    {
        /// <summary>Long short-term memory (Hochreiter and Schmidhuber, 1997), gates in the order input, forget, cell, output.</summary>
        public sealed class LSTM : nn.Module<Tensor, (Tensor, Tensor)?, (Tensor, Tensor, Tensor)>
        {
            private readonly long _inputSize, _hiddenSize, _layers;
            private readonly bool _bias, _batchFirst, _bidirectional;
            private readonly double _dropout;

            internal LSTM(long inputSize, long hiddenSize, long numLayers, bool bias, bool batchFirst, double dropout, bool bidirectional, Device? device, ScalarType? dtype) : base(nameof(LSTM))
            {
                (_inputSize, _hiddenSize, _layers, _bias, _batchFirst, _dropout, _bidirectional) = (inputSize, hiddenSize, numLayers, bias, batchFirst, dropout, bidirectional);
                foreach (var (name, weight) in RecurrentWeights.Draw(4, inputSize, hiddenSize, numLayers, bias, bidirectional, device, dtype)) register_parameter(name, weight);
            }

            /// <summary>The output of every time, and the last hidden and cell states [layers directions, batch, hidden]; the initial ones are zero unless given.</summary>
            public override (Tensor, Tensor, Tensor) forward(Tensor input, (Tensor, Tensor)? h0_c0 = null)
            {
                RecurrentWeights.CheckInput(nameof(LSTM), input, _inputSize, _batchFirst);
                Tensor[] weights = [.. _internal_params.Values];
                if (h0_c0 is var (h0, c0)) return Run(input, h0, c0, weights);
                using var zero = zeros([_layers * (_bidirectional ? 2 : 1), input.shape[_batchFirst ? 0 : 1], _hiddenSize], dtype: input.dtype, device: input.device);
                return Run(input, zero, zero, weights);
            }

            private (Tensor, Tensor, Tensor) Run(Tensor input, Tensor h0, Tensor c0, Tensor[] weights) =>
                Ops.Call3("lstm.input", input, new[] { h0, c0 }, weights, _bias, _layers, _dropout, training, _bidirectional, _batchFirst);

            public new (Tensor, Tensor, Tensor) call(Tensor input, (Tensor, Tensor)? h0_c0 = null) => base.call(input, h0_c0);

            /// <summary>Does nothing here: the operator takes the weights as they are.</summary>
            public void flatten_parameters()
            {
            }
        }

        /// <summary>One time step of <see cref="LSTM"/>.</summary>
        public sealed class LSTMCell : nn.Module<Tensor, (Tensor, Tensor)?, (Tensor, Tensor)>
        {
            private readonly long _hiddenSize;

            internal LSTMCell(long inputSize, long hiddenSize, bool bias, Device? device, ScalarType? dtype) : base(nameof(LSTMCell))
            {
                _hiddenSize = hiddenSize;
                foreach (var (name, weight) in RecurrentWeights.Cell(4, inputSize, hiddenSize, bias, device, dtype)) register_parameter(name, weight);
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

            /// <summary>The next hidden and cell states [batch, hidden].</summary>
            public override (Tensor, Tensor) forward(Tensor input, (Tensor, Tensor)? h0_c0)
            {
                if (h0_c0 is var (h0, c0)) return Run(input, h0, c0);
                using var zero = zeros([.. input.shape[..^1], _hiddenSize], dtype: input.dtype, device: input.device);
                return Run(input, zero, zero);
            }

            private (Tensor, Tensor) Run(Tensor input, Tensor h0, Tensor c0) =>
                Ops.Call2("lstm_cell", input, new[] { h0, c0 }, weight_ih, weight_hh, bias_ih, bias_hh);

            public new (Tensor, Tensor) call(Tensor input, (Tensor, Tensor)? h0_c0 = null) => base.call(input, h0_c0);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static LSTM LSTM(long inputSize, long hiddenSize, long numLayers = 1, bool bias = true, bool batchFirst = false, double dropout = 0, bool bidirectional = false, Device? device = null, ScalarType? dtype = null) =>
                new(inputSize, hiddenSize, numLayers, bias, batchFirst, dropout, bidirectional, device, dtype);

            public static LSTMCell LSTMCell(long inputSize, long hiddenSize, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(inputSize, hiddenSize, bias, device, dtype);
        }
    }
}
