using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The direction of a seasonal step: subtraction or addition.</summary>
public enum SeasonalCycleDirection
{
    /// <summary>Field to anomaly.</summary>
    Remove,

    /// <summary>Anomaly to field.</summary>
    Add,
}

/// <summary>Subtracts a seasonal cycle from a column, or adds it back.</summary>
[Component("seasonal-cycle-transformer")]
public sealed class SeasonalCycleTransformer : CycleTransformer
{
    private readonly Column input;
    private readonly Column output;

    /// <summary>Creates the step.</summary>
    /// <param name="cycle">The seasonal cycle.</param>
    /// <param name="direction">Whether it is subtracted or added back.</param>
    /// <param name="input">The column it reads, <c>[n]</c>.</param>
    /// <param name="output">The column it writes, <c>[n]</c>.</param>
    public SeasonalCycleTransformer(SeasonalCycle cycle, SeasonalCycleDirection direction, Column input, Column output)
        : base(direction == SeasonalCycleDirection.Remove ? "seasonal cycle removed" : "seasonal cycle added",
            new SchemaContract([new(input, cycle.Dimension)], [new(output, cycle.Dimension)]))
    {
        Require.Defined(direction);
        (Cycle, Direction, this.input, this.output) = (cycle, direction, input, output);
    }

    /// <summary>The seasonal cycle.</summary>
    public SeasonalCycle Cycle { get; }

    /// <summary>Whether it is subtracted or added back.</summary>
    public SeasonalCycleDirection Direction { get; }

    /// <summary>Makes the step that undoes this one, on any columns.</summary>
    public SeasonalCycleTransformer Inverse(Column input, Column output) =>
        new(Cycle, Direction == SeasonalCycleDirection.Remove ? SeasonalCycleDirection.Add : SeasonalCycleDirection.Remove, input, output);

    /// <inheritdoc/>
    protected override IReadOnlyList<Column> Complete => input == output ? [] : [input];   // a column's mask goes with its name

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor> Apply(ITrajectoryCursor cycle)
    {
        var value = cycle[input];
        var mean = Cycle.At(cycle.Time, value.dtype, value.device);
        return [Direction == SeasonalCycleDirection.Remove ? value - mean : value + mean];
    }
}
