using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Incremental 4D-Var (Courtier, Thepaut and Hollingsworth 1994, Q. J. R. Meteorol. Soc. 120, 1367-1387): an outer loop runs
/// the model and linearises it, an inner loop minimises the quadratic cost of the increment, which is Gauss-Newton's method.
/// Every trajectory of a batch is minimised by itself.
/// </summary>
[Component("incremental-4d-var")]
public sealed class IncrementalFourDimensionalVariational : IWindowMinimisation
{
    private const int MostHalvings = 10;

    /// <summary>Makes a method.</summary>
    /// <param name="cost">The cost that is minimised.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    public IncrementalFourDimensionalVariational(FourDimensionalVariationalCost cost, [Inlined] IncrementalOptions? options = null)
    {
        Cost = cost;
        Options = options ?? new();
        Require.AtLeast(Options.OuterIterations, 1, nameof(Options.OuterIterations));
        Require.NotNegative(Options.ControlTolerance, nameof(Options.ControlTolerance));
        Require.Defined(Options.Step, nameof(Options.Step));
    }

    /// <inheritdoc/>
    public FourDimensionalVariationalCost Cost { get; }

    /// <summary>Its settings.</summary>
    public IncrementalOptions Options { get; }

    /// <summary>Minimises the cost over a window, from the background.</summary>
    /// <param name="window">The window.</param>
    /// <param name="progress">Reports after every outer loop: the mean cost, and the mean reduction of the inner residual.</param>
    /// <param name="cancellation">Checked in every inner iteration.</param>
    /// <param name="earlier">
    /// Inner solves of earlier windows, the first one first, for a preconditioning to recycle (default: none).
    /// <see cref="RitzPreconditioning"/> needs all of them from the first window on, since each was preconditioned by those before it;
    /// <see cref="RecycledEigenpairs"/> uses all that are given, <see cref="QuasiNewtonPreconditioning"/> the latest.
    /// </param>
    /// <exception cref="ArgumentException">The window does not fit the model or a term, or an earlier solve does not match the
    /// window.</exception>
    /// <exception cref="ArithmeticException">A cost is non-finite, or a Hessian is not positive definite.</exception>
    public FourDimensionalVariationalResult Minimise(AssimilationWindow window, IProgress<ProgressReport>? progress = null,
        CancellationToken cancellation = default,
        IReadOnlyList<InnerSolution>? earlier = null)
    {
        using var noGradients = no_grad();
        var watch = Stopwatch.StartNew();
        var control = Cost.Background(window);
        foreach (var solve in earlier ?? [])
            Require.Shape(solve.Solution.Values, "The solution of an earlier window", control.Values.Sizes());
        var trajectory = Cost.Run(window, control);
        var value = Cost.Value(trajectory, control);
        Cost.RequireFinite(trajectory, value);
        var iterations = new List<OuterIteration>();
        var active = ones([window.Batch], dtype: ScalarType.Bool, device: control.Values.device);
        for (int outer = 0; outer < Options.OuterIterations && active.any().ToBoolean(); outer++)
        {
            using var scope = NewDisposeScope();
            using var linearised = Cost.Linearise(trajectory, control, value.Total);
            Cost.RequireFinite(window, linearised.RightSide);
            var quadratic = linearised with
                { RightSide = new(linearised.RightSide.Values.where(active.unsqueeze(-1), zeros_like(control.Values))) };
            var preconditioner = Options.Preconditioning.Prepare(trajectory, quadratic,
                [.. earlier ?? [], .. iterations.Select(iteration => iteration.Inner)]);
            var inner = Options.InnerSolver.Solve(quadratic, preconditioner, cancellation);
            var change = inner.Solution;
            var (nextControl, nextTrajectory, nextValue, lengths) = Step(window, control, change, trajectory, value, active);
            if (!nextValue.Total.isfinite().all().ToBoolean())
                throw new ArithmeticException(
                    $"The cost is not finite after outer loop {outer + 1} over the window from {window.Span.From:g6} to " +
                    $"{window.Span.To:g6}; {nameof(OuterStep)}.{nameof(OuterStep.Halved)} or a shorter window is the usual " +
                        $"remedy.{Cost.Origin(nextTrajectory)}");
            iterations.Add(new(value, inner.MoveToOuterDisposeScope(), preconditioner.Name, lengths.MoveToOuterDisposeScope()));
            var still = change.Dot(change) > Options.ControlTolerance * Options.ControlTolerance * nextControl.Dot(nextControl);
            Replace(ref active, active.logical_and(still).logical_and(lengths > 0));
            Replace(ref control, nextControl);
            foreach (var state in trajectory.Steps) state.Values.Dispose();
            trajectory = new(window, [.. nextTrajectory.Steps.Select(state => new State(state.Values.MoveToOuterDisposeScope()))]);
            value = new([.. nextValue.Parts.Select(part => part with { Value = part.Value.MoveToOuterDisposeScope() })],
                nextValue.Total.MoveToOuterDisposeScope());
            Report(progress, outer + 1, value, inner, watch.Elapsed);
        }
        active.Dispose();
        return new(trajectory, control, value, iterations);
    }

    /// <inheritdoc/>
    public RitzPairs? HandedOn(IReadOnlyList<InnerSolution> solves) => Options.Preconditioning.HandedOn(solves);

    // v + t dv with a t for each trajectory: one, unless the cost would rise.
    private (ControlVector Control, WindowTrajectory<State> Trajectory, CostBreakdown Value, Tensor Lengths) Step(AssimilationWindow window,
        ControlVector control,
        ControlVector change, WindowTrajectory<State> trajectory, CostBreakdown value, Tensor active)
    {
        var lengths = active.to_type(control.Values.dtype);
        for (int halving = 0; ; halving++)
        {
            var next = control + new ControlVector(lengths.unsqueeze(-1) * change.Values);
            var run = Cost.Run(window, next);
            var cost = Cost.Value(run, next);
            // A cost that is not a number is not lower; a rise within round-off is no rise.
            var lower = cost.Total <= value.Total + (value.Total.dtype == ScalarType.Float64 ? 1e-12 : 1e-6) * value.Total.abs();
            if (Options.Step == OuterStep.Full || lower.all().ToBoolean()) return (next, run, cost, lengths);
            lengths = lengths.where(lower, halving < MostHalvings ? 0.5 * lengths : zeros_like(lengths));
        }
    }

    private static void Replace(ref Tensor old, Tensor by)
    {
        old.Dispose();
        old = by.MoveToOuterDisposeScope();
    }

    private static void Replace(ref ControlVector old, ControlVector by)
    {
        old.Values.Dispose();
        old = new(by.Values.MoveToOuterDisposeScope());
    }

    private void Report(IProgress<ProgressReport>? progress, int done, CostBreakdown value, InnerSolution inner, TimeSpan elapsed) =>
        progress?.Report(new ProgressReport("minimising 4D-Var's cost", done, Options.OuterIterations, new Dictionary<string, double>
        {
            ["cost"] = value.Total.mean().ToDouble(),
            ["residual reduction"] = inner.Trajectories.Average(report => report.ResidualReduction),
        }, elapsed, elapsed * ((double)Options.OuterIterations / done - 1)));
}
