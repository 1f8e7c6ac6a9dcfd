using System.Numerics;

namespace DaML;

/// <summary>What terms add up at the steps of a window: increments that force the model, or sensitivities for its adjoint. Nothing is there until something is added.</summary>
/// <param name="window">The window.</param>
/// <typeparam name="T"><see cref="Increment"/> or <see cref="Sensitivity"/>.</typeparam>
public sealed class WindowContributions<T>(AssimilationWindow window) where T : struct, IAdditionOperators<T, T, T>
{
    private readonly T?[] sums = new T?[window.Steps + 1];

    /// <summary>The window.</summary>
    public AssimilationWindow Window => window;

    /// <summary>What was added at a step so far; null for nothing.</summary>
    public T? this[int step] => sums[step];

    /// <summary>Adds at a step, from 0 for the window's beginning.</summary>
    public void Add(int step, T contribution) => sums[step] = sums[step] is { } sum ? sum + contribution : contribution;

    /// <summary>Adds at a time.</summary>
    /// <exception cref="ArgumentException">The time is outside of the window or between two steps.</exception>
    public void Add(double time, T contribution) => Add(window.StepOf(time), contribution);
}
