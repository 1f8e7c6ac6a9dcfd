using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>One outer loop of incremental 4D-Var.</summary>
/// <param name="Cost">J at the point of linearisation of model and operators, before the increment.</param>
/// <param name="Inner">The inner solve: the change of the control vector, with residuals, costs, Ritz values and condition estimate for
/// each trajectory.</param>
/// <param name="Preconditioner">The preconditioner of the solve.</param>
/// <param name="StepLengths">The fraction of the change that was taken, <c>[batch]</c>; one unless the cost would have risen, zero if a
/// trajectory had already converged.</param>
public sealed record OuterIteration(CostBreakdown Cost, InnerSolution Inner, string Preconditioner, Tensor StepLengths);

/// <summary>The result of a minimisation of 4D-Var's cost. Its tensors belong to the caller.</summary>
/// <param name="Trajectory">The model's run from the analysis, with model errors if they are control variables.</param>
/// <param name="Control">The control vector of the analysis.</param>
/// <param name="Cost">J of the analysis.</param>
/// <param name="OuterIterations">The course of outer and inner loops; empty for another minimisation.</param>
public sealed record FourDimensionalVariationalResult(WindowTrajectory<State> Trajectory, ControlVector Control, CostBreakdown Cost,
    IReadOnlyList<OuterIteration> OuterIterations)
{
    /// <summary>The course of a quasi-Newton minimisation, for each trajectory of the batch; empty for another minimisation.</summary>
    public IReadOnlyList<QuasiNewtonReport> QuasiNewton { get; init; } = [];

    /// <summary>The analysis at the window's beginning.</summary>
    public State Analysis => Trajectory.Start;

    /// <summary>The analysis at the window's end.</summary>
    public State End => Trajectory.End;
}
