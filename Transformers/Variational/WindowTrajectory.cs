namespace DaML;

/// <summary>Something at every time step of a window: the states of a model run, the increments along it, the sensitivities that an adjoint carries back.</summary>
/// <param name="window">The window.</param>
/// <param name="steps">One for each of the window's K + 1 times.</param>
/// <typeparam name="T"><see cref="State"/>, <see cref="Increment"/> or <see cref="Sensitivity"/>.</typeparam>
public sealed class WindowTrajectory<T>(AssimilationWindow window, IReadOnlyList<T> steps) where T : struct
{
    /// <summary>The window it runs through.</summary>
    public AssimilationWindow Window => window;

    /// <summary>All of it, in order of time.</summary>
    public IReadOnlyList<T> Steps { get; } = steps.Count == window.Steps + 1 ? steps
        : throw new ArgumentException($"The trajectory of a window of {window.Steps} steps has {window.Steps + 1} times; given: {steps.Count}.", nameof(steps));

    /// <summary>At the window's beginning.</summary>
    public T Start => steps[0];

    /// <summary>At the window's end.</summary>
    public T End => steps[^1];

    /// <summary>At a step, from 0.</summary>
    public T this[int step] => steps[step];

    /// <summary>At a time.</summary>
    /// <exception cref="ArgumentException">The time is outside of the window or between two steps.</exception>
    public T At(double time) => steps[window.StepOf(time)];
}
