using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Ready tests for your own observation operator, which any test framework can call.</summary>
public static class ObservationOperatorConformance
{
    /// <summary>
    /// Checks the whole contract of <see cref="IObservationOperator"/>: its dimension, determinism, independence of the states of a
    /// batch, refusal of a wrong shape, and linearity if it says that it is linear. Of tangent linear and adjoint it checks linearity,
    /// the dot-product test between them, the Taylor test, and agreement with automatic differentiation.
    /// </summary>
    /// <param name="observationOperator">The operator.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    /// <returns>The tests with their measured figures.</returns>
    /// <exception cref="ConformanceException">A test failed; the message names it and gives the figures.</exception>
    public static IReadOnlyList<ConformanceResult> Check(IObservationOperator observationOperator, ConformanceOptions? options = null)
    {
        using var scope = NewDisposeScope();
        var tests = new LinearisationConformance(observationOperator.Name, observationOperator.StateDimension, options
            ?? new ConformanceOptions(),
            observationOperator.Apply, observationOperator.TangentLinear, observationOperator.Adjoint);
        long given = observationOperator.Apply(tests.States).size(-1);
        if (given != observationOperator.ObservationDimension)
            throw new ConformanceException(observationOperator.Name, "dimension",
                $"it gives {given} observations of a state; it says {observationOperator.ObservationDimension}.");
        tests.CheckAll();
        if (observationOperator.IsLinear)
        {
            Tensor x = tests.States, y = x.flip(0);
            tests.Agree("linearity", observationOperator.Apply(2 * x - 3 * y),
                2 * observationOperator.Apply(x) - 3 * observationOperator.Apply(y),
                "H(2x - 3y) against 2 H(x) - 3 H(y), as the operator says it is linear,");
        }
        return tests.Passed;
    }
}
