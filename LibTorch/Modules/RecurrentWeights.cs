using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>The weights of a recurrent network, under PyTorch's names and in the order its operators want.</summary>
internal static class RecurrentWeights
{
    /// <summary>For each layer and direction: weight_ih [gates hidden, input], weight_hh [gates hidden, hidden], and the two biases; all from U(-1/sqrt(hidden), 1/sqrt(hidden)).</summary>
    internal static IEnumerable<(string Name, Parameter Weight)> Draw(int gates, long input, long hidden, long layers, bool bias, bool bidirectional, Device? device, ScalarType? dtype)
    {
        var directions = bidirectional ? 2 : 1;
        for (var layer = 0L; layer < layers; layer++)
        {
            for (var direction = 0; direction < directions; direction++)
            {
                var suffix = $"_l{layer}" + (direction == 1 ? "_reverse" : "");
                foreach (var (name, weight) in Cell(gates, layer == 0 ? input : hidden * directions, hidden, bias, device, dtype)) yield return (name + suffix, weight);
            }
        }
    }

    internal static IEnumerable<(string Name, Parameter Weight)> Cell(int gates, long input, long hidden, bool bias, Device? device, ScalarType? dtype)
    {
        if (input < 1 || hidden < 1) throw new ArgumentException($"A recurrent network needs positive sizes, was given input {input} and hidden {hidden}.");
        var bound = 1 / Math.Sqrt(hidden);

        Parameter Uniform(params long[] shape)
        {
            var p = nn.Parameter(empty(shape, dtype: dtype, device: device));
            p.DetachFromDisposeScope();
            nn.init.uniform_(p, -bound, bound);
            return p;
        }

        yield return ("weight_ih", Uniform(gates * hidden, input));
        yield return ("weight_hh", Uniform(gates * hidden, hidden));
        if (!bias) yield break;
        yield return ("bias_ih", Uniform(gates * hidden));
        yield return ("bias_hh", Uniform(gates * hidden));
    }

    internal static void CheckInput(string layer, Tensor input, long inputSize, bool batchFirst)
    {
        var shape = input.shape;
        if (shape.Length == 3 && shape[2] == inputSize) return;
        throw new ArgumentException(
            $"{layer} needs {(batchFirst ? "[batch, time, " : "[time, batch, ")}{inputSize}], was given [{string.Join(", ", shape)}].");
    }
}
