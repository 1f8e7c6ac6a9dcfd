using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Draws, freezes, copies and restores the weights of a network.</summary>
public static class ModuleState
{
    /// <summary>Draws every weight anew, uniformly within 1 / sqrt(inputs of a neuron): the usual start of linear and
    /// convolution layers (LeCun et al. 1998), from a named stream instead of libtorch's global generator. Layers whose
    /// weight is a vector (normalisations) keep their ones and zeros.</summary>
    /// <param name="network">The network.</param>
    /// <param name="random">Where the weights are drawn from.</param>
    public static void DrawWeights(nn.Module network, RandomStream random)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        foreach (var layer in network.modules())
        {
            var own = layer.named_parameters(recurse: false).ToDictionary(pair => pair.name, pair => pair.parameter);
            if (!own.TryGetValue("weight", out var weight) || weight.ndim < 2) continue;
            double bound = 1 / Math.Sqrt(weight.numel() / weight.size(0));
            foreach (var parameter in own.Values)
                parameter.copy_(random.Uniform(parameter.Sizes(), parameter.dtype) * (2 * bound) - bound);
        }
    }

    /// <summary>
    /// Readies a trained network for use, by several threads too: evaluation mode, no gradients for its weights, tensors in no dispose
    /// scope.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <exception cref="WrongConvolutionException">It has convolutions, and libtorch's are wrong on this processor.</exception>
    public static void Freeze(nn.Module network)
    {
        RequireRightConvolutions(network);
        ModuleTensors.Keep(network);
        network.eval();
        foreach (var parameter in network.parameters()) parameter.requires_grad_(false);
    }

    /// <summary>Readies a network for optimiser steps.</summary>
    /// <param name="network">The network.</param>
    /// <param name="keepsNormalisation">Whether its batch normalisations keep their statistics.</param>
    /// <exception cref="WrongConvolutionException">It has convolutions, and libtorch's are wrong on this processor.</exception>
    internal static void Train(nn.Module network, bool keepsNormalisation)
    {
        RequireRightConvolutions(network);
        network.train();
        if (!keepsNormalisation) return;
        foreach (var layer in network.modules())
            if (layer is BatchNorm) layer.eval();
    }

    /// <summary>
    /// Refuses a network of the user's that convolves on a processor on which libtorch does so wrongly. A weight of three dimensions or
    /// more may be a convolution's. <see cref="GridConvolution"/> asks for itself, where it is not fused.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <exception cref="WrongConvolutionException">It has convolutions, and they are wrong.</exception>
    internal static void RequireRightConvolutions(nn.Module network)
    {
        if (network.modules().Any(layer => layer is not GridConvolution && layer.parameters(recurse: false).Any(MayConvolve)))
            ConvolutionGuard.Check();

        static bool MayConvolve(Tensor weight) =>
            weight.ndim >= 3 && weight.device_type == DeviceType.CPU && weight.dtype != ScalarType.Float64;
    }

    /// <summary>The precision of a network: that of its weights, or another if it has none.</summary>
    internal static ScalarType PrecisionOf(nn.Module network, ScalarType otherwise) =>
        network.parameters().Select(parameter => parameter.dtype).FirstOrDefault(otherwise);

    /// <summary>A network with the parameters and buffers of another of the same architecture.</summary>
    internal static TNetwork WithWeightsOf<TNetwork>(this TNetwork network, TNetwork other) where TNetwork : nn.Module
    {
        Restore(network, other.state_dict());
        return network;
    }

    /// <summary>Copies of all parameters and persistent buffers, in no dispose scope.</summary>
    internal static Dictionary<string, Tensor> Copy(nn.Module network)
    {
        using var noGradients = no_grad();
        return network.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.detach().clone().DetachFromDisposeScope());
    }

    /// <summary>Overwrites the network's parameters and buffers with copies.</summary>
    internal static void Restore(nn.Module network, IReadOnlyDictionary<string, Tensor> copies) =>
        ModuleTensors.Assign(network, name => copies[name]);

    internal static void Release(IReadOnlyDictionary<string, Tensor>? copies)
    {
        if (copies is null) return;
        foreach (var tensor in copies.Values) tensor.Dispose();
    }
}
