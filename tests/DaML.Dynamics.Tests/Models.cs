using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>x' = A x, so that the exact flow is known.</summary>
internal sealed class Rotation(double timeStep) : Dynamics(2, timeStep)
{
    protected override Tensor Tendency(Tensor state) => stack([-state.select(-1, 1), state.select(-1, 0)], -1);
}

/// <summary>x' = cos t, whatever x.</summary>
internal sealed class Forced(double timeStep) : Dynamics(1, timeStep)
{
    protected override Tensor Tendency(Tensor state) => Tendency(state, 0);
    protected override Tensor Tendency(Tensor state, double time) => full_like(state, Math.Cos(time));
}

/// <summary>x' = a x - x^3 with a parameter to be learned.</summary>
internal sealed class Trainable(Tensor parameter) : Dynamics(2, 0.1)
{
    protected override Tensor Tendency(Tensor state) => parameter * state - state.pow(3);
}

/// <summary>Lorenz-63 with tangent linear and adjoint written by hand for a forward Euler step, right or wrong.</summary>
internal sealed class HandWritten(HandWritten.Fault fault = HandWritten.Fault.None) : DiscreteDynamics(3, 0.01)
{
    public enum Fault { None, TangentLinear, Adjoint, Both, BatchMixing, Noise, ChangesItsInput, NoGraph, InfiniteAtRest }

    private static int calls;

    protected override Tensor Step(Tensor state, double time)
    {
        var x = fault == Fault.NoGraph ? state.detach() : state;
        var (a, b, c) = Split(x);
        var step = x + 0.01 * stack([10 * (b - a), a * (28 - c) - b, a * b - 8.0 / 3 * c], -1);
        return fault switch
        {
            Fault.BatchMixing when state.ndim > 1 => step + 1e-6 * state.mean([0], keepdim: true),
            Fault.Noise => step + 1e-9 * Interlocked.Increment(ref calls),
            Fault.ChangesItsInput => Spoil(state, step),
            Fault.InfiniteAtRest => step / (state - state),
            _ => step,
        };
    }

    protected override (Tensor State, Tensor Perturbation) StepTangentLinear(Tensor state, Tensor perturbation, double time)
    {
        var (a, b, c) = Split(state);
        var (da, db, dc) = Split(perturbation);
        double wrong = fault is Fault.TangentLinear or Fault.Both ? 1.001 : 1;
        return (Step(state, time),
            perturbation + 0.01 * stack([10 * (db - da), da * (28 - c) - wrong * a * dc - db, da * b + a * db - 8.0 / 3 * dc], -1));
    }

    protected override Tensor StepAdjoint(Tensor state, Tensor sensitivity, double time)
    {
        var (a, b, c) = Split(state);
        var (u, v, w) = Split(sensitivity);
        double wrong = fault is Fault.Adjoint or Fault.Both ? 1.001 : 1;
        return sensitivity + 0.01 * stack([-10 * u + (28 - c) * v + b * w, 10 * u - v + a * w, -wrong * a * v - 8.0 / 3 * w], -1);
    }

    private static (Tensor, Tensor, Tensor) Split(Tensor x) => (x.select(-1, 0), x.select(-1, 1), x.select(-1, 2));

    private static Tensor Spoil(Tensor state, Tensor step)
    {
        state.add_(1e-9);
        return step;
    }
}

/// <summary>Lorenz-96 as a user would write it: the tendency and nothing more.</summary>
internal sealed class PlainLorenz96(long dimension = 40) : Dynamics(dimension, 0.05)
{
    protected override Tensor Tendency(Tensor state) => (state.roll(-1, -1) - state.roll(2, -1)) * state.roll(1, -1) - state + 8;
}

/// <summary>Tomorrow as today: the map hands back what it is given.</summary>
internal sealed class Persistence() : DiscreteDynamics(3, 1)
{
    protected override Tensor Step(Tensor state, double time) => state;
    protected override (Tensor State, Tensor Perturbation) StepTangentLinear(Tensor state, Tensor perturbation, double time) =>
        (state, perturbation);
    protected override Tensor StepAdjoint(Tensor state, Tensor sensitivity, double time) => sensitivity;
}

/// <summary>A tendency of one component where the state has two.</summary>
internal sealed class HalfATendency() : Dynamics(2, 0.1)
{
    protected override Tensor Tendency(Tensor state) => state.select(-1, 0);
}
