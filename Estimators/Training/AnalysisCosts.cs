using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The cost of a cycle's analysis in training, for each trajectory: <c>[batch]</c>.</summary>
/// <param name="forecast">The memory before the cycle's analysis.</param>
/// <param name="analysis">The memory after it.</param>
/// <param name="cycle">The cycle's columns.</param>
public delegate Tensor AnalysisCost<TMemory>(TMemory forecast, TMemory analysis, ITrajectoryCursor cycle) where TMemory : IMemory<TMemory>;

/// <summary>The costs that training of networks minimises.</summary>
public static class AnalysisCosts
{
    /// <summary>
    /// The squared error of the analysis mean, averaged over components (Bocquet et al. 2024, eq. 4), in a unit squared.
    /// </summary>
    /// <param name="procoder">Decodes a memory; its density's mean must be differentiable.</param>
    /// <param name="unit">
    /// The unit of the errors, in the state's unit; above zero (default: 1). Optimisers compare gradients with fixed numbers (Adam's
    /// epsilon, <see cref="TrainingOptions.GradientClip"/>), so an error of the order of one in this unit trains alike whatever the
    /// state's unit.
    /// </param>
    public static AnalysisCost<TMemory> SquaredError<TMemory>(IProcoder<TMemory> procoder, double unit = 1)
        where TMemory : IMemory<TMemory> =>
        SquaredErrorIn(new CostUnit(Require.Positive(unit)), procoder);

    /// <summary>The same in a unit that a checkpoint may set.</summary>
    internal static AnalysisCost<TMemory> SquaredErrorIn<TMemory>(CostUnit unit, IProcoder<TMemory> procoder)
        where TMemory : IMemory<TMemory> => new SquaredErrorCost<TMemory>(unit, procoder).Of;
}

/// <summary>The squared error as a cost; a training that computes its cycles in one piece knows it by this class.</summary>
internal sealed class SquaredErrorCost<TMemory>(CostUnit unit, IProcoder<TMemory> procoder) where TMemory : IMemory<TMemory>
{
    /// <summary>The unit of the errors.</summary>
    public CostUnit Unit => unit;

    /// <summary>The cost of each trajectory, <c>[batch]</c>.</summary>
    public Tensor Of(TMemory forecast, TMemory analysis, ITrajectoryCursor cycle)
    {
        var mean = procoder.Decode(analysis).Mean;
        // divided first: a square could underflow
        return ((mean - cycle[Columns.Truth].to(mean.dtype)) / unit.Value).square().mean([-1]);
    }
}

/// <summary>
/// The unit of the errors in a training's cost, in the state's unit. A training continues in the unit in which it began.
/// </summary>
internal sealed class CostUnit(double value)
{
    /// <summary>The unit.</summary>
    public double Value { get; set; } = value;
}
