using System.Runtime.ExceptionServices;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// 4D-Var's cost of one trajectory as MathNet's minimisers evaluate it. They get J - J_0 divided by |J_0|, with J_0 that of the background, and v
/// divided by <see cref="Unit"/>, so that their own tolerances have a meaning whatever the size of J and v.
/// </summary>
internal sealed class WindowObjective : IObjectiveFunction
{
    // What a minimiser gets for a J that is not finite: worse than anything, and a line search shortens its step.
    private const double Worst = 1e300;

    /// <summary>MathNet's first step along the gradient has length 100 tolerance / |gradient|, and grows from there by doubling.
    /// In this unit of v that is no longer much too short.</summary>
    public const double Unit = 1e3;

    private readonly Shared shared;
    private (double Value, Vector<double> Gradient) here;

    /// <param name="cost">J</param>
    /// <param name="window">A window of one trajectory.</param>
    /// <param name="reduction">The fraction of the first gradient's length at which the minimum is found.</param>
    /// <param name="cancellation">Looked at in every evaluation.</param>
    /// <param name="evaluated">Told after every evaluation: the iteration and what was found.</param>
    public WindowObjective(FourDimensionalVariationalCost cost, AssimilationWindow window, double reduction, CancellationToken cancellation,
        Action<int, QuasiNewtonEvaluation> evaluated) : this(new(cost, window, reduction, cancellation, evaluated))
    {
    }

    private WindowObjective(Shared shared)
    {
        this.shared = shared;
        Point = Vector<double>.Build.Dense((int)shared.Cost.ControlDimension(shared.Window));
        here = (0, Point);
    }

    /// <summary>Thrown out of a minimiser where the gradient has fallen as far as was asked for.</summary>
    public sealed class ReducedException : Exception;

    /// <summary>Whether the gradient has fallen as far as was asked for.</summary>
    public bool IsReduced => shared.IsReduced;

    /// <summary>A tolerance for MathNet's gradient that it cannot reach before ours is reached.</summary>
    public double SmallestGradient => Math.Max(1e-16, shared.Reduction) * here.Gradient.L2Norm() / Math.Sqrt(Math.Max(1, Point.Count));

    /// <summary>Evaluates at the background.</summary>
    public void Start() => EvaluateAtAny(Point);

    /// <summary>What a minimiser's call threw inside, if anything.</summary>
    public void Rethrow() => shared.Thrown?.Throw();

    /// <summary>How it went.</summary>
    public QuasiNewtonReport Report(QuasiNewtonStop stop, string message = "") => new(shared.Iterations, stop, shared.Evaluations, message);

    /// <summary>The run and the cost of the lowest evaluation; of the caller's dispose scope.</summary>
    public FourDimensionalVariationalResult Result()
    {
        var control = shared.Control(shared.Best);
        var run = shared.Cost.Run(shared.Window, control);
        return new(run, control, shared.Cost.Value(run, control), []);
    }

    /// <inheritdoc/>
    public Vector<double> Point { get; private set; }

    /// <inheritdoc/>
    public double Value => here.Value;

    /// <inheritdoc/>
    public Vector<double> Gradient => here.Gradient;

    /// <inheritdoc/>
    public bool IsGradientSupported => true;

    /// <inheritdoc/>
    public bool IsHessianSupported => false;

    /// <inheritdoc/>
    public Matrix<double> Hessian => throw new NotSupportedException("A quasi-Newton method does without Hessian.");

    /// <inheritdoc/>
    /// <remarks>MathNet makes one for each line search.</remarks>
    public IObjectiveFunction CreateNew()
    {
        shared.Iterations++;
        return new WindowObjective(shared);
    }

    /// <inheritdoc/>
    public IObjectiveFunction Fork() => new WindowObjective(shared) { Point = Point, here = here };

    /// <inheritdoc/>
    public void EvaluateAt(Vector<double> point)
    {
        if (shared.Last is { } last && last.Point.Equals(point)) (Point, here) = (point, last.Found);
        else EvaluateAtAny(point);
        if (IsReduced) throw new ReducedException();
    }

    private void EvaluateAtAny(Vector<double> point)
    {
        try { (Point, here) = (point, shared.Evaluate(point)); }
        catch (Exception error)
        {
            shared.Thrown = ExceptionDispatchInfo.Capture(error);
            throw;
        }
    }

    // What all objectives of one minimisation know.
    private sealed class Shared(FourDimensionalVariationalCost cost, AssimilationWindow window, double reduction, CancellationToken cancellation,
        Action<int, QuasiNewtonEvaluation> evaluated)
    {
        public FourDimensionalVariationalCost Cost => cost;
        public AssimilationWindow Window => window;
        public double Reduction => reduction;
        public List<QuasiNewtonEvaluation> Evaluations { get; } = [];
        public int Iterations { get; set; }
        public bool IsReduced { get; private set; }
        public Vector<double> Best { get; private set; } = Vector<double>.Build.Dense((int)cost.ControlDimension(window));
        public (Vector<double> Point, (double, Vector<double>) Found)? Last { get; private set; }
        public ExceptionDispatchInfo? Thrown { get; set; }

        public ControlVector Control(Vector<double> point)
        {
            var values = window.Background.Values;
            return new(tensor(point.Multiply(Unit).ToArray(), dtype: values.dtype, device: values.device).reshape(1, point.Count));
        }

        public (double Value, Vector<double> Gradient) Evaluate(Vector<double> point)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var control = Control(point);
            var run = cost.Run(window, control);
            var value = cost.Value(run, control);
            bool first = Evaluations.Count == 0;
            if (first) cost.RequireFinite(run, value);
            double total = value.Total.ToDouble();
            double[] gradient = [];
            if (double.IsFinite(total))
            {
                var slope = cost.Gradient(run, control);
                if (first) cost.RequireFinite(window, slope);
                gradient = [.. slope.Values.to(ScalarType.Float64).ToArray<double>()];
            }
            double length = Vector<double>.Build.Dense(gradient).L2Norm();
            bool finite = double.IsFinite(total) && double.IsFinite(length);
            bool lowest = first || (finite && total < Evaluations.Min(evaluation => evaluation.Cost));
            Evaluations.Add(finite ? new(Iterations, total, [.. value.Parts.Select(part => (part.Term, part.Value.ToDouble()))], length)
                : new(Iterations, double.PositiveInfinity, [], double.PositiveInfinity));
            evaluated(Iterations, Evaluations[^1]);
            if (lowest) Best = point.Clone();
            IsReduced = lowest && length <= reduction * Evaluations[0].GradientNorm;
            double scale = Evaluations[0].Cost == 0 ? 1 : 1 / Math.Abs(Evaluations[0].Cost);
            var found = finite ? ((total - Evaluations[0].Cost) * scale, Vector<double>.Build.Dense(gradient).Multiply(scale * Unit))
                : (Worst, Vector<double>.Build.Dense(point.Count));
            Last = (point.Clone(), found);
            return found;
        }
    }
}
