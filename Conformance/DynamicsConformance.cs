using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Ready tests for your own model, to be called from any test framework.</summary>
public static class DynamicsConformance
{
    /// <summary>
    /// Checks all that <see cref="IDynamics"/> promises: determinism, independence of the states of a batch and of their layout in memory,
    /// refusal of a
    /// wrong shape, linearity of tangent linear and adjoint, the dot-product test between them, the Taylor test of the
    /// tangent linear, both against automatic differentiation, and that an interval is the sum of its parts.
    /// </summary>
    /// <param name="dynamics">The model.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    /// <returns>The tests with what was measured.</returns>
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
