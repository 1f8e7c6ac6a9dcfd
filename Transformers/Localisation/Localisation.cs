using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Localisation of observations about the components of a state: where both are, how far an observation reaches and how
/// its weight falls. It says what of the state an observation may change, and nothing of the method that obeys.
/// </summary>
public sealed class Localisation : IComponent
{
    private readonly double[]? positions;

    /// <summary>Makes a localisation.</summary>
    /// <param name="geometry">Where the state's components are.</param>
    /// <param name="radius">How far an observation reaches.</param>
    /// <param name="taper">How its weight falls; <see cref="LocalisationTaper.GaspariCohn"/> unless said, smooth and zero from a finite
    /// distance on.</param>
    /// <param name="observationPositions">Where each observation is, <c>[p, axes]</c> (or <c>[p]</c> on one axis), copied; null where the
    /// operator says it (<see cref="IPointObservationOperator"/>).</param>
    /// <exception cref="ArgumentException">Positions of another shape than the geometry's coordinates, or not finite.</exception>
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
                    $"{ColumnDefinition.Describe(observationPositions.Sizes())}.", nameof(observationPositions));
    }

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("localisation", 1, reader =>
    {
        using var positions = reader.Get<bool>("ownPositions") ? reader.Tensor("observationPositions") : null;
        return new Localisation(reader.Part<LocalisationGeometry>("geometry"), reader.Get<LocalisationRadius>("radius"),
            reader.Part<LocalisationTaper>("taper"), positions);
    });

    ComponentType IComponent.ComponentType => Type;

    /// <summary>Where the state's components are.</summary>
    public LocalisationGeometry Geometry { get; }

    /// <summary>How far an observation reaches.</summary>
    public LocalisationRadius Radius { get; }

    /// <summary>How its weight falls.</summary>
    public LocalisationTaper Taper { get; }

    /// <summary>The same localisation of observations elsewhere.</summary>
    /// <param name="places">As the constructor takes them; null = where the operator says they are.</param>
    internal Localisation At(Tensor? places) => new(Geometry, Radius, Taper, places);

    /// <summary>Which observations reach which component, with what weight.</summary>
    /// <exception cref="ArgumentException">The geometry is not of the operator's states, the positions not of its observations, or nobody
    /// says where they are.</exception>
    internal LocalDomains Domains(IObservationOperator observationOperator)
    {
        if (Geometry.Dimension != observationOperator.StateDimension)
            throw new ArgumentException(
                $"The localisation's geometry has {Geometry.Dimension} places, but {observationOperator.Name} observes states of " +
                    $"dimension {observationOperator.StateDimension}.");
        double[] observed = positions
            ?? (observationOperator is IPointObservationOperator { ObservedComponents: { } components } ? Geometry.Of(components)
            : throw new ArgumentException(
                $"{observationOperator.Name} does not say where its observations are: give the localisation their positions, " +
                    $"[{observationOperator.ObservationDimension}, {Geometry.Axes}]."));
        if (observed.Length != observationOperator.ObservationDimension * Geometry.Axes)
            throw new ArgumentException(
                $"The localisation has positions of {observed.Length / Geometry.Axes} observations, but {observationOperator.Name} " +
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
