using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The assumed decay of anomalies.</summary>
public enum AnomalyDamping
{
    /// <summary>No decay: the forecast is the last value (persistence).</summary>
    None,

    /// <summary>
    /// Decay of each component by its correlation from one cycle to the next, in each step again (damped persistence, a first-order
    /// autoregression of each).
    /// </summary>
    Fitted,

    /// <summary>Immediate decay: the forecast is zero, the mean (climatology).</summary>
    Complete,
}

/// <summary>
/// The forecasts that need no model, as models of one value: c(t + h) = d c(t), component by component. They are the reference for every
/// forecast.
/// </summary>
/// <param name="values">The column of anomalies with zero mean, <c>[r]</c>.</param>
/// <param name="forecast">The column that the transformer adds, <c>[r]</c>.</param>
/// <param name="damping">The decay of anomalies.</param>
public sealed class DampedPersistenceEstimator(Column values, Column forecast, AnomalyDamping damping = AnomalyDamping.Fitted)
    : IEstimator<AutoregressiveModel>
{
    /// <inheritdoc/>
    public string Name { get; } = Require.Defined(damping) switch
    {
        AnomalyDamping.None => "persistence",
        AnomalyDamping.Fitted => "damped persistence",
        AnomalyDamping.Complete => "climatology",
        _ => throw new UnreachableException(),
    };

    /// <inheritdoc/>
    public SchemaContract Contract { get; } = SchemaContract.OfAnySize(values, forecast);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The view never ends, its cycles are not equally spaced, a value is missing or non-finite, or a
    /// component does not vary.</exception>
    public AutoregressiveModel Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        Contract.Apply(data.Schema, Name);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var record = LaggedRecord.Read(data, values, lags: 1, leads: 1, Name, cancellation);
        var (now, next) = record.Pairs();
        var factors = damping switch
        {
            AnomalyDamping.None => ones_like(record.Deviations),
            AnomalyDamping.Fitted => (now * next).sum([0]) / now.square().sum([0]),
            _ => zeros_like(record.Deviations),
        };
        return new AutoregressiveModel(new LinearDynamics(diag(factors), record.Interval), record.ValueCount, 1, values, forecast);
    }
}
