using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Stands for a model that runs elsewhere: an executable, another language, a cluster job. Methods take it like any other model; the
/// program that drives them through <c>AskAndTell</c> propagates their members. The model cannot run here: its methods throw.
/// </summary>
/// <param name="name">The name of the model.</param>
/// <param name="dimension">The state's dimension n, at least 1.</param>
/// <param name="timeStep">The length of a time step in the model's unit of time; intervals are a whole number of them.</param>
[Component("external-dynamics")]
public sealed class ExternalDynamics(string name, long dimension, double timeStep) : IDynamics
{
    /// <inheritdoc/>
    public string Name { get; } = string.IsNullOrWhiteSpace(name)
        ? throw new ArgumentException("A model that runs elsewhere must have a name.", nameof(name)) : name;

    /// <inheritdoc/>
    public long Dimension { get; } = Require.AtLeast(dimension, 1);

    /// <inheritdoc/>
    public double TimeStep { get; } = Require.Positive(timeStep);

    /// <summary>Always null: the error of the model is part of the external model.</summary>
    public IErrorCovariance? ModelError => null;

    /// <summary>Not possible here.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public Tensor Advance(Tensor state, TimeInterval interval) => throw Elsewhere();

    /// <summary>Not possible here.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public Tensor TangentLinear(Tensor state, Tensor perturbation, TimeInterval interval) => throw Elsewhere();

    /// <summary>Not possible here.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public Tensor Adjoint(Tensor state, Tensor sensitivity, TimeInterval interval) => throw Elsewhere();

    private NotSupportedException Elsewhere() =>
        new($"The model '{Name}' runs outside this program, which cannot call it. Use AskAndTell with a method that needs only the " +
        "members' states, and an initial condition that does not run the model.");
}
