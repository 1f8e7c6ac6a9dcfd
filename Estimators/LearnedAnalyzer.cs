using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// An analysis that a network has learned, x_a = x_f + a(x_f, H^T R^-1 (y - H x_f)) (Bocquet et al. 2024, eq. 2a): no
/// ensemble and no error covariance of the forecast, one state only. It is frozen, so several threads may use it at once.
/// </summary>
public sealed class LearnedAnalyzer : IScaledInnovationAnalyzer<StateMemory>, IComponent
{
    private readonly ScalarType precision;

    /// <summary>Makes an analyzer of a network and freezes it: evaluation mode, no gradients for its weights.</summary>
    /// <param name="name">What to call it.</param>
    /// <param name="observationOperator">H.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="network">(forecast <c>[batch, n]</c>, H^T R^-1 innovation <c>[batch, n]</c>) -> increment <c>[batch, n]</c>;
    /// it belongs to the analyzer from now on. To be saved it must be an <see cref="IComponent"/>.</param>
    /// <param name="history">How it was trained, where it was.</param>
    /// <exception cref="ArgumentException">The dimensions of operator and covariance differ.</exception>
    public LearnedAnalyzer(string name, IObservationOperator observationOperator, IErrorCovariance observationError,
        nn.Module<Tensor, Tensor, Tensor> network, TrainingHistory? history = null)
    {
        if (observationOperator.ObservationDimension != observationError.Dimension)
            throw new ArgumentException($"The observation error covariance must have the dimension of the observations, {observationOperator.ObservationDimension} ({observationOperator.Name}); given: {observationError.Dimension}.");
        (Name, Operator, Error, Network, History) = (name, observationOperator, observationError, network, history);
        ModuleState.Freeze(network);
        precision = network.parameters().Select(parameter => parameter.dtype).FirstOrDefault(ScalarType.Float32);
    }

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("learned-analyzer", 1, reader =>
        new LearnedAnalyzer(reader.Get<string>("name"), reader.Part<IObservationOperator>("operator"), reader.Part<IErrorCovariance>("error"),
            reader.Part<nn.Module<Tensor, Tensor, Tensor>>("network"), reader.History()));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>H.</summary>
    public IObservationOperator Operator { get; }

    /// <summary>R.</summary>
    public IErrorCovariance Error { get; }

    /// <summary>The network a; not to be changed.</summary>
    public nn.Module<Tensor, Tensor, Tensor> Network { get; }

    /// <summary>How it was trained; null where it was not trained here.</summary>
    public TrainingHistory? History { get; }

    /// <inheritdoc/>
    public bool TakesErrorScale => true;

    /// <inheritdoc/>
    public StateMemory Analyze(StateMemory forecast, Observation observation, RandomStream random) =>
        new(Update(Network, precision, Operator, Error, forecast.State, observation));

    /// <inheritdoc/>
    public StateMemory Analyze(StateMemory forecast, Tensor scaledInnovation) => new(Update(Network, precision, forecast.State, scaledInnovation));

    /// <summary>H^T R^-1 (y - H x), zero where nothing is observed; R is that of each trajectory where the observation has an <see cref="Observation.ErrorScale"/>.</summary>
    /// <param name="observationOperator">H.</param>
    /// <param name="observationError">R.</param>
    /// <param name="state">x, <c>[batch, n]</c></param>
    /// <param name="observation">y, <c>[batch, p]</c></param>
    /// <returns><c>[batch, n]</c>, of the state's precision.</returns>
    public static Tensor ScaledInnovation(IObservationOperator observationOperator, IErrorCovariance observationError, Tensor state, Observation observation)
    {
        using var scope = NewDisposeScope();
        var innovation = observation.Values.to(state.dtype) - observationOperator.Apply(state);
        var weighted = observationError.ApplyInverse(innovation, observation.Mask);
        if (observation.ErrorScale is { } scale) weighted = weighted / scale.to(state.dtype).square().view([-1, .. Enumerable.Repeat(1L, weighted.shape.Length - 1)]);
        return observationOperator.Adjoint(state, weighted).MoveToOuterDisposeScope();
    }

    /// <summary>x_f + a(x_f, H^T R^-1 (y - H x_f)), of the forecast's precision; the network computes in its own.</summary>
    internal static Tensor Update(nn.Module<Tensor, Tensor, Tensor> network, ScalarType precision, IObservationOperator observationOperator, IErrorCovariance observationError,
        Tensor forecast, Observation observation)
    {
        using var scope = NewDisposeScope();
        var scaled = ScaledInnovation(observationOperator, observationError, forecast, observation);
        return Update(network, precision, forecast, scaled).MoveToOuterDisposeScope();
    }

    private static Tensor Update(nn.Module<Tensor, Tensor, Tensor> network, ScalarType precision, Tensor forecast, Tensor scaledInnovation)
    {
        using var scope = NewDisposeScope();
        var increment = network.call(forecast.to(precision), scaledInnovation.to(precision)).to(forecast.dtype);
        return (forecast + Require.Shape(increment, $"The increment of {network.GetName()}", forecast.shape)).MoveToOuterDisposeScope();
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("name", Name);
        writer.Part("operator", Operator);
        writer.Part("error", Error);
        writer.Part("network", Network);
        writer.History(History);
    }
}
