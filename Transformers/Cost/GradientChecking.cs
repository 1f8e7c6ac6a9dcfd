using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Computes 4D-Var's gradient by differences of its cost, to check the adjoint's gradient and to compare the price.</summary>
public static class GradientChecking
{
    // Differences with a larger relative error in the slope cannot judge a gradient.
    private const double CoarsestResolution = 0.03;

    // The allowed error of a correct gradient, as a factor of the accuracy of the differences.
    private const double Slack = 10;

    /// <summary>
    /// dJ/dv by forward differences, (J(v + h e_i) - J(v)) / h for each component: m + 1 runs of the model where the adjoint takes one
    /// and one back-propagation. Accurate to about h, or to round-off over h.
    /// </summary>
    /// <param name="cost">J</param>
    /// <param name="window">The window.</param>
    /// <param name="control">v, <c>[batch, m]</c></param>
    /// <param name="step">h, above zero.</param>
    /// <param name="atOnce">The number of components that run as one batch (default: 1, one model run after the other); a batch as large
    /// as m is fastest, and takes m times the memory of a trajectory.</param>
    /// <param name="cancellation">Checked before every run.</param>
    /// <exception cref="ArgumentException">The window or the control vector does not fit, or a number is out of range.</exception>
    public static ControlVector GradientByDifferences(this FourDimensionalVariationalCost cost, AssimilationWindow window,
        ControlVector control, double step = 1e-6,
        long atOnce = 1, CancellationToken cancellation = default)
    {
        Require.Positive(step);
        Require.AtLeast(atOnce, 1);
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        long m = cost.ControlDimension(window);
        var here = Costs(cost, window, control.Values.unsqueeze(1));
        var slopes = empty_like(control.Values);
        for (long first = 0; first < m; first += atOnce)
        {
            cancellation.ThrowIfCancellationRequested();
            using var inner = NewDisposeScope();
            long count = Math.Min(atOnce, m - first);
            var directions = control.Values.new_zeros([count, m]);
            directions.narrow(1, first, count).copy_(step * directions.Identity(count));
            slopes.narrow(1, first, count).copy_((Costs(cost, window, control.Values.unsqueeze(1) + directions) - here) / step);
        }
        return new(slopes.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// Checks the gradient of a cost against differences of the cost itself, and the symmetry of its Gauss-Newton Hessian. The check
    /// shows if model, observation operator and terms have the derivatives that they claim. Every step size takes two runs of the model
    /// per direction, in one batch.
    /// </summary>
    /// <param name="cost">J</param>
    /// <param name="window">The window.</param>
    /// <param name="control">v, the point of the check, <c>[batch, m]</c>; null = a random vector of the size of a typical prior error.
    /// Near the minimum, where the gradient vanishes, the check cannot decide.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    /// <param name="cancellation">Checked before every run.</param>
    /// <exception cref="ArgumentException">The window or the control vector does not fit, or a setting is out of range.</exception>
    public static GradientCheck CheckGradient(this FourDimensionalVariationalCost cost, AssimilationWindow window,
        ControlVector? control = null,
        GradientCheckOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new();
        Require.AtLeast(options.Directions, 1, nameof(options.Directions));
        Require.Positive(options.Tolerance, nameof(options.Tolerance));
        foreach (double step in options.Steps) Require.Positive(step, nameof(options.Steps));
        if (options.Steps.Count < 3 || options.Steps.Zip(options.Steps.Skip(1)).Any(pair => pair.Second >= pair.First))
            throw new ArgumentException($"The step sizes of a check must be three or more, from the largest; given: " +
                $"{string.Join(", ", options.Steps)}.", nameof(options));
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        using var random = new RandomStream(options.Seed, "gradient-check", window.Background.Values.device);
        var background = cost.Background(window);
        long m = background.Values.size(1);
        Tensor Drawn() => Typical(cost, window, random.Normal([window.Batch, m], background.Values.dtype));
        var v = control ?? new ControlVector(Drawn());
        Require.Shape(v.Values, "The control vector of a check", window.Batch, m);
        var directions = options.WholeGradient                                                               // d, [batch, D, m]
            ? stack([.. Enumerable.Range(0, (int)m).Select(i => Typical(cost, window, Unit(background.Values, i)))], 1)
            : stack([.. Enumerable.Range(0, options.Directions).Select(_ => Drawn())], 1);

        var run = cost.Run(window, v);
        var value = cost.Value(run, v);
        if (!value.Total.isfinite().all().ToBoolean())
            throw new ArithmeticException($"The cost is not finite where its gradient is to be checked.{cost.Origin(run)} Give a control " +
                "vector closer to the background.");
        var gradient = cost.Gradient(run, v);
        var (u, w) = (new ControlVector(Drawn()), new ControlVector(Drawn()));
        ControlVector hu = cost.HessianProduct(run, u), hw = cost.HessianProduct(run, w);
        var asymmetry = Doubles((u.Dot(hw) - w.Dot(hu)).abs() / (u.Dot(u) * hw.Dot(hw)).sqrt());
        var slopes = (directions * gradient.Values.unsqueeze(1)).sum(-1).to(ScalarType.Float64);             // d^T g, [batch, D]
        var here = value.Total.to(ScalarType.Float64).unsqueeze(-1);

        var differences = new List<Tensor>();
        var remainders = new List<double[]>();
        foreach (double step in options.Steps)
        {
            cancellation.ThrowIfCancellationRequested();
            using var inner = NewDisposeScope();
            var forward = Costs(cost, window, v.Values.unsqueeze(1) + step * directions).to(ScalarType.Float64);
            var backward = Costs(cost, window, v.Values.unsqueeze(1) - step * directions).to(ScalarType.Float64);
            differences.Add(((forward - backward) / (2 * step)).MoveToOuterDisposeScope());
            remainders.Add(Doubles((forward - here - step * slopes).square().mean([-1]).sqrt()));
        }
        var errors = differences.Select(difference => Apart(difference, slopes)).ToList();
        // How far the differences of two neighbouring steps deviate from each other: round-off grows on one side, truncation on the
        // other.
        var apart = differences.Zip(differences.Skip(1)).Select(pair => Apart(pair.First, pair.Second)).ToList();
        return new([.. Enumerable.Range(0, (int)window.Batch).Select(i => Judged(i, options, errors, remainders, apart, asymmetry[i],
            background.Values.dtype))],
            m, directions.size(1));
    }

    private static GradientCheckTrajectory Judged(int i, GradientCheckOptions options, List<double[]> errors, List<double[]> remainders,
        List<double[]> apart,
        double asymmetry, ScalarType precision)
    {
        var steps = options.Steps.Select((step, k) => new GradientCheckStep(step, errors[k][i], remainders[k][i])).ToList();
        int best = Enumerable.Range(1, steps.Count - 2).MinBy(k => Finite(Math.Max(apart[k - 1][i], apart[k][i])));
        double resolution = Finite(Math.Max(apart[best - 1][i], apart[best][i])), error = Finite(errors[best][i]);
        double symmetric = precision == ScalarType.Float64 ? 1e-5 : 1e-3;
        string? failure = null;
        if (resolution > CoarsestResolution)
            failure = "the check cannot decide, since differences of neighbouring steps do not agree. Either the cost is too rough (a " +
                "network in single precision: give larger steps, or weights in double precision), or the gradient is near zero (check " +
                "away from the minimum).";
        else if (error > Math.Max(options.Tolerance, Slack * resolution))
            failure = $"the gradient is not that of the cost: its relative error is {error:g2}, where differences are accurate to " +
                $"{resolution:g2}. Test the adjoint of the model (DynamicsConformance), of the observation operator " +
                "(ObservationOperatorConformance) and of terms of your own.";
        else if (!(asymmetry <= symmetric))
            failure = $"the gradient is right, but the Gauss-Newton Hessian is not symmetric ({asymmetry:g2}): a tangent linear is not " +
                "the transpose of its adjoint. " +
                "Test that of the model (DynamicsConformance), of the observation operator (ObservationOperatorConformance) and of terms " +
                "of your own.";
        return new(i, steps, error, resolution, asymmetry, failure);
    }

    private static double Finite(double value) => double.IsNaN(value) ? double.PositiveInfinity : value;

    // J of several control vectors of each trajectory, [batch, k, m] -> [batch, k], as one batch.
    private static Tensor Costs(FourDimensionalVariationalCost cost, AssimilationWindow window, Tensor controls)
    {
        using var scope = NewDisposeScope();
        long k = controls.size(1);
        var all = new ControlVector(controls.reshape(window.Batch * k, controls.size(2)));
        var repeated = k == 1 ? window : window.Repeated(k);
        return cost.Value(cost.Run(repeated, all), all).Total.reshape(window.Batch, k).MoveToOuterDisposeScope();
    }

    // Scales the vector to the typical length of the prior terms, d^T C d = m.
    private static Tensor Typical(FourDimensionalVariationalCost cost, AssimilationWindow window, Tensor vector) =>
        vector * (vector.size(1) / (2 * cost.PriorCost(window, new ControlVector(vector)))).sqrt().unsqueeze(-1);

    private static Tensor Unit(Tensor like, int component)
    {
        var unit = zeros_like(like);
        unit.select(1, component).fill_(1);
        return unit;
    }

    // The distance of two vectors of slopes, [batch, D] -> [batch], relative to the longer one.
    private static double[] Apart(Tensor a, Tensor b) => Doubles(Length(a - b) / maximum(Length(a), Length(b)));

    private static Tensor Length(Tensor vectors) => vectors.square().sum(-1).sqrt();

    private static double[] Doubles(Tensor values) => [.. values.to(ScalarType.Float64).ToArray<double>()];
}
