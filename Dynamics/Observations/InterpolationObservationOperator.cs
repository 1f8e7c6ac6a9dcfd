using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Observes a field on a grid of latitudes and longitudes at sites anywhere in it, by bilinear interpolation: each observation is the
/// mean of the four grid points around its site, weighted by how close they are in latitude and in longitude. The field is a vector,
/// latitude by latitude. The operator is linear and sparse, with its exact adjoint; at a grid point it returns that point's value to the
/// bit.
/// </summary>
/// <remarks>
/// Latitudes may rise or fall. A grid whose longitudes go around the earth closes on itself; any other grid refuses sites outside it, and
/// every grid refuses sites beyond its first and last latitude. Nothing is extrapolated.
/// </remarks>
public sealed class InterpolationObservationOperator : ObservationOperator, IPointObservationOperator, IComponent
{
    // Longitudes close on themselves if their steps add up to a circle to within this many degrees.
    private const double Closing = 1e-3;

    // A site lies on a grid line if it is this close, relative to the distance between the lines.
    private const double OnLine = 1e-9;

    private readonly ConstantTensor indices; // [4 p]
    private readonly ConstantTensor weights; // [4, p]

    /// <summary>Creates an operator.</summary>
    /// <param name="latitudes">The grid's latitudes in degrees north, rising or falling, at least two.</param>
    /// <param name="longitudes">The grid's longitudes in degrees east, rising, at least two, over at most 360 degrees.</param>
    /// <param name="sites">The observing sites, in degrees; longitudes may count from any meridian, so 350 is -10.</param>
    /// <exception cref="ArgumentException">
    /// Coordinates are not finite or out of order, there are no sites, or a site lies outside the grid.
    /// </exception>
    public InterpolationObservationOperator(IReadOnlyList<double> latitudes, IReadOnlyList<double> longitudes,
        params IReadOnlyList<(double Latitude, double Longitude)> sites)
        : base(CheckGrid(latitudes, longitudes), CheckCount(sites))
    {
        Latitudes = [.. latitudes];
        Longitudes = [.. longitudes];
        Sites = [.. sites];
        int p = Sites.Count;
        var (corners, shares) = (new long[4 * p], new double[4 * p]);
        for (int i = 0; i < p; i++)
        {
            var (row, nextRow, down) = Row(i);
            var (column, nextColumn, right) = Column(i);
            int c = Longitudes.Count;
            (corners[i], shares[i]) = (row * c + column, (1 - down) * (1 - right));
            (corners[p + i], shares[p + i]) = (row * c + nextColumn, (1 - down) * right);
            (corners[2 * p + i], shares[2 * p + i]) = (nextRow * c + column, down * (1 - right));
            (corners[3 * p + i], shares[3 * p + i]) = (nextRow * c + nextColumn, down * right);
        }
        using var cornerValues = tensor(corners);
        using var shareValues = tensor(shares, [4, p]);
        (indices, weights) = (new ConstantTensor(cornerValues), new ConstantTensor(shareValues));
        bool onPoints = Enumerable.Range(0, p).All(i => shares[i] == 1);
        ObservedComponents = onPoints ? corners[..p] : null;
    }

    /// <summary>The way the component is written and read.</summary>
    public static ComponentType Type { get; } = new("interpolation-observation-operator", 1, reader => new InterpolationObservationOperator(
        reader.Get<double[]>("latitudes"), reader.Get<double[]>("longitudes"),
        [.. reader.Get<double[]>("siteLatitudes").Zip(reader.Get<double[]>("siteLongitudes"))]));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public override string Name => $"interpolation to {ObservationDimension} sites of a grid of {Latitudes.Count} latitudes and " +
        $"{Longitudes.Count} longitudes";

    /// <inheritdoc/>
    public override bool IsLinear => true;

    /// <summary>The grid's latitudes in degrees north.</summary>
    public IReadOnlyList<double> Latitudes { get; }

    /// <summary>The grid's longitudes in degrees east.</summary>
    public IReadOnlyList<double> Longitudes { get; }

    /// <summary>The observing sites, in degrees.</summary>
    public IReadOnlyList<(double Latitude, double Longitude)> Sites { get; }

    /// <summary>Whether the grid goes around the earth.</summary>
    public bool IsGlobal => Closes(Longitudes);

    /// <inheritdoc/>
    /// <remarks>Null if a site is not a grid point.</remarks>
    public IReadOnlyList<long>? ObservedComponents { get; }

    /// <summary>
    /// The positions of the sites in rows and columns of the grid, <c>[p, 2]</c>, with fractions, for a localisation on
    /// <c>LocalisationGeometry.Grid</c> of unit spacing.
    /// </summary>
    public Tensor GridPositions()
    {
        double[] positions = [.. Enumerable.Range(0, Sites.Count).SelectMany(i =>
        {
            var ((row, _, down), (column, _, right)) = (Row(i), Column(i));
            return new[] { row + down, column + right };
        })];
        return tensor(positions, [Sites.Count, 2]);
    }

    /// <inheritdoc/>
    protected override Tensor Observe(Tensor state) =>
        (state.index_select(-1, indices.On(ScalarType.Int64, state.device))
            .reshape([.. state.Sizes()[..^1], 4, ObservationDimension]) * weights.Like(state)).sum(-2);

    /// <inheritdoc/>
    protected override Tensor ObserveTangentLinear(Tensor state, Tensor perturbation) => Observe(perturbation);

