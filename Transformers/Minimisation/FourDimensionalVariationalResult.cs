using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>One outer loop of incremental 4D-Var.</summary>
/// <param name="Cost">J where model and operators were linearised, before the increment.</param>
/// <param name="Inner">The inner solve: the change of the control vector, with residuals, costs, Ritz values and condition estimate for
/// each trajectory.</param>
/// <param name="Preconditioner">What the solve was preconditioned with.</param>
/// <param name="StepLengths">The fraction of the change that was taken, <c>[batch]</c>; one unless the cost would have risen, zero where a
/// trajectory had converged before.</param>
public sealed record OuterIteration(CostBreakdown Cost, InnerSolution Inner, string Preconditioner, Tensor StepLengths);

/// <summary>What a minimisation of 4D-Var's cost gives back. Its tensors belong to whoever asked for it.</summary>
/// <param name="Trajectory">The model's run from the analysis, with model errors where they are varied.</param>
/// <param name="Control">The control vector of the analysis.</param>
/// <param name="Cost">J of the analysis.</param>
/// <param name="OuterIterations">How outer and inner loops went; empty for another minimisation.</param>
public sealed record FourDimensionalVariationalResult(WindowTrajectory<State> Trajectory, ControlVector Control, CostBreakdown Cost,
    IReadOnlyList<OuterIteration> OuterIterations)
{
    /// <summary>How a quasi-Newton minimisation went, for each trajectory of the batch; empty for another minimisation.</summary>
    public IReadOnlyList<QuasiNewtonReport> QuasiNewton { get; init; } = [];

    /// <summary>The analysis at the window's beginning.</summary>
    public State Analysis => Trajectory.Start;

    /// <summary>The analysis at the window's end.</summary>
    public State End => Trajectory.End;
}
