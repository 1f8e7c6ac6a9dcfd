using System.Numerics;

namespace DaML.Components;

/// <summary>
/// Sums over terms at the steps of a window: increments that force the model, or sensitivities for its adjoint. A step has no value until
/// something is added.
/// </summary>
/// <typeparam name="T"><see cref="Increment"/> or <see cref="Sensitivity"/>.</typeparam>
public sealed class WindowContributions<T> where T : struct, IAdditionOperators<T, T, T>
{
    private readonly T?[] sums;
    private readonly TermSteps? term;

    /// <summary>Makes empty sums for a window; any step may be added to.</summary>
    /// <param name="window">The window.</param>
    public WindowContributions(AssimilationWindow window) : this(window, new T?[window.Steps + 1], null)
    {
    }

    private WindowContributions(AssimilationWindow window, T?[] sums, TermSteps? term) =>
        (Window, this.sums, this.term) = (window, sums, term);

    /// <summary>The window.</summary>
    public AssimilationWindow Window { get; }

    /// <summary>The sum at a step so far; null for nothing.</summary>
    public T? this[int step] => sums[step];

    /// <summary>Adds at a step, from 0 for the window's beginning.</summary>
    /// <exception cref="InvalidOperationException">The term does not name this step as one it uses.</exception>
    public void Add(int step, T contribution)
    {
        term?.Checked(step);
        sums[step] = sums[step] is { } sum ? sum + contribution : contribution;
    }

    /// <summary>Adds at a time.</summary>
    /// <exception cref="ArgumentException">The time is outside the window or between two steps.</exception>
    /// <exception cref="InvalidOperationException">The term does not name this step as one it uses.</exception>
    public void Add(double time, T contribution) => Add(Window.StepOf(time), contribution);

    /// <summary>The same sums for one term, which may add at the steps that it uses and at no others.</summary>
    internal WindowContributions<T> Of(TermSteps steps) => new(Window, sums, steps);
}
