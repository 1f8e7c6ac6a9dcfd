namespace DaML.Components;

/// <summary>Lists of observations that differ only in where they begin, kept once: their numbers less the first, and their
/// weights.</summary>
internal sealed class LocalPatterns
{
    private readonly Dictionary<int, int> latest = [];   // the last pattern of a hash
    private readonly List<int> starts = [0], before = []; // where each pattern begins, and the one before it of the same hash
    private int[] offsets = new int[64];
    private double[] weights = new double[64];
    private int usual = -1;

    /// <summary>The number of observations in all patterns.</summary>
    public int Pairs => starts[^1];

    /// <summary>The observations of a pattern, less the first.</summary>
    public ReadOnlySpan<int> Offsets(int pattern) => offsets.AsSpan(starts[pattern], starts[pattern + 1] - starts[pattern]);

    /// <summary>Their weights.</summary>
    public ReadOnlySpan<double> Weights(int pattern) => weights.AsSpan(starts[pattern], starts[pattern + 1] - starts[pattern]);

    /// <summary>Finds the pattern of a list, or keeps it as a new one.</summary>
    /// <param name="list">The list, in ascending order.</param>
    /// <returns>The number that the pattern counts from, and the pattern.</returns>
    public (int First, int Pattern) Add(LocalObservations list)
    {
        int first = list.Count == 0 ? 0 : list.Indices[0];
        if (usual >= 0 && Is(usual, list, first)) return (first, usual);
        var hash = new HashCode();
        for (int k = 0; k < list.Count; k++)
        {
            hash.Add(list.Indices[k] - first);
            hash.Add(list.Weights[k]);
        }
        int key = hash.ToHashCode();
        int earlier = latest.GetValueOrDefault(key, -1);
        for (int pattern = earlier; pattern >= 0; pattern = before[pattern])
            if (Is(pattern, list, first)) return (first, usual = pattern);
        while (Pairs + list.Count > offsets.Length)
        {
            Array.Resize(ref offsets, 2 * offsets.Length);
            Array.Resize(ref weights, 2 * weights.Length);
        }
        for (int k = 0; k < list.Count; k++) offsets[Pairs + k] = list.Indices[k] - first;
        list.Weights.CopyTo(weights.AsSpan(Pairs));
        starts.Add(Pairs + list.Count);
        before.Add(earlier);
        latest[key] = before.Count - 1;
        return (first, usual = before.Count - 1);
    }

    private bool Is(int pattern, LocalObservations list, int first)
    {
        var kept = Offsets(pattern);
        if (kept.Length != list.Count || !Weights(pattern).SequenceEqual(list.Weights)) return false;
        for (int k = 0; k < kept.Length; k++)
            if (kept[k] != list.Indices[k] - first) return false;
        return true;
    }
}
