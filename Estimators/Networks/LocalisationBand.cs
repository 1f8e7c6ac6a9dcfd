using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A localisation rho on a grid: a weight for every offset between two sites, zero beyond its reach, never a matrix.</summary>
internal sealed class LocalisationBand
{
    private const long Limit = 1023;
    private const double Tolerance = 1e-7;

    /// <summary>Makes a band of a taper and a radius.</summary>
    /// <param name="grid">The grid; a distance counts its sites.</param>
    /// <param name="taper">The weight at a distance.</param>
    /// <param name="radius">How far it reaches.</param>
    /// <exception cref="ArgumentException">It never ends, is wider than 1023 sites, or is no correlation: a weighted sum with it could be
    /// negative.</exception>
    public LocalisationBand(StateGrid grid, LocalisationTaper taper, LocalisationRadius radius)
    {
        Grid = grid;
        double halfWidth = taper.HalfWidth(radius), end = taper.Support * halfWidth;
        if (!(end < Limit))
            throw new ArgumentException(
                $"The localisation must end within {Limit} sites, since it alone gives P^a its full rank; given: {radius.Kind} " +
                    $"{radius.Length?.ToString() ?? "infinite"}.");
        Reach = (long)end;
        while (Reach > 0 && taper.At(Reach / halfWidth) <= 0) Reach--;
        using var scope = NewDisposeScope();
        var line = arange(-Reach, Reach + 1, dtype: ScalarType.Float64);
        var distance = grid.Directions == 1 ? line.abs() : (line.square().unsqueeze(0) + line.square().unsqueeze(1)).sqrt();
        var weights = tensor(distance.reshape(-1).ToArray<double>().Select(d => taper.At(d / halfWidth)).ToArray())
            .reshape(distance.Sizes());
        RequireCorrelation(weights, line, taper);
        Weights = new ConstantTensor(weights.reshape([1, 1, .. distance.Sizes()]));
    }

    /// <summary>The grid.</summary>
    public StateGrid Grid { get; }

    /// <summary>The largest offset, in one direction, whose weight is not zero.</summary>
    public long Reach { get; }

    /// <summary>The weights of the offsets -Reach to Reach in each direction, <c>[1, 1, offsets...]</c>.</summary>
    public ConstantTensor Weights { get; }

    /// <summary>rho v, along every field.</summary>
    /// <param name="fields"><c>[batch, channels, grid...]</c></param>
    /// <exception cref="ArgumentException">A periodic direction that the band closes around.</exception>
    public Tensor Apply(Tensor fields)
    {
        RequireFits(fields.Sizes()[2..]);
        var apart = fields.reshape([fields.size(0) * fields.size(1), 1, .. fields.Sizes()[2..]]);
        return Grid.Convolve(apart, Weights.Like(fields), null).view_as(fields);
    }

    /// <summary>Refuses a grid around which the band closes: beyond half the way round it would count twice.</summary>
    /// <param name="sizes">Of the grid.</param>
    public void RequireFits(ReadOnlySpan<long> sizes)
    {
        for (int axis = 0; axis < sizes.Length; axis++)
            if (Grid.IsPeriodic(axis) && sizes[axis] < 2 * Reach + 1)
                throw new ArgumentException(
                    $"A localisation that reaches {Reach} sites needs at least {2 * Reach + 1} sites in a periodic direction; the state " +
                        $"has {sizes[axis]}. Choose a smaller radius.");
    }

    // rho is positive semi-definite on every grid if the Fourier series of its weights is nowhere negative.
    private void RequireCorrelation(Tensor weights, Tensor line, LocalisationTaper taper)
    {
        var angles = linspace(0, Math.PI, 8 * Reach + 9, dtype: ScalarType.Float64);
        var waves = outer(angles, line).cos();                                              // [angles, offsets]
        var series = Grid.Directions == 1 ? waves.matmul(weights) : waves.matmul(weights).matmul(waves.t());
        if (series.min().ToDouble() < -Tolerance * series.max().ToDouble())
            throw new ArgumentException(
                $"The taper {taper} is not a correlation over {Reach} sites on a {Grid}, so that P^a would not be a covariance; " +
                    $"{nameof(LocalisationTaper.GaspariCohn)} is one.");
    }
}
