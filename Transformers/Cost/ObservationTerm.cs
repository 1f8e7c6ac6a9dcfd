using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The observation term, J_o = 1/2 sum over the window's observations of |y - H(x(t))|^2 in R^-1. Values that a mask calls missing
/// contribute nothing.
/// </summary>
[Component("observation-term")]
public sealed class ObservationTerm : ICostTerm
{
    private readonly IObservationOperator observationOperator;
    private readonly IErrorCovariance observationError;

    /// <summary>Makes a term.</summary>
    /// <param name="observationOperator">H, which may be nonlinear.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <exception cref="ArgumentException">Operator and covariance do not match.</exception>
    public ObservationTerm([Saved("operator")] IObservationOperator observationOperator, [Saved("error")] IErrorCovariance observationError)
    {
        ObservingSystem.Check(observationOperator, observationError);
        this.observationOperator = observationOperator;
        this.observationError = observationError;
    }

    /// <inheritdoc/>
    public string Name => "Jo";

    /// <summary>H</summary>
    public IObservationOperator Operator => observationOperator;

    /// <summary>R</summary>
    public IErrorCovariance Error => observationError;

    /// <summary>H for an observation: this term's, or that of the network that the observation names.</summary>
    public IObservationOperator OperatorOf(Observation observation) => observation.Network?.Operator ?? observationOperator;

    /// <summary>R for an observation: this term's, or that of the network that the observation names.</summary>
    public IErrorCovariance ErrorOf(Observation observation) => observation.Network?.Error ?? observationError;

    /// <summary>The steps of the window's observations.</summary>
    public IEnumerable<int> UsedSteps(AssimilationWindow window) =>
        window.Observations.Select(observation => window.StepOf(observation.Time));

    /// <inheritdoc/>
    public Tensor Value(WindowTrajectory<State> trajectory)
    {
        using var scope = NewDisposeScope();
        var sum = trajectory.Window.Zeros(1).squeeze(-1);
        foreach (var observation in trajectory.Window.Observations)
            sum = sum + 0.5 * ErrorOf(observation).Whiten(Misfit(trajectory, observation), observation.Mask).square().sum(-1);
        return sum.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void AddGradient(WindowTrajectory<State> trajectory, WindowContributions<Sensitivity> gradient)
    {
        foreach (var observation in trajectory.Window.Observations)
        {
            var weighted = ErrorOf(observation).ApplyInverse(Misfit(trajectory, observation), observation.Mask);
            gradient.Add(observation.Time, Back(trajectory, observation, weighted));
        }
    }

    /// <inheritdoc/>
    public void AddHessianProduct(WindowTrajectory<State> trajectory, WindowTrajectory<Increment> increment,
        WindowContributions<Sensitivity> product)
    {
        foreach (var observation in trajectory.Window.Observations)
        {
            var along = OperatorOf(observation)
                .TangentLinear(trajectory.At(observation.Time).Values, increment.At(observation.Time).Values);
            product.Add(observation.Time, Back(trajectory, observation, ErrorOf(observation).ApplyInverse(along, observation.Mask)));
        }
    }

    // H(x) - y
    private Tensor Misfit(WindowTrajectory<State> trajectory, Observation observation)
    {
        Require.Shape(observation.Values, $"The observation at time {observation.Time:g9}", trajectory.Window.Batch,
            OperatorOf(observation).ObservationDimension);
        return OperatorOf(observation).Apply(trajectory.At(observation.Time).Values) - observation.Values;
    }

    // H'^T w
    private Sensitivity Back(WindowTrajectory<State> trajectory, Observation observation, Tensor weighted) =>
        new(OperatorOf(observation).Adjoint(trajectory.At(observation.Time).Values, weighted));
}
