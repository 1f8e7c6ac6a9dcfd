namespace DaML.Components;

/// <summary>The positions of observations: their own, or those of the components that they are of, which take no memory.</summary>
internal sealed class ObservationPlaces
{
    private readonly double[] places = [];
    private readonly int axes;
    private readonly LocalisationGeometry? geometry;
    private readonly IReadOnlyList<long> components = [];

    /// <summary>Positions of their own.</summary>
    /// <param name="places">[p, axes] in rows.</param>
    /// <param name="axes">The number of axes.</param>
    public ObservationPlaces(double[] places, int axes) => (this.places, this.axes, Count) = (places, axes, places.Length / axes);

    /// <summary>The positions of components.</summary>
    /// <param name="geometry">The positions of all components.</param>
    /// <param name="components">The component that each observation is of.</param>
    public ObservationPlaces(LocalisationGeometry geometry, IReadOnlyList<long> components) =>
        (this.geometry, this.components, Count) = (geometry, components, components.Count);

    /// <summary>The number of observations p.</summary>
    public int Count { get; }

    /// <summary>Gives the position of an observation.</summary>
    /// <param name="observation">Its number.</param>
    /// <param name="place">Receives the coordinates, [axes].</param>
    public void Of(int observation, Span<double> place)
    {
        if (geometry is not null) geometry.Place(components[observation], place);
        else places.AsSpan(observation * axes, axes).CopyTo(place);
    }
}
