namespace DaML.Components;

/// <summary>Thrown when a component breaks its contract.</summary>
/// <param name="subject">The component.</param>
/// <param name="test">The failed test.</param>
/// <param name="finding">What was measured and what was needed.</param>
public sealed class ConformanceException(string subject, string test, string finding)
    : Exception($"{subject} fails the test '{test}': {finding}")
{
    /// <summary>The component.</summary>
    public string Subject { get; } = subject;

    /// <summary>The failed test.</summary>
    public string Test { get; } = test;
}

/// <summary>A passed conformance test.</summary>
/// <param name="Test">The name of the test.</param>
/// <param name="Measured">
/// The measured figure: a relative error or, for the Taylor test, the order of the remainder (NaN if the tangent linear is exact).
/// </param>
public sealed record ConformanceResult(string Test, double Measured);

/// <summary>Settings of the conformance tests, with their defaults. The tests run in double precision.</summary>
public sealed record ConformanceOptions
{
    /// <summary>
    /// The distribution of the states at which the component is tested (default: null, independent standard normal numbers).
    /// </summary>
    public IInitialCondition? States { get; init; }

    /// <summary>The seed from which states and perturbations are drawn.</summary>
    public long Seed { get; init; }

    /// <summary>The device on which the tests run: <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>The number of time steps of a model, at least 2.</summary>
    public long Steps { get; init; } = 3;

    /// <summary>The largest relative error allowed where the contract is exact up to round-off.</summary>
    public double Tolerance { get; init; } = 1e-11;
}
