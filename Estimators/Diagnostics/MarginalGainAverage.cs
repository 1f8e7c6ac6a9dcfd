using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Sums of the regression's two moments, moved along the circle to one site, in successive parts of a trajectory; the memory does not
/// grow with its length.
/// </summary>
internal sealed class MarginalGainAverage
{
    private const int MostParts = 16;

    private readonly long site, total;
    private readonly int parts;
    private readonly Tensor cross, square;    // [parts, n, n]

    /// <summary>Makes empty sums.</summary>
    /// <param name="n">The number of sites.</param>
    /// <param name="site">r</param>
    /// <param name="total">The number of times that moments will be added.</param>
    /// <param name="device">The device of the sums.</param>
    public MarginalGainAverage(long n, long site, long total, Device device)
    {
        (this.site, this.total) = (site, total);
        parts = (int)Math.Min(MostParts, total);
        cross = zeros([parts, n, n], dtype: ScalarType.Float64, device: device);
        square = zeros_like(cross);
    }

    /// <summary>Adds the moments with respect to a site.</summary>
    /// <param name="c">sum da_i dzeta_j, <c>[n, n]</c></param>
    /// <param name="d">sum dzeta_j dzeta_m, <c>[n, n]</c></param>
    /// <param name="of">The site l.</param>
    /// <param name="number">The number of moments added before.</param>
    public void Add(Tensor c, Tensor d, long of, long number)
    {
        long part = number * parts / total, back = site - of;
        cross[part].add_(c.roll([back, back], [0, 1]));
        square[part].add_(d.roll([back, back], [0, 1]));
    }

    /// <summary>C D^+ over everything, and its standard error by leaving out one part at a time.</summary>
    public MeanMarginalGain Result(long states)
    {
        using var scope = NewDisposeScope();
        Tensor c = cross.sum([0], keepdim: true), d = square.sum([0], keepdim: true);
        var without = MarginalGain.Solve(c - cross, d - square);
        var errors = (without - without.mean([0])).square().sum([0]).mul((parts - 1.0) / parts).sqrt();
        if (parts < 2) errors = full_like(errors, double.NaN);
        return new MeanMarginalGain(site, Numbers(MarginalGain.Solve(c, d)[0]), Numbers(errors), states);
    }

    private static double[,] Numbers(Tensor matrix)
    {
        long n = matrix.size(0);
        double[] values = matrix.ToArray<double>();
        var numbers = new double[n, n];
        Buffer.BlockCopy(values, 0, numbers, 0, values.Length * sizeof(double));
        return numbers;
    }
}
