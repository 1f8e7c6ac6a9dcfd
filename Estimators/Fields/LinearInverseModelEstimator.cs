using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Settings of a <see cref="LinearInverseModelEstimator"/>, with their defaults.</summary>
public sealed record LinearInverseModelOptions
{
    /// <summary>The lag tau_0 in cycles, which is one time step of the model.</summary>
    public int Lag { get; init; } = 1;

    /// <summary>
    /// The smallest eigenvalue of the model error covariance, as a fraction of the mean eigenvalue; smaller ones are raised to it.
    /// </summary>
    public double EigenvalueFloor { get; init; } = 1e-6;
}

/// <summary>
/// Learns a linear stochastic model of anomalies from their lagged covariances (Penland and Magorian 1993, J. Climate 6, 1067-1076): G =
/// C(tau_0) C(0)^-1 and the model error covariance Q = C(0) - G C(0) G^T. Its result holds the model as an <see cref="IDynamics"/>, and
/// as a transformer it adds the model's forecast of each cycle.
/// </summary>
/// <remarks>
/// C(tau) sums the existing pairs and divides by the number of all samples. For a gapless record this estimate of the lagged covariances
/// is positive semidefinite as a whole (it has a non-negative spectrum), so Q is too. Eigenvalues that rounding or a rank deficiency
/// leaves below <see cref="LinearInverseModelOptions.EigenvalueFloor"/> are raised, Q is scaled to its former trace, and the size of that
/// repair is reported.
/// </remarks>
/// <param name="coefficients">The column of anomalies with zero mean, <c>[r]</c>.</param>
/// <param name="forecast">The column that the transformer adds, <c>[r]</c>.</param>
/// <param name="options">Lag and eigenvalue floor.</param>
public sealed class LinearInverseModelEstimator(Column coefficients, Column forecast, LinearInverseModelOptions? options = null)
    : IEstimator<LinearInverseModel>
{
    private readonly LinearInverseModelOptions options = Check(options ?? new LinearInverseModelOptions());

    /// <inheritdoc/>
    public string Name => "linear inverse model";

    /// <inheritdoc/>
    public SchemaContract Contract { get; } = SchemaContract.OfAnySize(coefficients, forecast);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The view never ends, its cycles are not equally spaced, a value is missing or non-finite,
    /// there are too few samples, or the model would not be stable.</exception>
    public LinearInverseModel Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        Contract.Apply(data.Schema, Name);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (x, times) = TrainingData.Gather(data, coefficients, Name, cancellation); // [cycles, batch, r]
        long cycles = x.size(0), samples = cycles * x.size(1), r = x.size(2);
        if (cycles <= options.Lag || samples < 2 * r)
            throw new ArgumentException(
                $"{Name} of {r} coefficients at a lag of {options.Lag} needs more than {options.Lag} cycles and at least {2 * r} " +
                    $"samples; given: {cycles} cycles, {samples} samples.", nameof(data));
        double spacing = TrainingData.EqualSpacing(times, Name);

        var all = x.flatten(0, 1);
        var covariance = matmul(all.mT, all) / samples;                                                              // C(0) [r, r]
        var lagged = matmul(x[options.Lag..].flatten(0, 1).mT, x[..^options.Lag].flatten(0, 1)) / samples;           // C(tau_0) [r, r]
        if (!(linalg.eigvalsh(covariance) is var spread && spread.min().ToDouble() > 1e-12 * spread.max().ToDouble()))
            throw new ArgumentException(
                $"{Name}: some combination of the {r} coefficients does not vary in the training data; fewer modes are needed.",
                nameof(data));
        var propagator = linalg.solve(covariance, lagged.mT).mT;                                                     // G [r, r]
        double radius = linalg.eigvals(propagator.cpu()).abs().max().ToDouble();
        if (!(radius < 1))
            throw new ArgumentException(
                $"{Name}: the learned model is unstable: its largest eigenvalue has modulus {radius:g6}. The data are not anomalies of " +
                    $"a stationary process.", nameof(data));
        var raw = covariance - matmul(matmul(propagator, covariance), propagator.mT);                                // Q [r, r]
        var (modelError, repaired) = PositiveDefinite((raw + raw.mT) / 2, options.EigenvalueFloor);

        var dynamics = new LinearDynamics(propagator, options.Lag * spacing) { ModelError = ErrorCovariance.Full(modelError) };
        return new LinearInverseModel(dynamics, (covariance + covariance.mT) / 2, options.Lag, repaired, coefficients, forecast);
    }

    // The nearest matrix with no eigenvalue below the floor, scaled to its former trace (Penland and Matrosova 1994 do so with negative
    // eigenvalues), and the part of the trace that was raised.
    private static (Tensor Matrix, double Repaired) PositiveDefinite(Tensor matrix, double floor)
    {
        double trace = matrix.trace().ToDouble();
        if (!(trace > 0))
            throw new ArgumentException(
                "linear inverse model: the training data leave no model error; the record is too short for its number of coefficients.");
        var (values, vectors) = linalg.eigh(matrix);
        var raised = values.clamp(min: floor * trace / matrix.size(0));
        double repaired = (raised - values).sum().ToDouble() / trace;
        if (repaired == 0) return (matrix, 0);
        return (matmul(vectors * (raised * (trace / raised.sum().ToDouble())), vectors.mT), repaired);
    }

    private static LinearInverseModelOptions Check(LinearInverseModelOptions options)
    {
        Require.AtLeast(options.Lag, 1);
        Require.Positive(options.EigenvalueFloor);
        return options;
    }
}
