using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A network that is computed in one piece on the CPU, forward and backward, without tensor operators.</summary>
internal interface IFusedNetwork
{
    /// <summary>The instruction set in use.</summary>
    string Instructions { get; }

    /// <summary>Computes the result.</summary>
    /// <param name="input">The input, contiguous.</param>
    /// <param name="parameters">The parameters in the network's order, contiguous; they do not change before
    /// <see cref="Backward"/>.</param>
    /// <returns>The result, and what the backward pass needs.</returns>
    (Tensor Result, Tape Tape) Forward(Tensor input, IReadOnlyList<Tensor> parameters);

    /// <summary>Computes the sensitivities of the input, null if it is not wanted, and of the parameters.</summary>
    /// <param name="tape">The tape of the forward pass; it is released.</param>
    /// <param name="sensitivity">The sensitivity of the result, contiguous.</param>
    /// <param name="parameters">The parameters as in the forward pass.</param>
    /// <param name="wantsInput">Whether that of the input is wanted.</param>
    (Tensor? Input, Tensor[] Parameters) Backward(Tape tape, Tensor sensitivity, IReadOnlyList<Tensor> parameters, bool wantsInput);
}
