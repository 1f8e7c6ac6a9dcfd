using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Mean and anomalies of ensembles <c>[batch, members, n]</c>.</summary>
public static class EnsembleStatistics
{
    /// <summary>The ensemble's mean <c>[batch, n]</c> and the members' deviations from it <c>[batch, members, n]</c>.</summary>
    public static (Tensor Mean, Tensor Anomalies) Split(Tensor members)
    {
        using var scope = NewDisposeScope();
        var mean = members.mean([1], keepdim: true);
        return scope.MoveToOuter(mean.squeeze(1), members - mean);
    }

    /// <summary>The tensor, if it is an ensemble.</summary>
    /// <exception cref="ArgumentException">Its shape is not <c>[batch, members, n]</c>, or there are fewer than two members.</exception>
    internal static Tensor Check(Tensor members)
    {
        Require.Shape(members, "An ensemble", ColumnDefinition.AnySize, ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        if (members.shape[1] < 2)
            throw new ArgumentException($"An ensemble needs at least two members to have a spread; given: {members.shape[1]}.");
        return members;
    }
}
