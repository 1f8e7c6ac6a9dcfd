using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The parts of an ensemble transform filter, global or local, whose cycles many trajectories can go through side by side
/// (<see cref="EnsembleCycles{T}"/>): a model that takes its steps in lanes, without an error of its own, observations of single components
/// with independent errors, a factor as inflation, and no rotation.
/// </summary>
internal sealed class EnsembleCyclesSettings
{
    /// <summary>The model.</summary>
    public required ILaneStep Model { get; init; }

    /// <summary>The length of its step.</summary>
    public required double TimeStep { get; init; }

    /// <summary>The component that each observation is of.</summary>
    public required int[] Components { get; init; }

    /// <summary>1 / sigma of each observation.</summary>
    public required double[] Deviations { get; init; }

    /// <summary>The prior's weight.</summary>
    public required PriorWeight Weight { get; init; }

    /// <summary>The factor of the analysis anomalies.</summary>
    public required double Inflation { get; init; }

    /// <summary>The observations that reach each component, of a local filter; otherwise null.</summary>
    public LocalDomains? Domains { get; init; }

    /// <summary>Gives the cycles of a run, or null if its parts or its size do not allow them.</summary>
    /// <param name="propagater">The method's propagater.</param>
    /// <param name="start">The ensemble before the first cycle.</param>
    /// <param name="observationOperator">H</param>
    /// <param name="observationError">R</param>
    /// <param name="weight">The prior's weight.</param>
    /// <param name="inflation">The inflation.</param>
    /// <param name="rotation">The rotation of the analysis.</param>
    /// <param name="domains">The observations that reach each component, of a local filter; otherwise null.</param>
    public static ICyclesSideBySide<EnsembleMemory>? CyclesOf(IPropagater<EnsembleMemory> propagater, EnsembleMemory start,
        IObservationOperator observationOperator, IErrorCovariance observationError, PriorWeight weight, Inflation inflation,
        EnsembleRotation rotation, LocalDomains? domains = null)
    {
        var members = start.Members;
        long count = members.size(1), n = members.size(2), p = observationOperator.ObservationDimension;
        if (propagater is not EnsemblePropagater { Dynamics: { ModelError: null } dynamics }) return null;
        if (dynamics is not ILaneStep model) return null;
        if (dynamics.Dimension != n || observationOperator.StateDimension != n) return null;
        if (count < 2 || count > SymmetricEigenproblem.LargestKernelSize) return null;
        if (rotation != EnsembleRotation.None || inflation is not MultiplicativeInflation || !weight.IsNumber) return null;
        if (InverseDeviations.Of(observationError) is not { } deviations) return null;
        if (Observed(observationOperator) is not { } components) return null;
        if (!KernelMemory.Serves(members)) return null;
        if (domains is null && count > p) return null;
        if (!(members.dtype == ScalarType.Float64 ? TransformLanes<double>.Fits(members.size(0), count, n, p)
            : TransformLanes<float>.Fits(members.size(0), count, n, p))) return null;
        var parts = new EnsembleCyclesSettings
        {
            Model = model, TimeStep = dynamics.TimeStep, Components = components,
            Deviations = deviations, Weight = weight, Inflation = inflation.PosteriorFactor, Domains = domains,
        };
        return members.dtype == ScalarType.Float64 ? new EnsembleCycles<double>(parts, members) : new EnsembleCycles<float>(parts, members);
    }

    private static int[]? Observed(IObservationOperator operation) => operation switch
    {
        IdentityObservationOperator => [.. Enumerable.Range(0, (int)operation.StateDimension)],
        SubsetObservationOperator subset => [.. subset.Indices.Select(index => (int)index)],
        _ => null,
    };
}
