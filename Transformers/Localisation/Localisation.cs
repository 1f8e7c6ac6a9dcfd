using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Localisation of observations about the components of a state: the positions of both, the reach of an observation and the fall of its
/// weight. It says which part of the state an observation may change, and does not depend on the method.
/// </summary>
public sealed class Localisation : IComponent
{
    private readonly double[]? positions;

    /// <summary>Makes a localisation.</summary>
    /// <param name="geometry">The positions of the state's components.</param>
    /// <param name="radius">The reach of an observation.</param>
    /// <param name="taper">The taper of its weight (default: <see cref="LocalisationTaper.GaspariCohn"/>, smooth and zero from a finite
    /// distance on).</param>
    /// <param name="observationPositions">The position of each observation, <c>[p, axes]</c> (or <c>[p]</c> on one axis), copied; null if
    /// the operator gives it (<see cref="IPointObservationOperator"/>).</param>
    /// <exception cref="ArgumentException">The positions differ in shape from the geometry's coordinates, or are non-finite.</exception>
    public Localisation(LocalisationGeometry geometry, LocalisationRadius radius, LocalisationTaper? taper = null,
        Tensor? observationPositions = null)
    {
        Geometry = geometry;
        Radius = radius;
        Taper = taper ?? LocalisationTaper.GaspariCohn;
        if (observationPositions is null) return;
        positions = LocalisationGeometry.Read(observationPositions, out int axes);
        if (axes != geometry.Axes)
            throw new ArgumentException(
                $"The observations' positions must have the geometry's {geometry.Axes} coordinates each; given: " +
                    $"{observationPositions.DescribeSizes()}.", nameof(observationPositions));
    }

    /// <summary>The format in which the component is written and read.</summary>
    public static ComponentType Type { get; } = new("localisation", 1, reader =>
    {
        using var positions = reader.Get<bool>("ownPositions") ? reader.Tensor("observationPositions") : null;
        return new Localisation(reader.Part<LocalisationGeometry>("geometry"), reader.Get<LocalisationRadius>("radius"),
            reader.Part<LocalisationTaper>("taper"), positions);
    });

    ComponentType IComponent.ComponentType => Type;

    /// <summary>The positions of the state's components.</summary>
    public LocalisationGeometry Geometry { get; }

    /// <summary>The reach of an observation.</summary>
    public LocalisationRadius Radius { get; }

    /// <summary>The taper of its weight.</summary>
    public LocalisationTaper Taper { get; }

    /// <summary>The same localisation with observations in other places.</summary>
    /// <param name="places">The positions, as the constructor takes them; null = as the operator gives them.</param>
    internal Localisation At(Tensor? places) => new(Geometry, Radius, Taper, places);

    /// <summary>Finds the observations that reach each component, and their weights.</summary>
    /// <exception cref="ArgumentException">The geometry does not match the operator's states, the positions do not match its
    /// observations, or there are no positions.</exception>
    internal LocalDomains Domains(IObservationOperator observationOperator)
    {
        if (Geometry.Dimension != observationOperator.StateDimension)
            throw new ArgumentException(
                $"The localisation's geometry has {Geometry.Dimension} places, but {observationOperator.Name} observes states of " +
                    $"dimension {observationOperator.StateDimension}.");
        var observed = positions is not null ? new ObservationPlaces(positions, Geometry.Axes)
            : observationOperator is IPointObservationOperator { ObservedComponents: { } components }
            ? new ObservationPlaces(Geometry, components)
            : throw new ArgumentException(
                $"{observationOperator.Name} does not say where its observations are: give the localisation their positions, " +
                    $"[{observationOperator.ObservationDimension}, {Geometry.Axes}].");
        if (observed.Count != observationOperator.ObservationDimension)
            throw new ArgumentException(
                $"The localisation has positions of {observed.Count} observations, but {observationOperator.Name} " +
                    $"gives {observationOperator.ObservationDimension}.");
        return new LocalDomains(Geometry, observed, Taper, Taper.HalfWidth(Radius));
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Part("geometry", Geometry);
        writer.Set("radius", Radius);
        writer.Part("taper", Taper);
        writer.Set("ownPositions", positions is not null);
        if (positions is not null)
            writer.Tensor("observationPositions", tensor(positions, positions.Length / Geometry.Axes, Geometry.Axes));
    }
}
