using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The observations that reach each component of a state, with their weights. They are found once by cell lists. Components of one
/// pattern, as on a regular network, share its list, so that what is kept does not grow with the state. If the patterns are too many to
/// keep, as for an infinite radius or a large irregular network, the observations are found again for each use.
/// </summary>
internal sealed class LocalDomains
{
    // 12 bytes each: at most some 6 MB.
    private const long UsualMostKept = 1L << 19;

    private const int Together = 64;

    // The number of components whose observations one thread marks at a time.
    private const int Share = 256;

    private readonly long mostKept;
    private readonly LocalisationGeometry geometry;
    private readonly LocalisationTaper taper;
    private readonly double halfWidth;
    private readonly ObservationPlaces observed;
    private readonly Lock searching = new();
    private CellList? cells;
    private Found? found;

    /// <summary>Nothing is searched until it is needed.</summary>
    /// <param name="geometry">The positions of the components.</param>
    /// <param name="observed">The positions of the observations.</param>
    /// <param name="taper">The taper of the weights.</param>
    /// <param name="halfWidth">The taper's half-width; may be infinite.</param>
    /// <param name="mostKept">The largest number of pairs of an observation and a pattern that are kept.</param>
    public LocalDomains(LocalisationGeometry geometry, ObservationPlaces observed, LocalisationTaper taper, double halfWidth,
        long mostKept = UsualMostKept)
    {
        (this.geometry, this.observed, this.taper, this.halfWidth, this.mostKept) = (geometry, observed, taper, halfWidth, mostKept);
    }

    /// <summary>The number of components.</summary>
    public int Points => (int)geometry.Dimension;

    /// <summary>The number of observations p.</summary>
    public int Observations => observed.Count;

    /// <summary>The largest number of observations that reach one component.</summary>
    public int Largest => All.Largest;

    /// <summary>The average number of observations that reach a component.</summary>
    public double Mean => All.Mean;

    /// <summary>
    /// A component after which an observation reaches none: the last that any of its neighbours by number, 64 together, reaches; -1 if
    /// they reach none.
    /// </summary>
    public int LastOf(int observation) => All.Last[observation / Together];

    /// <summary>Gives the observations that reach a component, in ascending order, and their weights.</summary>
    /// <param name="point">The component.</param>
    /// <param name="room">A list of the caller's thread, for the result when it is not kept.</param>
    public LocalList Of(int point, LocalObservations room)
    {
        var all = All;
        if (all.Patterns is not { } patterns)
        {
            Find(cells!, point, room);
            return new(0, room.Indices, room.Weights);
        }
        return new(all.First[point], patterns.Offsets(all.PatternOf[point]), patterns.Weights(all.PatternOf[point]));
    }

    /// <summary>Adds the observations that reach a run of components to a set.</summary>
    /// <param name="first">The first component.</param>
    /// <param name="end">The component after the last one.</param>
    /// <param name="set">The set.</param>
    public void Mark(int first, int end, ObservationSet set)
    {
        var all = All;
        if (all.Patterns is { } patterns)
        {
            // Neighbours of one pattern mark a run of observations for each of its own.
            for (int point = first, next; point < end; point = next)
            {
                int pattern = all.PatternOf[point], from = all.First[point];
                for (next = point + 1; next < end && all.PatternOf[next] == pattern && all.First[next] == from + next - point;) next++;
                foreach (int offset in patterns.Offsets(pattern)) set.AddRange(from + offset, next - point);
            }
            return;
        }
        int shares = (end - first + Share - 1) / Share;
        SharedWork.ForEach(shares, Share * (all.Mean + 1) * 40 * SharedWork.Operation, (begin, after) =>
        {
            var room = new LocalObservations();
            for (int point = first + (int)begin * Share; point < Math.Min(end, first + (int)after * Share); point++)
            {
                Find(cells!, point, room);
                foreach (int observation in room.Indices) set.Add(observation);
            }
        });
    }

    /// <summary>
    /// Gives the same for a run of components as tensors: numbers <c>[count, largest]</c>, padded with zero, and weights, zero there.
    /// </summary>
    public (Tensor Indices, Tensor Weights) Of(int first, int count, ScalarType dtype, Device device)
    {
        int width = Math.Max(Largest, 1);
        var numbers = new long[(long)count * width];
        var tapers = new double[(long)count * width];
        var room = new LocalObservations();
        for (int k = 0; k < count; k++)
        {
            var list = Of(first + k, room);
            for (int j = 0; j < list.Count; j++) numbers[k * width + j] = list[j];
            list.Weights.CopyTo(tapers.AsSpan(k * width));
        }
        return (tensor(numbers, count, width).to(device), tensor(tapers, count, width).to(dtype, device));
    }

    private Found All
    {
        get
        {
            if (Volatile.Read(ref found) is { } known) return known;
            lock (searching) return found ??= Search();
        }
    }

    private Found Search()
    {
        cells = new CellList(observed, geometry.Periods, halfWidth * taper.Support);
        long total = 0;
        int largest = 0, points = Points;
        var last = new int[(Observations + Together - 1) / Together];
        Array.Fill(last, -1);
        LocalPatterns? patterns = new();
        int[] patternOf = new int[points], first = new int[points];
        var list = new LocalObservations();
        for (int point = 0; point < points; point++)
        {
            Find(cells, point, list);
            total += list.Count;
            largest = Math.Max(largest, list.Count);
            foreach (int observation in list.Indices) last[observation / Together] = point;
            if (patterns is null) continue;
            (first[point], patternOf[point]) = patterns.Add(list);
            if (patterns.Pairs > mostKept) (patterns, patternOf, first) = (null, [], []);
        }
        if (patterns is not null) cells = null;
        return new(largest, (double)total / points, last, patterns, patternOf, first);
    }

    private void Find(CellList among, int point, LocalObservations list)
    {
        list.Clear();
        Span<double> place = stackalloc double[3];
        geometry.Place(point, place);
        among.Near(place[..geometry.Axes], list);
        list.Weigh(taper, halfWidth);
        list.Sort();
    }

    // Component i has the pattern PatternOf[i], counted from the observation First[i]; without patterns nothing is kept but the counts.
    private sealed record Found(int Largest, double Mean, int[] Last, LocalPatterns? Patterns, int[] PatternOf, int[] First);
}

/// <summary>The observations that reach a component, in ascending order, and their weights.</summary>
/// <param name="first">The number that the offsets count from.</param>
/// <param name="offsets">The observations' numbers less the first.</param>
/// <param name="weights">The factors of R^-1, above zero.</param>
internal readonly ref struct LocalList(int first, ReadOnlySpan<int> offsets, ReadOnlySpan<double> weights)
{
    private readonly ReadOnlySpan<int> offsets = offsets;

    public int Count => offsets.Length;
    public ReadOnlySpan<double> Weights { get; } = weights;

    /// <summary>The number of an observation.</summary>
    public int this[int index] => first + offsets[index];
}
