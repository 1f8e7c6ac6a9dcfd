using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A model through a window, forced by increments: x_0 = x_b + f_0, x_k = M(x_{k-1}) + f_k. Its states are kept, so that its
/// tangent linear and adjoint take one step at a time and run the nonlinear model no further.
/// </summary>
/// <param name="dynamics">M</param>
internal sealed class WindowModel(IDynamics dynamics)
{
    public WindowTrajectory<State> Run(AssimilationWindow window, WindowContributions<Increment> forcing)
    {
        var states = new List<State>(window.Steps + 1) { Forced(window.Background.Values, forcing[0]) };
        for (int step = 1; step <= window.Steps; step++)
        {
            using var scope = NewDisposeScope();
            var forced = Forced(dynamics.Advance(states[^1].Values, Interval(window, step)), forcing[step]);
            states.Add(new(forced.Values.MoveToOuterDisposeScope()));
        }
        return new(window, states);
    }

    /// <summary>dx_0 = f_0, dx_k = M' dx_{k-1} + f_k.</summary>
    public WindowTrajectory<Increment> TangentLinear(WindowTrajectory<State> at, WindowContributions<Increment> forcing)
    {
        var window = at.Window;
        var increments = new List<Increment>(window.Steps + 1) { forcing[0] ?? new(window.Zeros(window.Dimension)) };
        for (int step = 1; step <= window.Steps; step++)
        {
            using var scope = NewDisposeScope();
            var next = new Increment(dynamics.TangentLinear(at[step - 1].Values, increments[^1].Values, Interval(window, step)));
            if (forcing[step] is { } force) next += force;
            increments.Add(new(next.Values.MoveToOuterDisposeScope()));
        }
        return new(window, increments);
    }

    /// <summary>The sensitivity to the state at each step, through all that the model makes of it: a_K = s_K, a_k = M'^T a_{k+1} + s_k.</summary>
    public WindowTrajectory<Sensitivity> Adjoint(WindowTrajectory<State> at, WindowContributions<Sensitivity> contributions)
    {
        var window = at.Window;
        var sensitivities = new Sensitivity[window.Steps + 1];
        var zero = new Sensitivity(window.Zeros(window.Dimension));
        Sensitivity? later = null; // none where nothing later depends on the state
        for (int step = window.Steps; step >= 0; step--)
        {
            using var scope = NewDisposeScope();
            if (later is { } known)
            {
                var back = new Sensitivity(dynamics.Adjoint(at[step].Values, known.Values, Interval(window, step + 1)));
                if (contributions[step] is { } here) back += here;
                later = new(back.Values.MoveToOuterDisposeScope());
            }
            else later = contributions[step];
            sensitivities[step] = later ?? zero;
        }
        return new(window, sensitivities);
    }

    // The step that ends at the time of this number.
    private static TimeInterval Interval(AssimilationWindow window, int step) => new(window.TimeOf(step - 1), window.TimeOf(step));

    private static State Forced(Tensor state, Increment? force) => force is { } increment ? new State(state) + increment : new State(state.alias());
}
