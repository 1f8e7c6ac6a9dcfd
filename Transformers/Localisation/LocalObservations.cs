namespace DaML.Components;

/// <summary>A growing list of observations and their weights; first of their distances.</summary>
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

    /// <summary>Makes weights of the distances, and leaves out observations without weight.</summary>
    /// <param name="taper">The taper of the weights.</param>
    /// <param name="halfWidth">The taper's half-width; may be infinite.</param>
    public void Weigh(LocalisationTaper taper, double halfWidth)
    {
        bool infinite = double.IsPositiveInfinity(halfWidth);
        int count = 0;
        for (int k = 0; k < Count; k++)
        {
            double weight = infinite ? 1 : taper.At(weights[k] / halfWidth);
            if (weight > 0) (indices[count], weights[count++]) = (indices[k], weight);
        }
        Count = count;
    }

    /// <summary>Puts the observations in ascending order. Cells follow each other, so that most lists are in order already.</summary>
    public void Sort()
    {
        for (int k = 1; k < Count; k++)
            if (indices[k] < indices[k - 1])
            {
                indices.AsSpan(0, Count).Sort(weights.AsSpan(0, Count));
                return;
            }
    }
}
