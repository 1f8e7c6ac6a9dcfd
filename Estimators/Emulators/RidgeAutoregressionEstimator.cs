using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Settings of a <see cref="RidgeAutoregressionEstimator"/>, with their defaults.</summary>
public sealed record RidgeAutoregressionOptions
{
    /// <summary>L, the number of past values that predict the next one (default: 4).</summary>
    public int Lags { get; init; } = 4;

    /// <summary>
    /// The penalty on coefficients, as a fraction of the number of samples, for components of variance one (default: 0.001).
    /// </summary>
    public double Penalty { get; init; } = 1e-3;

    /// <summary>Gives these options, or throws with the reason why they are invalid.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A count is below 1, or a penalty is below zero.</exception>
    internal RidgeAutoregressionOptions Checked()
    {
        Require.AtLeast(Lags, 1);
        Require.NotNegative(Penalty);
        return this;
    }
}

/// <summary>
/// Learns a linear model that predicts the next values from the last L by ridge regression (Hoerl and Kennard 1970): with values in units
/// of their deviations s, A minimises sum over samples of |c(t + h) / s - A z / s|^2 + penalty * samples * |A|^2. It is the baseline for
/// a network of the same values.
/// </summary>
/// <param name="values">The column of anomalies with zero mean, <c>[r]</c>.</param>
/// <param name="forecast">The column that the transformer adds, <c>[r]</c>.</param>
/// <param name="options">Lags and penalty (default: null, their defaults).</param>
public sealed class RidgeAutoregressionEstimator(Column values, Column forecast, RidgeAutoregressionOptions? options = null)
    : IEstimator<AutoregressiveModel>
{
    private readonly RidgeAutoregressionOptions options = (options ?? new()).Checked();

    /// <inheritdoc/>
    public string Name => "ridge regression on lags";

    /// <inheritdoc/>
    public SchemaContract Contract { get; } = SchemaContract.OfAnySize(values, forecast);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The view never ends, its cycles are not equally spaced, a value is missing or non-finite,
    /// there are too few samples, a component does not vary, or the model would not be stable.</exception>
    public AutoregressiveModel Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        Contract.Apply(data.Schema, Name);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var record = LaggedRecord.Read(data, values, options.Lags, leads: 1, Name, cancellation);
        long r = record.ValueCount, size = options.Lags * r;
        var dynamics = new LinearDynamics(Companion(Coefficients(record, options, Name), record.Deviations, options.Lags), record.Interval);
        double radius = linalg.eigvals(dynamics.Matrix.cpu()).abs().max().ToDouble();
        if (!(radius < 1))
            throw new ArgumentException(
                $"{Name}: the learned model is unstable: its largest eigenvalue has modulus {radius:g6}. Use a larger penalty, fewer " +
                    $"lags, or anomalies of a stationary process.", nameof(data));
        return new AutoregressiveModel(dynamics, r, 1, values, forecast);
    }

    /// <summary>A, <c>[r, L r]</c>, in units of the deviations.</summary>
    internal static Tensor Coefficients(LaggedRecord record, RidgeAutoregressionOptions options, string name)
    {
        using var scope = NewDisposeScope();
        var (windows, next) = record.Pairs();                         // [samples, L r], [samples, r], in units of s
        long samples = windows.size(0), size = windows.size(1);
        if (options.Penalty == 0 && samples < 2 * size)
            throw new ArgumentException($"{name} without a penalty needs at least {2 * size} samples for {size} coefficients each; " +
                $"given: {samples}.");
        var normal = matmul(windows.mT, windows) + options.Penalty * samples * eye(size, dtype: windows.dtype, device: windows.device);
        return linalg.solve(normal, matmul(windows.mT, next)).mT.contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>The matrix of one step on lagged states, <c>[L r, L r]</c>, in the values' own units.</summary>
    internal static Tensor Companion(Tensor coefficients, Tensor deviations, int lags)
    {
        using var scope = NewDisposeScope();
        long r = deviations.size(0);
        var top = coefficients * deviations.unsqueeze(1) / deviations.repeat(lags);
        if (lags == 1) return top.MoveToOuterDisposeScope();
        var shift = eye((lags - 1) * r, lags * r, dtype: top.dtype, device: top.device);
        return cat([top, shift], 0).MoveToOuterDisposeScope();
    }
}
