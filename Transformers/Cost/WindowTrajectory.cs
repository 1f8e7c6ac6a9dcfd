namespace DaML.Components;

/// <summary>
/// Values at the time steps of a window: the states of a model run, the increments along it, the sensitivities that an adjoint
/// back-propagates. States exist at every step; increments and sensitivities given to a term exist at the steps that it uses
/// (<see cref="ICostTerm.UsedSteps"/>, <see cref="IPriorTerm.UsedSteps"/>). Access to any other step is refused with an
/// <see cref="InvalidOperationException"/>.
/// </summary>
/// <typeparam name="T"><see cref="State"/>, <see cref="Increment"/> or <see cref="Sensitivity"/>.</typeparam>
public sealed class WindowTrajectory<T> where T : struct
{
    private readonly IReadOnlyList<T>? all;
    private readonly T?[] some = [];
    private readonly TermSteps? term;

    /// <summary>Makes a trajectory of all steps.</summary>
    /// <param name="window">The window.</param>
    /// <param name="steps">One for each of the window's K + 1 times.</param>
    /// <exception cref="ArgumentException">The number of steps differs from the window's.</exception>
    public WindowTrajectory(AssimilationWindow window, IReadOnlyList<T> steps)
    {
        Window = window;
        all = steps.Count == window.Steps + 1 ? steps
            : throw new ArgumentException(
                $"The trajectory of a window of {window.Steps} steps has {window.Steps + 1} times; given: {steps.Count}.", nameof(steps));
    }

    /// <summary>Makes a trajectory of the steps that a term uses.</summary>
    /// <param name="window">The window.</param>
    /// <param name="some">One for each of the window's K + 1 times; not null at the steps that the term uses.</param>
    /// <param name="term">The steps of the term.</param>
    internal WindowTrajectory(AssimilationWindow window, T?[] some, TermSteps term) =>
        (Window, this.some, this.term) = (window, some, term);

    /// <summary>The window of the trajectory.</summary>
    public AssimilationWindow Window { get; }

    /// <summary>All steps, in order of time.</summary>
    /// <exception cref="InvalidOperationException">The term that received it does not use every step.</exception>
    public IReadOnlyList<T> Steps => all ?? [.. Enumerable.Range(0, Window.Steps + 1).Select(step => this[step])];

    /// <summary>At the window's beginning.</summary>
    /// <exception cref="InvalidOperationException">The term that received it does not use that step.</exception>
    public T Start => this[0];

    /// <summary>At the window's end.</summary>
    /// <exception cref="InvalidOperationException">The term that received it does not use that step.</exception>
    public T End => this[Window.Steps];

    /// <summary>At a step, from 0.</summary>
    /// <exception cref="InvalidOperationException">The term that received it does not use that step.</exception>
    public T this[int step] => all is not null ? all[step] : some[term!.Checked(step)]!.Value;

    /// <summary>At a time.</summary>
    /// <exception cref="ArgumentException">The time is outside the window or between two steps.</exception>
    /// <exception cref="InvalidOperationException">The term that received it does not use that step.</exception>
    public T At(double time) => this[Window.StepOf(time)];
}
