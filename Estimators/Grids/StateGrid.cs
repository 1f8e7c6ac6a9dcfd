using System.Text.Json.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The layout of a state's components on a grid for convolutions: a circle or a line of any size, or rows and columns, each direction
/// bounded or periodic.
/// </summary>
/// <remarks>
/// Beyond a bounded end a convolution reads zeros. Inputs are standardised, so zeros stand for the mean state and no innovation. They
/// also let a network see the ends, which it must: errors grow differently there.
/// </remarks>
public sealed record StateGrid
{
    /// <summary>Makes a grid of its parts; the factory methods are clearer.</summary>
    /// <exception cref="ArgumentException">Only one of rows and columns is given, one is below 1, or the kind of end does not
    /// exist.</exception>
    [JsonConstructor]
    public StateGrid(long? rows, long? columns, AxisEnds rowEnds, AxisEnds columnEnds)
    {
        if (rows.HasValue != columns.HasValue)
            throw new ArgumentException(
                $"A grid has rows and columns, or neither; given: {rows?.ToString() ?? "no"} rows, {columns?.ToString() ?? "no"} columns.");
        (Rows, Columns) = (rows is { } r ? Require.AtLeast(r, 1, nameof(rows)) : null, columns is { } c
            ? Require.AtLeast(c, 1, nameof(columns)) : null);
        (RowEnds, ColumnEnds) = (Require.Defined(rowEnds), Require.Defined(columnEnds));
    }

    /// <summary>Sites on a circle, as many as the state has components, for Lorenz-96 and similar models.</summary>
    public static StateGrid Circle { get; } = new(null, null, AxisEnds.Bounded, AxisEnds.Periodic);

    /// <summary>Sites on a line with two ends, as many as the state has components.</summary>
    public static StateGrid Line { get; } = new(null, null, AxisEnds.Bounded, AxisEnds.Bounded);

    /// <summary>Rows and columns, with the state in row-major order: component <c>row * columns + column</c>.</summary>
    /// <param name="rows">The number of rows.</param>
    /// <param name="columns">The number of columns.</param>
    /// <param name="rowEnds">Whether the last row is beside the first (default: bounded).</param>
    /// <param name="columnEnds">Whether the last column is beside the first (default: bounded). Latitudes and longitudes are bounded rows
    /// of periodic columns.</param>
    /// <exception cref="ArgumentException">A size is below 1.</exception>
    public static StateGrid Plane(long rows, long columns, AxisEnds rowEnds = AxisEnds.Bounded, AxisEnds columnEnds = AxisEnds.Bounded) =>
        new(rows, columns, rowEnds, columnEnds);

    /// <summary>The number of rows; null if there is only one direction.</summary>
    public long? Rows { get; }

    /// <summary>The number of columns; null if there is only one direction, of any size.</summary>
    public long? Columns { get; }

    /// <summary>Whether the last row is beside the first.</summary>
    public AxisEnds RowEnds { get; }

    /// <summary>Whether the last column, or the last site of the only direction, is beside the first.</summary>
    public AxisEnds ColumnEnds { get; }

    /// <summary>The number of directions, 1 or 2.</summary>
    [JsonIgnore]
    public int Directions => Rows is null ? 1 : 2;

    /// <summary>Describes the grid in words.</summary>
    public override string ToString() => Rows is null
        ? ColumnEnds == AxisEnds.Periodic ? "circle" : "line"
        : $"{RowEnds.ToString().ToLowerInvariant()} {Rows} rows x {ColumnEnds.ToString().ToLowerInvariant()} {Columns} columns";

    /// <summary>Refuses states whose dimension is not rows times columns.</summary>
    internal void RequireDimension(long dimension)
    {
        if (Rows is { } rows && Columns is { } columns && dimension != rows * columns)
            throw new ArgumentException($"A grid of {rows} x {columns} holds states of {rows * columns} components; given: {dimension}.");
    }

    /// <summary>Converts states to fields: their last dimension n becomes the grid's, <c>[..., n]</c> or
    /// <c>[..., rows, columns]</c>.</summary>
    /// <exception cref="ArgumentException">n is not rows times columns.</exception>
    internal Tensor ToField(Tensor states)
    {
        if (Rows is not { } rows || Columns is not { } columns) return states;
        RequireDimension(states.size(-1));
        return states.reshape([.. states.Sizes()[..^1], rows, columns]);
    }

