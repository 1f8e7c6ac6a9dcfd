using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The observations that reach each component of a state, with their weights. They are found once by cell lists, and kept. If there are
/// too many to keep, as for an infinite radius, they are found again for each use.
/// </summary>
internal sealed class LocalDomains
{
    // 12 bytes each: at most some 800 MB.
    private const long UsualMostKept = 1L << 26;

    private readonly long mostKept;
    private readonly LocalisationGeometry geometry;
    private readonly LocalisationTaper taper;
    private readonly double halfWidth;
    private readonly Lazy<CellList> cells;
    private readonly Lazy<Lists> lists;

    /// <summary>Nothing is searched until it is needed.</summary>
    /// <param name="geometry">The positions of the components.</param>
    /// <param name="observed">The positions of the observations, [p, axes] in rows.</param>
    /// <param name="taper">The taper of the weights.</param>
    /// <param name="halfWidth">The taper's half-width; may be infinite.</param>
    /// <param name="mostKept">The largest number of pairs that are kept.</param>
    public LocalDomains(LocalisationGeometry geometry, double[] observed, LocalisationTaper taper, double halfWidth,
        long mostKept = UsualMostKept)
    {
        (this.geometry, this.taper, this.halfWidth, this.mostKept) = (geometry, taper, halfWidth, mostKept);
        cells = new(() => new CellList(observed, geometry.Periods, halfWidth * taper.Support));
        lists = new(Search);
    }

    /// <summary>The number of components.</summary>
    public int Points => (int)geometry.Dimension;

    /// <summary>The largest number of observations that reach one component.</summary>
    public int Largest => lists.Value.Largest;

    /// <summary>The average number of observations that reach a component.</summary>
    public double Mean => lists.Value.Mean;

    /// <summary>Gives the observations that reach a component, in ascending order, and their weights.</summary>
    /// <param name="point">The component.</param>
    /// <param name="list">A list of the caller's thread, for the result when it is not kept.</param>
    /// <param name="observations">Their numbers.</param>
    /// <param name="taperWeights">The factors of R^-1, above zero.</param>
    public void Of(int point, LocalObservations list, out ReadOnlySpan<int> observations, out ReadOnlySpan<double> taperWeights)
    {
        var (starts, indices, weights, _, _) = lists.Value;
        if (starts.Length == 0)
        {
            Find(point, list);
            observations = list.Indices;
            taperWeights = list.Weights;
            return;
        }
        int from = (int)starts[point], count = (int)(starts[point + 1] - starts[point]);
        observations = indices.AsSpan(from, count);
        taperWeights = weights.AsSpan(from, count);
    }

    /// <summary>
    /// Gives the same for a run of components as tensors: numbers <c>[count, largest]</c>, padded with zero, and weights, zero there.
    /// </summary>
    public (Tensor Indices, Tensor Weights) Of(int first, int count, ScalarType dtype, Device device)
    {
        int width = Math.Max(Largest, 1);
        var numbers = new long[(long)count * width];
        var tapers = new double[(long)count * width];
        var list = new LocalObservations();
        for (int k = 0; k < count; k++)
        {
            Of(first + k, list, out var observations, out var taperWeights);
            for (int j = 0; j < observations.Length; j++) numbers[k * width + j] = observations[j];
            taperWeights.CopyTo(tapers.AsSpan(k * width));
        }
        return (tensor(numbers, count, width).to(device), tensor(tapers, count, width).to(dtype, device));
    }

    private Lists Search()
    {
        long total = 0;
        int largest = 0;
        var sizes = new int[Points];
        var list = new LocalObservations();
        for (int point = 0; point < sizes.Length; point++)
        {
            Find(point, list);
            total += sizes[point] = list.Count;
            largest = Math.Max(largest, list.Count);
        }
        double mean = (double)total / sizes.Length;
        if (total > mostKept) return new([], [], [], largest, mean);
        var starts = new long[sizes.Length + 1];
        var indices = new int[total];
        var weights = new double[total];
        for (int point = 0; point < sizes.Length; point++)
        {
            Find(point, list);
            starts[point + 1] = starts[point] + sizes[point];
            list.Indices.CopyTo(indices.AsSpan((int)starts[point]));
            list.Weights.CopyTo(weights.AsSpan((int)starts[point]));
        }
        return new(starts, indices, weights, largest, mean);
    }

    private void Find(int point, LocalObservations list)
    {
        list.Clear();
        cells.Value.Near(geometry.Coordinates.AsSpan(point * geometry.Axes, geometry.Axes), (observation, distance) =>
        {
            double weight = double.IsPositiveInfinity(halfWidth) ? 1 : taper.At(distance / halfWidth);
            if (weight > 0) list.Add(observation, weight);
        });
        list.Sort();
    }

    // Component i is from starts[i] to starts[i + 1]; empty if they are not kept.
    private sealed record Lists(long[] Starts, int[] Indices, double[] Weights, int Largest, double Mean);
}

/// <summary>A growing list of observations and their weights.</summary>
internal sealed class LocalObservations
{
    private int[] indices = new int[64];
    private double[] weights = new double[64];

    public int Count { get; private set; }
    public ReadOnlySpan<int> Indices => indices.AsSpan(0, Count);
    public ReadOnlySpan<double> Weights => weights.AsSpan(0, Count);

    public void Clear() => Count = 0;

    public void Add(int index, double weight)
    {
        if (Count == indices.Length)
        {
            Array.Resize(ref indices, 2 * Count);
            Array.Resize(ref weights, 2 * Count);
        }
        (indices[Count], weights[Count]) = (index, weight);
        Count++;
    }

    public void Sort() => indices.AsSpan(0, Count).Sort(weights.AsSpan(0, Count));
}
