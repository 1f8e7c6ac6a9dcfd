using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The two-scale model of Lorenz (1996, Predictability, ECMWF), with the settings of Wilks (2005, Q. J. R. Meteorol. Soc. 131, 389-407):
/// slow variables X_k, k = 1..K, each coupled to J fast ones Y_jk. The fast variables lie on one circle of J K sites:
/// <code>
/// X_k'  = X_{k-1} (X_{k+1} - X_{k-2}) - X_k + F - (h c / b) sum_j Y_jk
/// Y_jk' = c b Y_{j+1,k} (Y_{j-1,k} - Y_{j+2,k}) - c Y_jk + (h c / b) X_k
/// </code>
/// The state is [X_1 .. X_K, Y_11 .. Y_J1, Y_12 .. Y_JK], <c>[K (1 + J)]</c>. A time unit stands for five days.
/// </summary>
[Component("two-scale-lorenz-96")]
public sealed class TwoScaleLorenz96 : ParametricDynamics
{
    /// <summary>Creates a model.</summary>
    /// <param name="slow">K, at least 4.</param>
    /// <param name="fast">J, the number of fast variables of each slow one, at least 1.</param>
    /// <param name="forcing">F; Wilks took 18 and 20.</param>
    /// <param name="coupling">h.</param>
    /// <param name="scaleRatio">b, the factor by which the fast variables are smaller; not zero.</param>
    /// <param name="speedRatio">c, the factor by which they are faster.</param>
    /// <param name="timeStep">
    /// The length of a Runge-Kutta step. The fast variables need a tenth of what the slow ones would need; 0.005 reproduces the climate,
    /// Wilks's own 0.0001 also the trajectory.
    /// </param>
    public TwoScaleLorenz96(long slow = 8, long fast = 32, double forcing = 20, double coupling = 1, double scaleRatio = 10,
        double speedRatio = 10, double timeStep = 0.005)
        : base(Require.AtLeast(slow, 4) * (1 + Require.AtLeast(fast, 1)), timeStep,
            new("forcing", forcing), new("coupling", coupling), new("scaleRatio", scaleRatio), new("speedRatio", speedRatio))
    {
        if (scaleRatio == 0)
            throw new ArgumentOutOfRangeException(nameof(scaleRatio), scaleRatio, "'scaleRatio' divides the coupling; it cannot be zero.");
        (Slow, Fast) = (slow, fast);
    }

    /// <inheritdoc/>
    public override string Name => "two-scale Lorenz-96";

    /// <summary>The number K of slow variables, which come first in the state.</summary>
    public long Slow { get; }

    /// <summary>The number J of fast variables for each slow one.</summary>
    public long Fast { get; }

    /// <summary>F.</summary>
    public double Forcing => Parameters[0].Value;

    /// <summary>h.</summary>
    public double Coupling => Parameters[1].Value;

    /// <summary>b.</summary>
    public double ScaleRatio => Parameters[2].Value;

    /// <summary>c.</summary>
    public double SpeedRatio => Parameters[3].Value;

    /// <summary>
    /// On the attractor, 10 time units after slow variables of standard deviation 1 and fast ones of 0.1; the integrator would be
    /// unstable for larger fast ones.
    /// </summary>
    public override IInitialCondition InitialCondition
    {
        get
        {
            using var scope = NewDisposeScope();
            var variances = cat([ones(Slow, dtype: ScalarType.Float64), full(Slow * Fast, 0.01, dtype: ScalarType.Float64)]);
            return new AttractorInitialCondition(this, 10,
                new GaussianInitialCondition(zeros_like(variances), ErrorCovariance.Diagonal(variances)));
        }
    }

    /// <inheritdoc/>
    protected override Tensor Tendency(Tensor state, Tensor parameters)
    {
        var (forcing, h, b, c) = Split(parameters);
        var (x, y) = Scales(state);
        var exchange = h * c / b;
        var dx = Advection(x, x, 1) - x + forcing - exchange * SumOfFast(y);
        var dy = c * (b * Advection(y, y, -1) - y) + exchange * ToFast(x);
        return cat([dx, dy], -1);
    }

    /// <inheritdoc/>
    protected override Tensor TendencyTangentLinear(Tensor state, Tensor parameters, Tensor perturbation, double time)
    {
        var (_, h, b, c) = Split(parameters);
        var exchange = h * c / b;
        var (x, y) = Scales(state);
        var (dx, dy) = Scales(perturbation);
        return cat([
            Advection(dx, x, 1) + Advection(x, dx, 1) - dx - exchange * SumOfFast(dy),
            b * c * (Advection(dy, y, -1) + Advection(y, dy, -1)) - c * dy + exchange * ToFast(dx)], -1);
    }

    /// <inheritdoc/>
    protected override Tensor TendencyParameterTangentLinear(Tensor state, Tensor parameters, Tensor perturbation, double time)
    {
        var (_, h, b, c) = Split(parameters);
        var (dForcing, dh, db, dc) = Split(perturbation);
        var (x, y) = Scales(state);
        var dExchange = (dh * c + h * dc - h * c / b * db) / b;
        return cat([
            dForcing - dExchange * SumOfFast(y),
            (dc * b + c * db) * Advection(y, y, -1) - dc * y + dExchange * ToFast(x)], -1);
    }

    /// <inheritdoc/>
    protected override Tensor TendencyAdjoint(Tensor state, Tensor sensitivity, double time)
    {
        var (b, c, exchange) = Coefficients();
        var (x, y) = Scales(state);
        var (u, v) = Scales(sensitivity);
        return cat([
            AdvectionAdjoint(x, u, 1) - u + exchange * SumOfFast(v),
            b * c * AdvectionAdjoint(y, v, -1) - c * v - exchange * ToFast(u)], -1);
    }

    // X and Y.
    private (Tensor Slow, Tensor Fast) Scales(Tensor state) => (state.narrow(-1, 0, Slow), state.narrow(-1, Slow, Slow * Fast));

    // u_{k-d} (v_{k+d} - v_{k-2d}) on a circle: d = 1 for the slow variables, -1 for the fast ones, whose waves travel the other way.
    private static Tensor Advection(Tensor u, Tensor v, long d) => u.roll(d, -1) * (v.roll(-d, -1) - v.roll(2 * d, -1));

    // The adjoint of dx -> Advection(dx, x) + Advection(x, dx).
    private static Tensor AdvectionAdjoint(Tensor x, Tensor w, long d)
    {
        var carried = w * x.roll(d, -1);
        return (w * (x.roll(-d, -1) - x.roll(2 * d, -1))).roll(-d, -1) + carried.roll(d, -1) - carried.roll(-2 * d, -1);
    }

    // sum_j Y_jk, and its transpose X_k for each (j, k).
    private Tensor SumOfFast(Tensor y) => y.reshape([.. y.Sizes()[..^1], Slow, Fast]).sum([-1]);

    private Tensor ToFast(Tensor x) => x.unsqueeze(-1).expand([.. x.Sizes(), Fast]).reshape([.. x.Sizes()[..^1], Slow * Fast]);

    // F, h, b and c, each beside the whole state.
    private static (Tensor Forcing, Tensor H, Tensor B, Tensor C) Split(Tensor parameters) =>
        (parameters.narrow(-1, 0, 1), parameters.narrow(-1, 1, 1), parameters.narrow(-1, 2, 1), parameters.narrow(-1, 3, 1));

    // b, c and h c / b.
    private (double B, double C, double Exchange) Coefficients()
    {
        double h = Parameters[1].Value, b = Parameters[2].Value, c = Parameters[3].Value;
        return (b, c, h * c / b);
    }
}