    /// <summary>Converts fields to states, the inverse of <see cref="ToField"/>.</summary>
    internal Tensor ToState(Tensor fields) => Rows is null ? fields : fields.flatten(-2, -1);

    /// <summary>Whether a direction closes on itself; with two directions the rows' is the first.</summary>
    internal bool IsPeriodic(int axis) => (Directions == 2 && axis == 0 ? RowEnds : ColumnEnds) == AxisEnds.Periodic;

    /// <summary>Shifts the field by a number of sites, with zero where a bounded direction has none.</summary>
    /// <param name="field"><c>[batch, channels, grid...]</c></param>
    /// <param name="rows">The shift in rows; 0 in one direction.</param>
    /// <param name="columns">The shift in columns, or sites.</param>
    internal Tensor Shift(Tensor field, long rows, long columns)
    {
        long[] steps = Directions == 1 ? [columns] : [rows, columns];
        for (int axis = 0; axis < steps.Length; axis++)
        {
            long step = steps[axis], size = field.size(2 + axis);
            if (step == 0) continue;
            field = field.roll(-step, 2 + axis);
            if (IsPeriodic(axis)) continue;
            long[] shape = [.. Enumerable.Repeat(1L, 2 + Directions)];
            shape[2 + axis] = size;
            var from = arange(size, device: field.device) + step;
            field = field * (from.ge(0) & from.lt(size)).view(shape).to(field.dtype);
        }
        return field;
    }

    /// <summary>
    /// Refuses a field with fewer sites in a periodic direction than a kernel reaches to one side, since it would wrap around twice.
    /// </summary>
    /// <param name="field"><c>[batch, channels, grid...]</c></param>
    /// <param name="kernel">The number of sites that it reads in each direction.</param>
    internal void RequireSites(Tensor field, params ReadOnlySpan<long> kernel)
    {
        for (int axis = 0; axis < Directions; axis++)
        {
            long size = kernel[Math.Min(axis, kernel.Length - 1)];
            if (IsPeriodic(axis) && field.size(2 + axis) < size / 2)
                throw new ArgumentException(
                    $"A kernel of {size} sites needs at least {size / 2} sites in a periodic direction; the state has " +
                        $"{field.size(2 + axis)}.");
        }
    }

    /// <summary>
    /// Computes the sum over the neighbourhood of every site, <c>[batch, from, grid...]</c> to <c>[batch, to, grid...]</c>: around
    /// periodic directions, with zeros beyond bounded ends.
    /// </summary>
    /// <param name="field"><c>[batch, from, grid...]</c></param>
    /// <param name="weight"><c>[to, from, kernel...]</c>, of odd sizes.</param>
    /// <param name="bias"><c>[to]</c>, or none.</param>
    /// <exception cref="ArgumentException">A periodic direction has fewer sites than the kernel reaches to one side.</exception>
    /// <exception cref="WrongConvolutionException">libtorch's convolutions are wrong on this CPU.</exception>
    internal Tensor Convolve(Tensor field, Tensor weight, Tensor? bias)
    {
        if (field.device_type == DeviceType.CPU && field.dtype != ScalarType.Float64) ConvolutionGuard.Check();
        RequireSites(field, weight.Sizes()[2..]);
        long[] around = Reach(periodic: true), zeros = Reach(periodic: false);
        // libtorch counts the directions of a padding from the last one on.
        if (around.Any(reach => reach > 0))
            field = nn.functional.pad(field, [.. around.Reverse().SelectMany(reach => new[] { reach, reach })], PaddingModes.Circular);
        return Directions == 1
            ? nn.functional.conv1d(field, weight, bias, padding: zeros[0])
            : nn.functional.conv2d(field, weight, bias, padding: zeros);

        long[] Reach(bool periodic) =>
            [.. Enumerable.Range(0, Directions).Select(axis => IsPeriodic(axis) == periodic ? weight.size(2 + axis) / 2 : 0)];
    }
}
