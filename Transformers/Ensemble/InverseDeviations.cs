using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The diagonal of R^(-1/2) as plain numbers, for kernels; computed once for each covariance.</summary>
internal static class InverseDeviations
{
    private static readonly ConditionalWeakTable<IErrorCovariance, double[]> Known = [];

    /// <summary>1 / sigma of each component, <c>[p]</c>, or null if R is not known to be diagonal.</summary>
    public static double[]? Of(IErrorCovariance error) =>
        error is ScalarErrorCovariance or DiagonalErrorCovariance ? Known.GetValue(error, Compute) : null;

    private static double[] Compute(IErrorCovariance error)
    {
        if (error is ScalarErrorCovariance scalar)
        {
            var same = new double[scalar.Dimension];
            Array.Fill(same, 1 / Math.Sqrt(scalar.Variance));
            return same;
        }
        using var variances = ((DiagonalErrorCovariance)error).Variances.to(ScalarType.Float64, CPU);
        return [.. variances.ToArray<double>().Select(variance => 1 / Math.Sqrt(variance))];
    }
}
