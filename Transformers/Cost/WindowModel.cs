using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A model through a window, forced by increments: x_0 = x_b + f_0, x_k = M(x_{k-1}) + f_k. Its states are kept, and it is linearised
/// along them (<see cref="WindowLinearisation"/>).
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

    /// <summary>The model linearised along a trajectory.</summary>
    /// <param name="at">x</param>
    /// <param name="marks">The steps that matter, in order of time, the first one 0.</param>
    public WindowLinearisation Linearise(WindowTrajectory<State> at, IReadOnlyList<int> marks) => new(dynamics, at, marks);

    // The step that ends at the time with this number.
    private static TimeInterval Interval(AssimilationWindow window, int step) => new(window.TimeOf(step - 1), window.TimeOf(step));

    private static State Forced(Tensor state, Increment? force) =>
        force is { } increment ? new State(state) + increment : new State(state.alias());
}
