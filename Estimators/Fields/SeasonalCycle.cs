using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The mean over the years as a function of the season: at each grid point a constant and harmonics of the year,
/// s(t) = a_0 + sum_k a_k cos(2 pi k t / T) + b_k sin(2 pi k t / T) (as compared with other estimates by
/// Narapusetty et al. 2009, J. Climate 22, 4845-4859).
/// </summary>
[Component("seasonal-cycle")]
public sealed class SeasonalCycle
{
    private readonly Tensor coefficients;

    /// <summary>Creates a seasonal cycle.</summary>
    /// <param name="coefficients">a_0, a_1, b_1, a_2, b_2, ... in rows, <c>[1 + 2 harmonics, n]</c>; copied.</param>
    /// <param name="period">T, the length of the year in the view's unit of time.</param>
    /// <exception cref="ArgumentException">The number of rows is even, or values are non-finite.</exception>
    public SeasonalCycle(Tensor coefficients, double period)
    {
        if (coefficients.ndim != 2 || coefficients.size(0) % 2 == 0)
            throw new ArgumentException(
                $"The coefficients of a seasonal cycle must be [1 + 2 harmonics, n]; given: " +
                    $"{coefficients.DescribeSizes()}.", nameof(coefficients));
        Require.Finite(coefficients, "The coefficients of a seasonal cycle");
        this.coefficients = coefficients.detach().clone().contiguous().DetachFromDisposeScope();
        Period = Require.Positive(period);
    }

    /// <summary>The length of the year in the view's unit of time.</summary>
    public double Period { get; }

    /// <summary>The number of harmonics.</summary>
    public long Harmonics => (coefficients.size(0) - 1) / 2;

    /// <summary>The number of grid points n.</summary>
    public long Dimension => coefficients.size(1);

    /// <summary>a_0, a_1, b_1, ... in rows, <c>[1 + 2 harmonics, n]</c>; it belongs to the cycle.</summary>
    public Tensor Coefficients => coefficients;

    /// <summary>Computes the seasonal mean at a time, <c>[n]</c>.</summary>
    public Tensor At(double time, ScalarType dtype, Device device)
    {
        using var scope = NewDisposeScope();
        var basis = tensor(Basis(time, Period, Harmonics), dtype: coefficients.dtype, device: coefficients.device);
        return matmul(basis, coefficients).to(dtype, device).MoveToOuterDisposeScope();
    }

    /// <summary>1, cos, sin, cos of twice the phase, ...: the functions that the coefficients belong to.</summary>
    internal static double[] Basis(double time, double period, long harmonics)
    {
        var basis = new double[1 + 2 * harmonics];
        basis[0] = 1;
        for (int k = 1; k <= harmonics; k++) (basis[2 * k], basis[2 * k - 1]) = Math.SinCos(2 * Math.PI * k * (time / period));
        return basis;
    }
}