    /// <inheritdoc/>
    protected override Tensor ObserveAdjoint(Tensor state, Tensor sensitivity)
    {
        long[] leading = sensitivity.Sizes()[..^1];
        var nothing = zeros([.. leading, StateDimension], dtype: sensitivity.dtype, device: sensitivity.device);
        var shares = (sensitivity.unsqueeze(-2) * weights.Like(sensitivity)).reshape([.. leading, 4 * ObservationDimension]);
        return nothing.index_add(-1, indices.On(ScalarType.Int64, sensitivity.device), shares, 1);
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("latitudes", Latitudes);
        writer.Set("longitudes", Longitudes);
        writer.Set("siteLatitudes", Sites.Select(site => site.Latitude).ToList());
        writer.Set("siteLongitudes", Sites.Select(site => site.Longitude).ToList());
    }

    // The grid line before a site, the one after, and the fraction of the distance between them; the same line twice for a site on it.
    private (int Before, int After, double Share) Row(int site)
    {
        double latitude = Sites[site].Latitude;
        double sign = Latitudes[1] > Latitudes[0] ? 1 : -1;
        if (!(sign * latitude >= sign * Latitudes[0] && sign * latitude <= sign * Latitudes[^1])) throw Outside(site);
        return Between(Latitudes, sign, latitude) is { } found ? found : (Latitudes.Count - 1, Latitudes.Count - 1, 0);
    }

    private (int Before, int After, double Share) Column(int site)
    {
        double longitude = Sites[site].Longitude;
        if (longitude < Longitudes[0] || longitude >= Longitudes[0] + 360) longitude -= 360 * Math.Floor((longitude - Longitudes[0]) / 360);
        if (Between(Longitudes, 1, longitude) is { } found) return found;
        int last = Longitudes.Count - 1;
        if (longitude == Longitudes[last]) return (last, last, 0);
        if (!IsGlobal) throw Outside(site);
        double share = (longitude - Longitudes[last]) / (Longitudes[0] + 360 - Longitudes[last]);
        return share > 1 - OnLine ? (0, 0, 0) : (last, 0, share);
    }

    private static (int Before, int After, double Share)? Between(IReadOnlyList<double> lines, double sign, double at)
    {
        for (int k = 0; k + 1 < lines.Count; k++)
            if (sign * at >= sign * lines[k] && sign * at < sign * lines[k + 1])
            {
                double share = (at - lines[k]) / (lines[k + 1] - lines[k]);
                return share < OnLine ? (k, k, 0) : share > 1 - OnLine ? (k + 1, k + 1, 0) : (k, k + 1, share);
            }
        return null;
    }

    private ArgumentException Outside(int site)
    {
        string beside = IsGlobal ? "" : $" and longitudes from {Longitudes[0]:g9} to {Longitudes[^1]:g9}";
        return new($"The site {site} (from 0) at latitude {Sites[site].Latitude:g9}, longitude {Sites[site].Longitude:g9} lies outside " +
            "the grid, " +
            $"which has latitudes from {Latitudes[0]:g9} to {Latitudes[^1]:g9}{beside}. Leave it out: nothing is extrapolated.", "sites");
    }

    private static bool Closes(IReadOnlyList<double> longitudes)
    {
        double gap = longitudes[0] + 360 - longitudes[^1];
        double widest = longitudes.Zip(longitudes.Skip(1)).Max(pair => pair.Second - pair.First);
        return gap <= widest + Closing;
    }

    private static long CheckGrid(IReadOnlyList<double> latitudes, IReadOnlyList<double> longitudes)
    {
        Check(latitudes, "latitudes", falling: true);
        Check(longitudes, "longitudes", falling: false);
        foreach (double latitude in latitudes)
            if (Math.Abs(latitude) > 90) throw new ArgumentException($"The grid's latitudes must lie between -90 and 90 degrees; given: " +
                $"{latitude:g9}.", nameof(latitudes));
        if (longitudes[^1] - longitudes[0] >= 360)
            throw new ArgumentException($"The grid's longitudes must span less than 360 degrees; given: {longitudes[0]:g9} to " +
                $"{longitudes[^1]:g9}. " +
                "Leave out the meridian that is there twice.", nameof(longitudes));
        return (long)latitudes.Count * longitudes.Count;
    }

    private static void Check(IReadOnlyList<double> lines, string what, bool falling)
    {
        if (lines.Count < 2) throw new ArgumentException($"Interpolation needs at least two {what}; given: {lines.Count}.", what);
        double sign = falling && lines[1] < lines[0] ? -1 : 1;
        for (int k = 0; k < lines.Count; k++)
            if (!double.IsFinite(lines[k]) || (k > 0 && !(sign * lines[k] > sign * lines[k - 1])))
                throw new ArgumentException($"The grid's {what} must be finite and {(falling ? "rise or fall" : "rise")} from point to " +
                    $"point; number {k} (from 0) is {lines[k]:g9}" +
                    (k > 0 ? $" after {lines[k - 1]:g9}." : "."), what);
    }

    private static long CheckCount(IReadOnlyList<(double Latitude, double Longitude)> sites)
    {
        if (sites.Count == 0) throw new ArgumentException("Interpolation needs at least one site.", nameof(sites));
        foreach (var (i, site) in sites.Index())
            if (!double.IsFinite(site.Latitude) || !double.IsFinite(site.Longitude))
                throw new ArgumentException($"The site {i} (from 0) must have finite coordinates; given: latitude {site.Latitude}, " +
                    $"longitude {site.Longitude}.", nameof(sites));
        return sites.Count;
    }
}
