using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Compares convolutions of single precision, and their gradients, with sums in double precision that no library computes.
/// </summary>
internal static class ConvolutionCheck
{
    /// <summary>
    /// The largest error of a result, relative to its norm. Single precision gives 1e-6, and the coarsest arithmetic that a user may
    /// choose for convolutions (bfloat16) some 4e-3; the fault that this check looks for gave 0.3 to 1, or NaN.
    /// </summary>
    public const double Tolerance = 0.02;

    private const int Batch = 2;

    // Together they have channel counts that the vector lengths 4, 8 and 16 divide and do not divide.
    private static readonly Shape[] shapes = [new(12, 12, 1, 8, 1, 3), new(40, 40, 1, 8, 1, 5), new(3, 2, 1, 8, 1, 5),
        new(16, 1, 1, 8, 1, 5), new(12, 12, 4, 4, 3, 3)];

    /// <summary>Describes the first result whose error is above the tolerance; null if all are right.</summary>
    /// <param name="convolve">
    /// Convolves a field <c>[batch, from, sites]</c> or <c>[batch, from, rows, columns]</c> with weights <c>[to, from, kernel...]</c> and
    /// zero padding.
    /// </param>
    public static string? Fault(Func<Tensor, Tensor, Tensor> convolve)
    {
        using var scope = NewDisposeScope();
        using var gradients = inference_mode(false);   // which turns gradients on, whatever the caller has turned off
        foreach (var shape in shapes)
        {
            float[] field = Numbers(Batch * shape.From * shape.Sites), weight = Numbers(shape.To * shape.From * shape.Kernel),
                sensitivity = Numbers(Batch * shape.To * shape.Sites);
            Tensor input = shape.Tensor(field, Batch, shape.From, ofKernel: false).requires_grad_(),
                kernel = shape.Tensor(weight, shape.To, shape.From, ofKernel: true).requires_grad_();
            var output = convolve(input, kernel);
            var found = autograd.grad([output], [input, kernel], [shape.Tensor(sensitivity, Batch, shape.To, ofKernel: false)]);
            var exact = shape.Exact(field, weight, sensitivity);
            foreach (var (name, single,
                reference) in new[]
                    { ("output", output, exact.Output), ("input gradient", found[0], exact.Input),
                        ("weight gradient", found[1], exact.Weight) })
            {
                double off = Distance(single.detach().contiguous().data<float>().ToArray(), reference);
                if (!(off <= Tolerance))
                    return $"the {name} of {shape} is {(double.IsFinite(off) ? $"off by {100 * off:f0} % of its norm" : "not finite")}";
            }
        }
        return null;
    }

    /// <summary>libtorch's own convolution.</summary>
    /// <param name="field"><c>[batch, from, sites]</c> or <c>[batch, from, rows, columns]</c></param>
    /// <param name="weight"><c>[to, from, kernel]</c>, or with two dimensions of the kernel.</param>
    public static Tensor Convolve(Tensor field, Tensor weight)
    {
        long reach = weight.size(2) / 2;
        return weight.ndim == 3 ? nn.functional.conv1d(field, weight, padding: reach)
            : nn.functional.conv2d(field, weight, padding: [reach, reach]);
    }

    private static double Distance(float[] values, double[] exact)
    {
        double difference = 0, norm = 0;
        for (int i = 0; i < exact.Length; i++)
        {
            difference += (values[i] - exact[i]) * (values[i] - exact[i]);
            norm += exact[i] * exact[i];
        }
        return Math.Sqrt(difference / norm);
    }

    // Always the same numbers of both signs. They do not come from libtorch's generator, whose state belongs to the user.
    private static float[] Numbers(int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ => 2 * random.NextSingle() - 1)];
    }

    /// <summary>A convolution: channels, rows and columns of the field and of the kernel; one row is a convolution along a line.</summary>
    private sealed record Shape(int From, int To, int Rows, int Columns, int KernelRows, int KernelColumns)
    {
        public int Sites => Rows * Columns;
        public int Kernel => KernelRows * KernelColumns;

        public Tensor Tensor(float[] values, long first, long second, bool ofKernel)
        {
            var (rows, columns) = ofKernel ? (KernelRows, KernelColumns) : (Rows, Columns);
            return tensor(values, Rows == 1 ? [first, second, columns] : [first, second, rows, columns], ScalarType.Float32, CPU);
        }

        // y += w x over all pairs of an output and an input that a weight joins; the transposes are the gradients.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public (double[] Output, double[] Input, double[] Weight) Exact(float[] field, float[] weight, float[] sensitivity)
        {
            double[] output = new double[sensitivity.Length], inputGradient = new double[field.Length],
                weightGradient = new double[weight.Length];
            for (int b = 0; b < Batch; b++)
            for (int o = 0; o < To; o++)
            for (int i = 0; i < From; i++)
            for (int r = 0; r < Rows; r++)
            for (int c = 0; c < Columns; c++)
            for (int k = 0; k < Kernel; k++)
            {
                int row = r + k / KernelColumns - KernelRows / 2, column = c + k % KernelColumns - KernelColumns / 2;
                if (row < 0 || row >= Rows || column < 0 || column >= Columns) continue;
                int y = ((b * To + o) * Rows + r) * Columns + c, x = ((b * From + i) * Rows + row) * Columns + column,
                    w = (o * From + i) * Kernel + k;
                output[y] += (double)weight[w] * field[x];
                inputGradient[x] += (double)weight[w] * sensitivity[y];
                weightGradient[w] += (double)sensitivity[y] * field[x];
            }
            return (output, inputGradient, weightGradient);
        }

        public override string ToString() => $"conv{(Rows == 1 ? 1 : 2)}d from {From} to {To} channels with a kernel of {KernelColumns}";
    }
}
