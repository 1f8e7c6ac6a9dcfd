namespace DaML.Components;

/// <summary>
/// A model whose step also runs over plain memory in single precision, without tensor operators, and gives the same numbers to round-off.
/// Training a network through many cycles of the model then takes its steps inside one loop over all of them. The error of a stochastic
/// model is not drawn.
/// </summary>
/// <remarks>Several threads call it at once, each with states of its own. A model without it is trained through by tensor
/// operators.</remarks>
public interface IStepKernel
{
    /// <summary>M(x) of each state.</summary>
    /// <param name="states">x, state after state, n numbers each.</param>
    /// <param name="next">Where M(x) is written, of the same length; it does not overlap <paramref name="states"/>.</param>
    /// <param name="time">The time at the step's beginning, in the model's unit.</param>
    void Step(ReadOnlySpan<float> states, Span<float> next, double time);

    /// <summary>M'(x)^T dy of each state.</summary>
    /// <param name="states">x at the step's beginning, state after state.</param>
    /// <param name="sensitivities">dy at the step's end, replaced by M'(x)^T dy.</param>
    /// <param name="time">The time at the step's beginning, in the model's unit.</param>
    void StepAdjoint(ReadOnlySpan<float> states, Span<float> sensitivities, double time);
}
