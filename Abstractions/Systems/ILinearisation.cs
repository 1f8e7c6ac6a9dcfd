using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A model linearised along one of its runs: M' and M'^T of the whole interval, for any number of vectors and any number of times. A
/// Gauss-Newton product over a window is <c>run.Adjoint(weigh(run.TangentLinear(dx)))</c>.
/// </summary>
public interface ILinearisation : IDisposable
{
    /// <summary>The interval of the run.</summary>
    TimeInterval Interval { get; }

    /// <summary>The state at the interval's beginning, <c>[..., n]</c>; it belongs to this object.</summary>
    Tensor Start { get; }

    /// <summary>The state at the interval's end, <c>[..., n]</c>; it belongs to this object.</summary>
    Tensor End { get; }

    /// <summary>M'(x) dx.</summary>
    /// <param name="perturbations"><c>[..., n]</c> as the state, or <c>[..., k, n]</c>: k perturbations of each state.</param>
    /// <returns>The same shape.</returns>
    /// <exception cref="ArgumentException">The shape or precision is another.</exception>
    Tensor TangentLinear(Tensor perturbations);

    /// <summary>M'(x)^T dy.</summary>
    /// <param name="sensitivities"><c>[..., n]</c> as the state, or <c>[..., k, n]</c>: k sensitivities of each state.</param>
    /// <returns>The same shape.</returns>
    /// <exception cref="ArgumentException">The shape or precision is another.</exception>
    Tensor Adjoint(Tensor sensitivities);
}

/// <summary>Settings of a linearisation.</summary>
public sealed record LinearisationOptions
{
    /// <summary>
    /// K, the largest number of states of the run that are kept (default: 384). A run of at most K steps keeps the state of every step; a
    /// model may also keep the states at the stages of its steps, if these are no more than K in all. A longer run of S steps keeps K
    /// states, evenly spaced, and, while an adjoint runs, what lies between two of them; each adjoint then runs the model once more.
    /// </summary>
    public int KeptStates { get; init; } = 384;

    /// <summary>
    /// The states at the beginning of each step of the run, <c>[..., n]</c>, if the caller has them (default: null). The first one is the
    /// beginning of the run. The model then neither runs nor copies to get them: they must keep their values as long as the linearisation
    /// is used. They do not count towards <see cref="KeptStates"/>.
    /// </summary>
    public IReadOnlyList<Tensor>? States { get; init; }
}
