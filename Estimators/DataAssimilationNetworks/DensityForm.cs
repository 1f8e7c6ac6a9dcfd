using System.Collections.Concurrent;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Families of densities that a network can output.</summary>
public enum DensityKind
{
    /// <summary>A Gaussian with any covariance, by a triangular factor.</summary>
    Triangular,

    /// <summary>A Gaussian of independent components.</summary>
    Diagonal,

    /// <summary>A Gaussian whose covariance is of low rank plus a diagonal.</summary>
    LowRank,

    /// <summary>A mixture of Gaussians.</summary>
    Mixture,
}

/// <summary>
/// The interpretation of a vector of numbers as a density over states, the second step of a learned procoder (Boudier et al. eq. 5.6).
/// Deviations are exponentials of the numbers, so every vector is a density; zeros give N(0, I), the climatology in the standardised
/// units in which networks work.
/// </summary>
public sealed record DensityForm
{
    // by n: the places in [n, n] of the numbers below the diagonal
    private static readonly ConcurrentDictionary<long, ConstantTensor> LowerPlaces = new();

    /// <summary>The kind.</summary>
    public DensityKind Kind { get; init; }

    /// <summary>The rank r of a <see cref="DensityKind.LowRank"/> form.</summary>
    public long Rank { get; init; }

    /// <summary>The number of a <see cref="DensityKind.Mixture"/>'s parts.</summary>
    public long Parts { get; init; }

    /// <summary>The form of a mixture's parts.</summary>
    public DensityForm? Part { get; init; }

    /// <summary>
    /// N(mu, L L^T) with mu and the lower-triangular L of the vector (eq. 5.7): n + n (n + 1) / 2 numbers, the paper's form.
    /// </summary>
    public static DensityForm Triangular { get; } = new() { Kind = DensityKind.Triangular };

    /// <summary>N(mu, diag(s^2)): 2 n numbers, for states whose covariance is too large.</summary>
    public static DensityForm Diagonal { get; } = new() { Kind = DensityKind.Diagonal };

    /// <summary>N(mu, U U^T + diag(s^2)), U <c>[n, rank]</c>: n (2 + rank) numbers.</summary>
    /// <exception cref="ArgumentException">The rank is below one.</exception>
    public static DensityForm LowRank(long rank) => new() { Kind = DensityKind.LowRank, Rank = Require.AtLeast(rank, 1) };

    /// <summary>sum_k w_k N_k, for filtering densities of several modes.</summary>
    /// <param name="parts">The number of parts, at least 2.</param>
    /// <param name="part">The form of each part, not itself a mixture (default: null, <see cref="Triangular"/>).</param>
    /// <exception cref="ArgumentException">There are fewer than two parts, or the parts are mixtures.</exception>
    public static DensityForm Mixture(long parts, DensityForm? part = null) =>
        new DensityForm { Kind = DensityKind.Mixture, Parts = parts, Part = part ?? Triangular }.Checked();

    /// <summary>Computes the number of values that a density over n components takes.</summary>
    public long Size(long n) => Kind switch
    {
        DensityKind.Triangular => n + n * (n + 1) / 2,
        DensityKind.Diagonal => 2 * n,
        DensityKind.LowRank => n * (2 + Rank),
        _ => Parts * (1 + Part!.Size(n)),
    };

    /// <summary>Makes the density of given numbers, in the state's units.</summary>
    /// <param name="numbers"><c>[batch, Size(n)]</c></param>
    /// <param name="center">The centre added to means, <c>[n]</c>.</param>
    /// <param name="unit">The unit by which means and deviations are multiplied first, <c>[n]</c>.</param>
    public IDensity Read(Tensor numbers, Tensor center, Tensor unit)
    {
        long n = center.size(0);
        Require.Shape(numbers, "The numbers of a density", ColumnDefinition.AnySize, Size(n));
        if (Kind == DensityKind.Mixture)
        {
            long size = Part!.Size(n);
            var weights = nn.functional.log_softmax(numbers[.., ..(int)Parts], 1);
            return new MixtureDensity(weights,
                [.. Enumerable.Range(0, (int)Parts).Select(k => Part.Read(numbers.narrow(1, Parts + k * size, size), center, unit))]);
        }
        var mean = center + unit * numbers.narrow(1, 0, n);
        var deviation = unit * numbers.narrow(1, n, n).exp();
        if (Kind == DensityKind.Diagonal) return new DiagonalGaussianDensity(mean, deviation);
        var rest = numbers.narrow(1, 2 * n, Size(n) - 2 * n);
        if (Kind == DensityKind.LowRank) return new LowRankGaussianDensity(mean, unit.unsqueeze(-1) * rest.view([-1, n, Rank]), deviation);
        // L: the diagonal, then the diagonals below it, from the longest to the corner (eq. 5.7b).
        var places = LowerPlaces.GetOrAdd(n, PlacesBelow).On(ScalarType.Int64, numbers.device);
        var lower = zeros([numbers.size(0), n * n], dtype: numbers.dtype, device: numbers.device)
            .scatter(1, places.expand(numbers.size(0), -1), rest).view([-1, n, n]);
        return new TriangularGaussianDensity(mean, unit.unsqueeze(-1) * lower + deviation.diag_embed());
    }

    /// <summary>Gives this form, or throws with the reason why it is invalid.</summary>
    /// <exception cref="ArgumentException">A count is below its minimum, or the form is a mixture of mixtures.</exception>
    internal DensityForm Checked()
    {
        Require.Defined(Kind);
        if (Kind == DensityKind.LowRank) Require.AtLeast(Rank, 1);
        if (Kind != DensityKind.Mixture) return this;
        Require.AtLeast(Parts, 2);
        if (Part is null || Part.Kind == DensityKind.Mixture)
            throw new ArgumentException("The parts of a mixture must be Gaussians: triangular, diagonal or of low rank.");
        Part.Checked();
        return this;
    }

    private static ConstantTensor PlacesBelow(long n)
    {
        var places = new List<long>();
        for (long below = 1; below < n; below++)
            for (long column = 0; column + below < n; column++) places.Add((column + below) * n + column);
        using var scope = NewDisposeScope();
        return new ConstantTensor(tensor(places.ToArray(), [places.Count]));
    }
}
