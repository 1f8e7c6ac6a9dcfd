using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The model of Lorenz (1996, Predictability, ECMWF), also called Lorenz-95: x_i' = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + F on a circle of
/// n sites. A time unit stands for five days.
/// </summary>
/// <param name="dimension">Number of sites n, at least 4.</param>
/// <param name="forcing">F; 8 is chaotic.</param>
/// <param name="timeStep">Length of a Runge-Kutta step.</param>
[Component("lorenz-96")]
public sealed class Lorenz96(long dimension = 40, double forcing = 8, double timeStep = 0.05)
    : ParametricDynamics(Require.AtLeast(dimension, 4), timeStep, new ModelParameter("forcing", forcing)), IStepKernel, ILaneStep
{
    private readonly ConstantTensor pairForcing = new(tensor([forcing, 0]));

    /// <inheritdoc/>
    public override string Name => "Lorenz-96";

    /// <summary>The forcing F.</summary>
    public double Forcing => Parameters[0].Value;

    /// <inheritdoc/>
    protected override Tensor Tendency(Tensor state, Tensor parameters)
    {
        var (ahead, behind, twoBehind) = Neighbours(state);
        return (parameters - state).addcmul(ahead - twoBehind, behind, 1);
    }

    /// <inheritdoc/>
    protected override Tensor TendencyTangentLinear(Tensor state, Tensor parameters, Tensor perturbation, double time)
    {
        var (ahead, behind, twoBehind) = Neighbours(state);
        var (dAhead, dBehind, dTwoBehind) = Neighbours(perturbation);
        return (ahead - twoBehind) * dBehind + (dAhead - dTwoBehind) * behind - perturbation;
    }

    /// <inheritdoc/>
    protected override Tensor TendencyParameterTangentLinear(Tensor state, Tensor parameters, Tensor perturbation, double time) =>
        perturbation.expand_as(state);

    /// <inheritdoc/>
    protected override Tensor TendencyAdjoint(Tensor state, Tensor sensitivity, double time)
    {
        var (ahead, behind, twoBehind) = Neighbours(state);
        Tensor carried = sensitivity * behind, steered = sensitivity * (ahead - twoBehind);
        return carried.roll(1, -1) - carried.roll(-2, -1) + steered.roll(-1, -1) - sensitivity;
    }

    // x_{i+1}, x_{i-1} and x_{i-2}: views of twice round the circle.
    private (Tensor Ahead, Tensor Behind, Tensor TwoBehind) Neighbours(Tensor state)
    {
        long n = Dimension;
        var x = cat([state, state], -1);
        return (x.narrow(-1, 1, n), x.narrow(-1, n - 1, n), x.narrow(-1, n - 2, n));
    }

    /// <inheritdoc/>
    public override Tensor Advance(Tensor state, TimeInterval interval)
    {
        long steps = CheckState(state, interval);
        return steps > 0 && KernelMemory.Serves(state) ? Lorenz96Kernel.Advance(state, Forcing, TimeStep, steps)
            : base.Advance(state, interval);
    }

    /// <inheritdoc/>
    protected override Tensor Step(Tensor state, double time) =>
        !KernelMemory.Holds(state) ? base.Step(state, time)
        : KernelMemory.Serves(state) ? KernelStep(state)
        : TrackedStep.Of(state, KernelStep, (at, sensitivity) => StepAdjoint(at, sensitivity, time));

    void IStepKernel.Step(ReadOnlySpan<float> states, Span<float> next, double time) =>
        Lorenz96Kernel.Step((int)Dimension, states, next, Forcing, TimeStep);

    void IStepKernel.StepAdjoint(ReadOnlySpan<float> states, Span<float> sensitivities, double time) =>
        Lorenz96Kernel.Adjoint((int)Dimension, states, sensitivities, Forcing, TimeStep);

    double ILaneStep.StepTime => Lorenz96Kernel.TimeOfOne * Dimension;

    int ILaneStep.LaneWorkSize => Lorenz96Lanes.WorkSize((int)Dimension);

    unsafe void ILaneStep.Advance<T>(Vector512<T>* states, Vector512<T>* next, TimeInterval interval, long steps, Vector512<T>* work) =>
        Lorenz96Lanes.Advance(states, next, (int)Dimension, T.CreateChecked(Forcing), T.CreateChecked(TimeStep), steps, work);

    private protected override long LargestJacobian(Tensor state) => KernelMemory.Serves(state) ? 0 : LargestOfOperators;

    private Tensor KernelStep(Tensor state) => Lorenz96Kernel.Advance(state, Forcing, TimeStep, steps: 1);

    /// <inheritdoc/>
    protected override (Tensor State, Tensor Perturbation) StepTangentLinear(Tensor state, Tensor perturbation, double time) =>
        KernelMemory.Serves(state, perturbation) ? Lorenz96Kernel.TangentLinear(state, perturbation, Forcing, TimeStep)
            : StepTogether(state, perturbation, time);

    // x and dx as one state [2, ..., n], whose operators are shared:
    // x' = F - x + (x_{i+1} - x_{i-2}) x_{i-1},  dx' = 0 - dx + (x_{i+1} - x_{i-2}) dx_{i-1} + (dx_{i+1} - dx_{i-2}) x_{i-1}
    private (Tensor State, Tensor Perturbation) StepTogether(Tensor state, Tensor perturbation, double time)
    {
        var both = stack([state, perturbation]);
        var forcing = pairForcing.Like(state).view([2, .. Enumerable.Repeat(1L, (int)state.ndim)]);
        var next = RungeKuttaStep((pair, _) =>
        {
            var (ahead, behind, twoBehind) = Neighbours(pair);
            var difference = ahead - twoBehind;
            var tendency = (forcing - pair).addcmul(difference.narrow(0, 0, 1), behind, 1);
            tendency.select(0, 1).addcmul_(difference.select(0, 1), behind.select(0, 0), 1);
            return tendency;
        }, both, time);
        var parts = next.unbind(0);
        return (parts[0], parts[1]);
    }

    /// <inheritdoc/>
    protected override Tensor StepAdjoint(Tensor state, Tensor sensitivity, double time) =>
        KernelMemory.Serves(state, sensitivity) ? Lorenz96Kernel.Adjoint(state, sensitivity, Forcing, TimeStep)
            : base.StepAdjoint(state, sensitivity, time);
}
