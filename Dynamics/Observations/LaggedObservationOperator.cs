using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Observes the newest values of a state of lags, z = (c(t), c(t - h), ...), newest first, each by the same operator. Use it for a model
/// whose step adds several values at once.
/// </summary>
[Component("lagged-observation-operator")]
public sealed class LaggedObservationOperator : ObservationOperator
{
    private readonly IObservationOperator each;
    private readonly int observed, window;

    /// <summary>Creates an operator.</summary>
    /// <param name="each">The operator that observes a single value c of r components.</param>
    /// <param name="observed">The number of newest values that are observed, at least 1.</param>
    /// <param name="window">W, the number of values that a state holds, at least as many.</param>
    /// <exception cref="ArgumentException">More values are observed than a state holds.</exception>
    public LaggedObservationOperator(IObservationOperator each, int observed, int window)
        : base(Require.AtLeast(window, 1) * each.StateDimension, Require.AtLeast(observed, 1) * each.ObservationDimension)
    {
        if (observed > window)
            throw new ArgumentException($"A state of {window} values cannot be observed at its newest {observed}; at most {window} are " +
                "possible.", nameof(observed));
        (this.each, this.observed, this.window) = (each, observed, window);
    }

    /// <inheritdoc/>
    public override string Name => $"{each.Name}, of the newest {observed} of {window} values";

    /// <inheritdoc/>
    public override bool IsLinear => each.IsLinear;

    /// <inheritdoc/>
    protected override Tensor Observe(Tensor state) => each.Apply(Newest(state)).flatten(-2);

    /// <inheritdoc/>
    protected override Tensor ObserveTangentLinear(Tensor state, Tensor perturbation) =>
        each.TangentLinear(Newest(state), Newest(perturbation)).flatten(-2);

    /// <inheritdoc/>
    protected override Tensor ObserveAdjoint(Tensor state, Tensor sensitivity)
    {
        var back = each.Adjoint(Newest(state), Parts(sensitivity, each.ObservationDimension)).flatten(-2);
        long[] older = [.. back.Sizes()[..^1], StateDimension - back.size(-1)];
        return cat([back, zeros(older, dtype: back.dtype, device: back.device)], -1);
    }

    // [..., W r] -> [..., D, r]
    private Tensor Newest(Tensor state) => Parts(state.narrow(-1, 0, observed * each.StateDimension), each.StateDimension);

    private Tensor Parts(Tensor vector, long size) => vector.reshape([.. vector.Sizes()[..^1], observed, size]);
}
