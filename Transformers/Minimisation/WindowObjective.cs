using System.Diagnostics;
using System.Runtime.ExceptionServices;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// 4D-Var's cost of one trajectory in the form that MathNet's minimisers evaluate. They receive J - J_0 divided by |J_0|, with J_0 the
/// cost of the background, and v in a unit of a thousand typical prior errors: MathNet's tolerances are absolute, and its first step
/// along the gradient has the length 100 tolerance / |gradient|, from where it doubles. In this unit the first step is seldom much too
/// short, and never longer than a prior error.
/// </summary>
internal sealed class WindowObjective : IObjectiveFunction
{
    // The value that a minimiser gets for a non-finite J: worse than any other, so that a line search shortens its step.
    private const double Worst = 1e300;

    private const double Large = 1e3;

    private readonly Shared shared;
    private (double Value, Vector<double> Gradient) here;

    /// <param name="cost">J</param>
    /// <param name="window">A window of one trajectory.</param>
    /// <param name="reduction">The fraction of the first gradient's length that counts as the minimum.</param>
    /// <param name="cancellation">Checked in every evaluation.</param>
    /// <param name="evaluated">Called after every evaluation with the iteration and the evaluation.</param>
    public WindowObjective(FourDimensionalVariationalCost cost, AssimilationWindow window, double reduction, CancellationToken cancellation,
        Action<int, QuasiNewtonEvaluation> evaluated) : this(new(cost, window, reduction, cancellation, evaluated))
    {
    }

    private WindowObjective(Shared shared)
    {
        this.shared = shared;
        Point = Vector<double>.Build.Dense((int)shared.Cost.Background(shared.Window).Values.size(1));
        here = (0, Point);
    }

    /// <summary>Thrown to leave a minimiser once the gradient has fallen to the requested level.</summary>
    public sealed class ReducedException : Exception;

    /// <summary>The number of line searches begun so far.</summary>
    public int Iterations => shared.Iterations;

    /// <summary>Whether the gradient has fallen to the requested level.</summary>
    public bool IsReduced => shared.IsReduced;

    /// <summary>A tolerance for MathNet's gradient that is never reached before ours.</summary>
    public double SmallestGradient => here.Gradient.L2Norm() * Math.Min(Math.Max(1e-16, shared.Reduction) / Math.Sqrt(Point.Count),
        0.01 / Large);

    /// <summary>Evaluates at the background.</summary>
    public void Start() => EvaluateAtAny(Point);

    /// <summary>The exception thrown inside a minimiser's call, if any.</summary>
    public void Rethrow() => shared.Thrown?.Throw();

    /// <summary>The course of the minimisation.</summary>
    public QuasiNewtonReport Report(QuasiNewtonStop stop, string message = "") => new(shared.Iterations, stop, shared.Evaluations,
        shared.Best.Evaluation, message);

    /// <summary>The run and the cost of the lowest evaluation; they belong to the caller's dispose scope.</summary>
    public FourDimensionalVariationalResult Result()
    {
        var control = shared.Control(shared.Best.Point);
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
    public Matrix<double> Hessian => throw new UnreachableException("A quasi-Newton method uses no Hessian.");

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

    // The state that all objectives of one minimisation share.
    private sealed class Shared(FourDimensionalVariationalCost cost, AssimilationWindow window, double reduction,
        CancellationToken cancellation,
        Action<int, QuasiNewtonEvaluation> evaluated)
    {
        public FourDimensionalVariationalCost Cost => cost;
        public AssimilationWindow Window => window;
        public double Reduction => reduction;
        public List<QuasiNewtonEvaluation> Evaluations { get; } = [];
        public int Iterations { get; set; }
        public bool IsReduced { get; private set; }
        public (Vector<double> Point, QuasiNewtonEvaluation Evaluation) Best { get; private set; }
        public (Vector<double> Point, (double, Vector<double>) Found)? Last { get; private set; }
        public ExceptionDispatchInfo? Thrown { get; set; }

        private double unit = 1;
        private readonly double roundOff = window.Background.Values.dtype == ScalarType.Float64 ? 1e-12 : 1e-6;

        public ControlVector Control(Vector<double> point) =>
            new(window.Background.Values.Numbers(point.Multiply(unit)).reshape(1, point.Count));

        public (double Value, Vector<double> Gradient) Evaluate(Vector<double> point)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var control = Control(point);
            var run = cost.Run(window, control);
            var value = cost.Value(run, control);
            bool first = Evaluations.Count == 0;
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
            Evaluations.Add(finite ? new(Iterations, total, [.. value.Parts.Select(part => (part.Term, part.Value.ToDouble()))], length)
                : new(Iterations, double.PositiveInfinity, [], double.PositiveInfinity));
            evaluated(Iterations, Evaluations[^1]);
            // A rise within round-off is no rise.
            if (first || (finite && total <= Best.Evaluation.Cost + roundOff * Math.Abs(Best.Evaluation.Cost)))
            {
                Best = (point.Clone(), Evaluations[^1]);
                IsReduced = length <= reduction * Evaluations[0].GradientNorm;
            }
            if (first) unit = Unit(gradient, length);
            double scale = Evaluations[0].Cost == 0 ? 1 : 1 / Math.Abs(Evaluations[0].Cost);
            var found = finite ? ((total - Evaluations[0].Cost) * scale, Vector<double>.Build.Dense(gradient).Multiply(scale * unit))
                : (Worst, Vector<double>.Build.Dense(point.Count));
            Last = (point.Clone(), found);
            return found;
        }

        // The factor of the vector along the gradient g for which |v|^2 in C is one: |g| / (g^T C g)^(1/2).
        private double Unit(double[] gradient, double length)
        {
            double inPrior = Math.Sqrt(2 * cost.PriorCost(window, Control(Vector<double>.Build.Dense(gradient))).ToDouble());
            return inPrior > 0 && double.IsFinite(length / inPrior) ? Large * length / inPrior : Large;
        }
    }
}
