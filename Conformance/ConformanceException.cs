namespace DaML.Components;

/// <summary>A component that breaks its contract.</summary>
/// <param name="subject">The component.</param>
/// <param name="test">The test it fails.</param>
/// <param name="finding">What was measured and what was needed.</param>
public sealed class ConformanceException(string subject, string test, string finding)
    : Exception($"{subject} fails the test '{test}': {finding}")
{
    /// <summary>The component.</summary>
    public string Subject { get; } = subject;

    /// <summary>The test it fails.</summary>
    public string Test { get; } = test;
}

/// <summary>A conformance test that was passed.</summary>
/// <param name="Test">Its name.</param>
/// <param name="Measured">What was measured: a relative error, or for the Taylor test the order of the remainder (not a number where it is
/// exact).</param>
public sealed record ConformanceResult(string Test, double Measured);

/// <summary>Settings of the conformance tests, with their defaults. They run in double precision.</summary>
public sealed record ConformanceOptions
{
    /// <summary>The states the component is tested at; null = independent standard normal numbers.</summary>
    public IInitialCondition? States { get; init; }

    /// <summary>The seed states and perturbations are drawn from.</summary>
    public long Seed { get; init; }

    /// <summary>Where the tests run: <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Number of time steps of a model, at least 2.</summary>
    public long Steps { get; init; } = 3;

    /// <summary>The largest relative error allowed where the contract is exact but for round-off.</summary>
    public double Tolerance { get; init; } = 1e-11;
}
