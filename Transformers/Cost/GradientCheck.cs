using System.Globalization;
using System.Text;

namespace DaML.Components;

/// <summary>Settings of a check of 4D-Var's gradient, with their defaults.</summary>
public sealed record GradientCheckOptions
{
    /// <summary>The number of random directions of the check (default: 5).</summary>
    public int Directions { get; init; } = 5;

    /// <summary>Whether to check every component of the control vector, by two model runs each, instead of random directions (default:
    /// no).</summary>
    public bool WholeGradient { get; init; }

    /// <summary>
    /// The step sizes, from the largest, three or more (default: 1e-1 to 1e-7, a factor of ten apart). A step of size one is a typical
    /// vector of the prior terms: d^T C d = m, which with the control variable transform is the length of a draw from N(0, I).
    /// </summary>
    public IReadOnlyList<double> Steps { get; init; } = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7];

    /// <summary>The relative error allowed for a correct gradient if differences resolve it that well (default: 1e-6).</summary>
    public double Tolerance { get; init; } = 1e-6;

    /// <summary>The seed of directions and control vector (default: 1); they come from the stream <c>gradient-check</c>.</summary>
    public long Seed { get; init; } = 1;
}

/// <summary>The result of one step size.</summary>
/// <param name="Step">h</param>
/// <param name="DifferenceError">|D - d^T g| over all directions d, as a fraction of the larger of |D| and |d^T g|, with the central
/// difference D = (J(v + h d) - J(v - h d)) / 2h.</param>
/// <param name="Remainder">|J(v + h d) - J(v) - h d^T g|, root mean square over directions: it falls with h^2 down to round-off if g is
/// the gradient, with h if not.</param>
public sealed record GradientCheckStep(double Step, double DifferenceError, double Remainder);

/// <summary>The result of a check for one trajectory of the window.</summary>
/// <param name="Trajectory">The number of the trajectory, from 0.</param>
/// <param name="Steps">The result of each step size, from the largest.</param>
/// <param name="RelativeError">The error of the gradient against the central difference of the best-resolved step.</param>
/// <param name="Resolution">The relative accuracy of that difference: how far differences of the next larger and smaller step deviate
/// from it.</param>
/// <param name="HessianAsymmetry">|u^T H w - w^T H u| / (|u| |H w|), of the Gauss-Newton Hessian.</param>
/// <param name="Failure">The failure and the place to look; null if the check passed.</param>
public sealed record GradientCheckTrajectory(int Trajectory, IReadOnlyList<GradientCheckStep> Steps, double RelativeError,
    double Resolution, double HessianAsymmetry, string? Failure);

/// <summary>A check of 4D-Var's gradient and Gauss-Newton Hessian by differences of the cost; its text is a table with a verdict.</summary>
/// <param name="Trajectories">For each trajectory of the window.</param>
/// <param name="ControlDimension">m</param>
/// <param name="Directions">The number of directions; m for the whole gradient.</param>
public sealed record GradientCheck(IReadOnlyList<GradientCheckTrajectory> Trajectories, long ControlDimension, long Directions)
{
    /// <summary>Whether gradient and Hessian are correct in every trajectory.</summary>
    public bool IsRight => Trajectories.All(trajectory => trajectory.Failure is null);

    /// <summary>The largest of the trajectories' relative errors.</summary>
    public double RelativeError => Trajectories.Max(trajectory => trajectory.RelativeError);

    /// <inheritdoc/>
    public override string ToString()
    {
        var worst = Trajectories.FirstOrDefault(trajectory => trajectory.Failure is not null) ?? Trajectories.MaxBy(trajectory =>
            trajectory.RelativeError)!;
        var text = new StringBuilder();
        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
        string along = Directions == ControlDimension ? $"all {Directions} components" : $"{Directions} directions of {ControlDimension}";
        Line($"Gradient along {along}, trajectory {worst.Trajectory} of {Trajectories.Count} (from 0), the worst:");
        Line($"{"step",10}{"error",12}{"remainder",12}{"falls by",10}");
        for (int k = 0; k < worst.Steps.Count; k++)
        {
            var step = worst.Steps[k];
            string falls = k == 0 ? "" : (worst.Steps[k - 1].Remainder / step.Remainder).ToString("f1", CultureInfo.InvariantCulture);
            Line($"{step.Step,10:g2}{step.DifferenceError,12:e2}{step.Remainder,12:e2}{falls,10}");
        }
        Line($"relative error {worst.RelativeError:e2}, accuracy of the differences {worst.Resolution:e2}");
        Line($"asymmetry of the Hessian {worst.HessianAsymmetry:e2}");
        text.Append(worst.Failure is { } failure ? "WRONG: " + failure : "right");
        return text.ToString();
    }
}
