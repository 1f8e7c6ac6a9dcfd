using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Stands for a model that runs elsewhere: an executable, another language, a cluster job. Methods are made with it as with any model; their
/// members are then propagated by whoever drives them through <c>AskAndTell</c>. It cannot be run here, and says so.
/// </summary>
/// <param name="name">What to call the model.</param>
/// <param name="dimension">The state's dimension n, at least 1.</param>
/// <param name="timeStep">The length of a time step in the model's unit of time; intervals are a whole number of them.</param>
public sealed class ExternalDynamics(string name, long dimension, double timeStep) : IDynamics, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("external-dynamics", 1, reader =>
        new ExternalDynamics(reader.Get<string>("name"), reader.Get<long>("dimension"), reader.Get<double>("timeStep")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public string Name { get; } = string.IsNullOrWhiteSpace(name) ? throw new ArgumentException("A model that runs elsewhere must have a name.", nameof(name)) : name;

    /// <inheritdoc/>
    public long Dimension { get; } = Require.AtLeast(dimension, 1);

    /// <inheritdoc/>
    public double TimeStep { get; } = Require.Positive(timeStep);

    /// <summary>None here: an error of the model is the model's own.</summary>
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

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("name", Name);
        writer.Set("dimension", Dimension);
        writer.Set("timeStep", TimeStep);
    }

    private NotSupportedException Elsewhere() => new($"The model '{Name}' runs outside this program: its members are propagated through AskAndTell, by a method that " +
        "needs nothing but their states, and starts from an initial condition that does not run the model.");
}
