using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// 3D-Var: the state that minimises J(x) = 1/2 |x - x_b|^2 in B^-1 + 1/2 |y - H(x)|^2 in R^-1 with a background error covariance B that
/// never changes (Lorenc 1986). It is solved exactly in observation space: for a linear operator by the gain B H^T (H B H^T + R)^-1,
/// computed once if nothing is missing; for a nonlinear one by Gauss-Newton iterations that are halved if they would raise the cost.
/// </summary>
[Component("3d-var")]
public sealed class ThreeDimensionalVariationalAnalyzer : IAnalyzer<StateMemory>
{
    private readonly IObservationOperator observationOperator;
    private readonly IErrorCovariance observationError;
    private readonly int maximumIterations;
    private readonly double tolerance;
    private readonly Lazy<ConstantTensor> root;       // W [n, n], B = W^T W
    private readonly ConstantTensor? transposedGain;  // K^T [p, n]

    /// <summary>Makes an analyzer.</summary>
    /// <param name="observationOperator">H, which may be nonlinear.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="background">B, of the operator's state dimension.</param>
    /// <param name="maximumIterations">The largest number of Gauss-Newton iterations, for a nonlinear operator.</param>
    /// <param name="tolerance">Gauss-Newton ends when no component moves by more than this fraction of the largest component.</param>
    /// <exception cref="ArgumentException">Operator and covariances do not match.</exception>
    public ThreeDimensionalVariationalAnalyzer([Saved("operator")] IObservationOperator observationOperator,
        [Saved("error")] IErrorCovariance observationError, IErrorCovariance background,
        int maximumIterations = 50, double tolerance = 1e-12)
    {
        ObservingSystem.Check(observationOperator, observationError);
        if (background.Dimension != observationOperator.StateDimension)
            throw new ArgumentException(
                $"The background error covariance must have the dimension of the state, {observationOperator.StateDimension} " +
                    $"({observationOperator.Name}); given: {background.Dimension}.", nameof(background));
        this.observationOperator = observationOperator;
        this.observationError = observationError;
        this.maximumIterations = (int)Require.AtLeast(maximumIterations, 1);
        this.tolerance = Require.NotNegative(tolerance);
        Background = background;
        root = new(() =>
        {
            using var scope = NewDisposeScope();
            return new ConstantTensor(background.Root(ScalarType.Float64, CPU));
        });
        if (observationOperator.IsLinear) transposedGain = TransposedGain();
    }

    /// <inheritdoc/>
    public string Name => "3D-Var";

    /// <inheritdoc/>
    public IObservationOperator Observes => observationOperator;

    /// <summary>B</summary>
    public IErrorCovariance Background { get; }

    /// <inheritdoc/>
    public StateMemory Analyze(StateMemory forecast, Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var x = forecast.State;
        if (transposedGain is null) return new(GaussNewton(x, observation).MoveToOuterDisposeScope());
        var innovation = observation.Values - observationOperator.Apply(x);
        var analysis = observation.Mask is null ? x.addmm(innovation, transposedGain.Like(x))
            : x + Increment(x, innovation, observation.Mask);
        return new(analysis.MoveToOuterDisposeScope());
    }

    /// <summary>The two terms of the cost function, <c>[batch]</c> each.</summary>
    /// <param name="state">x, <c>[batch, n]</c></param>
    /// <param name="backgroundState">x_b, <c>[batch, n]</c></param>
    /// <param name="observation">y</param>
    /// <returns>J_b and J_o.</returns>
    public (Tensor Background, Tensor Observation) Cost(Tensor state, Tensor backgroundState, Observation observation)
    {
        using var scope = NewDisposeScope();
        var departure = Background.Whiten(state - backgroundState);
        var residual = observationError.Whiten(observation.Values - observationOperator.Apply(state), observation.Mask);
        return scope.MoveToOuter(0.5 * departure.square().sum(-1), 0.5 * residual.square().sum(-1));
    }

    // x <- x_b + K_x (y - H(x) - H'_x (x_b - x)), with K_x the gain of the operator linearised at x; x = x_b + W^T v, J_b = |v|^2 / 2.
    private Tensor GaussNewton(Tensor backgroundState, Observation observation)
    {
        using var scope = NewDisposeScope();
        var rows = root.Value.Like(backgroundState);
        var v = zeros_like(backgroundState);
        var x = backgroundState.alias();
        var cost = ObservationCost(x, observation);
        if (!FiniteNumbers.All(cost)) throw NotFinite();
        for (int iteration = 0; iteration < maximumIterations; iteration++)
        {
            var innovation = observation.Values - observationOperator.Apply(x) - observationOperator.TangentLinear(x, backgroundState - x);
            var next = Weights(x, innovation, observation.Mask);
            if (!FiniteNumbers.All(next)) throw NotFinite();
            var step = next - v;
            var nextCost = Total(v + step);
            // A cost that is not a number is not lower.
            for (int halving = 0; halving < 30 && !(nextCost <= cost).all().ToBoolean(); halving++)
            {
                step = where((nextCost <= cost).unsqueeze(-1), step, 0.5 * step);
                nextCost = Total(v + step);
            }
            // A trajectory whose cost cannot be lowered any further has converged, to round-off.
            var lower = nextCost <= cost;
            step = where(lower.unsqueeze(-1), step, zeros_like(step));
            (v, cost) = (v + step, where(lower, nextCost, cost));
            x = At(v);
            if ((step.matmul(rows).abs().max() <= tolerance * x.abs().max()).ToBoolean()) break;
        }
        return x.alias().MoveToOuterDisposeScope();

        Tensor At(Tensor weights) => backgroundState + weights.matmul(rows);

        Tensor Total(Tensor weights) => 0.5 * weights.square().sum(-1) + ObservationCost(At(weights), observation);
    }

    private ArithmeticException NotFinite() =>
        new($"The cost of 3D-Var, or its gradient, is not finite; the operator '{observationOperator.Name}' is the usual cause.");

    private Tensor ObservationCost(Tensor state, Observation observation) =>
        0.5 * observationError.Whiten(observation.Values - observationOperator.Apply(state), observation.Mask).square().sum(-1);

    private Tensor Increment(Tensor at, Tensor innovation, Tensor? mask) => Weights(at, innovation, mask).matmul(root.Value.Like(at));

    private Tensor Weights(Tensor at, Tensor innovation, Tensor? mask)
    {
        long n = at.size(1);
        return KalmanUpdate.Weights(at, root.Value.Like(at).expand(at.size(0), n, n), innovation, mask, observationOperator,
            observationError);
    }

    private ConstantTensor TransposedGain()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var origin = zeros(1, Background.Dimension, dtype: ScalarType.Float64);
        return new ConstantTensor(KalmanUpdate.Gain(origin, root.Value.Value.unsqueeze(0), observationOperator, observationError).squeeze(0)
            .transpose(0, 1));
    }

    /// <inheritdoc/>
    public IAnalyzer<StateMemory> For(IObservationNetwork network) =>
        new ThreeDimensionalVariationalAnalyzer(network.Operator, network.Error, Background, maximumIterations, tolerance);
}
