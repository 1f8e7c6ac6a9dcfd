using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Starts from smooth fields on a circle: sums of sine curves with random amplitudes and phases, each field of mean zero and scaled to a
/// given variance over its sites (as in the linear advection experiments of Evensen 2009 and of Sakov and Oke 2008, Mon. Weather Rev.
/// 136, 1042-1053, with wave numbers up to 25 and variance 1).
/// </summary>
[Component("sinusoidal-initial-condition")]
public sealed class SinusoidalInitialCondition : IInitialCondition
{
    private readonly ConstantTensor angles;

    /// <summary>Creates a distribution.</summary>
    /// <param name="dimension">Number of sites n, at least 3.</param>
    /// <param name="waves">
    /// The largest wave number, at least 1 and below n / 2; default: null, 25 or as many as the sites can resolve.
    /// </param>
    /// <param name="variance">The mean square of every field.</param>
    public SinusoidalInitialCondition(long dimension, long? waves = null, double variance = 1)
    {
        Dimension = Require.AtLeast(dimension, 3);
        Waves = Require.AtLeast(waves ?? Math.Min(25, (dimension - 1) / 2), 1, nameof(waves));
        if (2 * Waves >= dimension)
            throw new ArgumentOutOfRangeException(nameof(waves), Waves,
                $"{dimension} sites resolve wave numbers up to {(dimension - 1) / 2}; given: {Waves}.");
        Variance = Require.Positive(variance);
        using var scope = NewDisposeScope();
        var site = arange(0, dimension, dtype: ScalarType.Float64);
        var wave = arange(1, Waves + 1, dtype: ScalarType.Float64);
        angles = new ConstantTensor(outer(wave, site) * (2 * Math.PI / dimension));
    }

    /// <inheritdoc/>
    public long Dimension { get; }

    /// <summary>The largest wave number.</summary>
    public long Waves { get; }

    /// <summary>The mean square of every field.</summary>
    public double Variance { get; }

    /// <inheritdoc/>
    public Tensor Draw(long count, RandomStream random, ScalarType dtype)
    {
        Require.AtLeast(count, 1);
        using var scope = NewDisposeScope();
        // sum_k a_k sin(2 pi (k i / n + phi_k)), a_k and phi_k uniform on [0, 1)
        var amplitude = random.Uniform([count, 1, Waves], ScalarType.Float64);
        var phase = 2 * Math.PI * random.Uniform([count, Waves, 1], ScalarType.Float64);
        var fields = matmul(amplitude, (angles.On(ScalarType.Float64, random.Device) + phase).sin()).squeeze(1);
        return (fields * (Variance / fields.square().mean([-1], keepdim: true)).sqrt()).to_type(dtype).MoveToOuterDisposeScope();
    }
}
