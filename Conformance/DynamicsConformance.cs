using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Ready tests for your own model, which any test framework can call.</summary>
public static class DynamicsConformance
{
    /// <summary>
    /// Checks the whole contract of <see cref="IDynamics"/>: determinism, independence of the states of a batch and of their layout in
    /// memory, refusal of a wrong shape, and that an interval gives the same as its parts in sequence. Of tangent linear and adjoint it
    /// checks linearity, the dot-product test between them, the Taylor test, and agreement with automatic differentiation.
    /// </summary>
    /// <param name="dynamics">The model.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    /// <returns>The tests with their measured figures.</returns>
    /// <exception cref="ConformanceException">A test failed; the message names it and gives the figures.</exception>
    public static IReadOnlyList<ConformanceResult> Check(IDynamics dynamics, ConformanceOptions? options = null)
    {
        options ??= new ConformanceOptions();
        Require.AtLeast(options.Steps, 2, "Steps");
        double h = dynamics.TimeStep;
        TimeInterval whole = new(0, options.Steps * h), first = new(0, h), rest = new(h, options.Steps * h);
        using var scope = NewDisposeScope();
        var tests = new LinearisationConformance(dynamics.Name, dynamics.Dimension, options,
            x => dynamics.Advance(x, whole),
            (x, dx) => dynamics.TangentLinear(x, dx, whole),
            (x, dy) => dynamics.Adjoint(x, dy, whole));
        tests.CheckAll();
        tests.Agree("composition in time", dynamics.Advance(dynamics.Advance(tests.States, first), rest),
            dynamics.Advance(tests.States, whole), "one step and the rest against the whole interval");
        tests.Agree("composition in time", dynamics.Advance(tests.States, new TimeInterval(0, 0)), tests.States, "an empty interval");
        return tests.Passed;
    }
}
