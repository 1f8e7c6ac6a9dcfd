namespace DaML.Components;

/// <summary>A column as a step needs or offers it: its key and its shape for one trajectory.</summary>
/// <param name="Column">The key.</param>
/// <param name="Shape">
/// Sizes without the batch dimension; <see cref="AnySize"/> where a step takes any size. A scalar column has no sizes.
/// </param>
public sealed record ColumnDefinition(Column Column, params long[] Shape)
{
    /// <summary>Stands for a size that a step does not prescribe.</summary>
    public const long AnySize = -1;

    /// <summary>Whether a column of shape <paramref name="given"/> can serve where this one is needed.</summary>
    public bool Accepts(long[] given) =>
        given.Length == Shape.Length
        && Shape.Zip(given).All(pair => pair.First == AnySize || pair.Second == AnySize || pair.First == pair.Second);

    /// <summary>Writes a shape for a message, <c>[40]</c> or <c>[any]</c>.</summary>
    public static string Describe(long[] shape) =>
        "[" + string.Join(", ", shape.Select(size => size == AnySize ? "any" : size.ToString())) + "]";

    /// <inheritdoc/>
    public bool Equals(ColumnDefinition? other) => other is not null && Column == other.Column && Shape.AsSpan().SequenceEqual(other.Shape);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Column, Shape.Length);

    /// <inheritdoc/>
    public override string ToString() => Column.Name + Describe(Shape);
}
