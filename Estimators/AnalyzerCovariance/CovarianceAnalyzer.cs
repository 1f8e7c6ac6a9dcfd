using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The fit of a covariance to the errors that it describes.</summary>
/// <param name="Factor">The factor of the analyzer's implied covariance: e^T P^-1 e / n of the errors e, averaged over time and
/// trajectories. It maximises the mean log-density.</param>
/// <param name="Asymmetry">The mean of <see cref="CovarianceMemory{TMemory}.Asymmetry"/>.</param>
/// <param name="Lifted">The mean of <see cref="CovarianceMemory{TMemory}.Lifted"/>.</param>
public sealed record CovarianceCalibration(double Factor, double Asymmetry, double Lifted);

/// <summary>
/// Analyses like the inner analyzer, and records its implied covariance: c times the symmetric part of P^a(x_f), with eigenvalues lifted
/// to a share of their mean size if they are below it. The memory holds the size of these changes.
/// </summary>
/// <typeparam name="TMemory">The inner memory.</typeparam>
[Component("covariance-analyzer")]
public sealed class CovarianceAnalyzer<TMemory> : IAnalyzer<CovarianceMemory<TMemory>> where TMemory : IMemory<TMemory>
{
    private readonly IAnalyzer<TMemory> inner;
    private readonly IProcoder<TMemory> procoder;
    private readonly IAnalyzerCovariance<TMemory> covariance;
    private readonly double floor;

    /// <summary>Gives an analyzer a covariance.</summary>
    /// <param name="inner">The analyzer.</param>
    /// <param name="procoder">Gives the state that its memory stands for.</param>
    /// <param name="covariance">Gives its implied covariance.</param>
    /// <param name="floor">The smallest eigenvalue, relative to the mean size of all, above zero and at most one.</param>
    /// <param name="calibration">The factor, and the figures it was found with (default: null, a factor of one).</param>
    public CovarianceAnalyzer(IAnalyzer<TMemory> inner, IProcoder<TMemory> procoder, IAnalyzerCovariance<TMemory> covariance, double floor,
        CovarianceCalibration? calibration = null)
    {
        (this.inner, this.procoder, this.covariance, this.floor) = (inner, procoder, covariance, CheckedFloor(floor));
        Calibration = calibration ?? new(1, 0, 0);
        Require.Positive(Calibration.Factor);
    }

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <summary>The factor of the covariance, and the size of the changes where it was found.</summary>
    public CovarianceCalibration Calibration { get; }

    /// <inheritdoc/>
    public CovarianceMemory<TMemory> Analyze(CovarianceMemory<TMemory> forecast, Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var analysis = inner.Analyze(forecast.Inner, observation, random);
        var acted = covariance.At(inner, procoder, forecast.Inner, observation, random).to(ScalarType.Float64);
        var (positive, asymmetry, lifted) = Positive(acted, floor);
        return new CovarianceMemory<TMemory>(analysis, Calibration.Factor * positive, asymmetry, lifted)
            .Map(tensor => tensor.MoveToOuterDisposeScope());
    }

    /// <summary>Gives the symmetric part with its eigenvalues lifted, and the relative size of both changes.</summary>
    /// <param name="matrix"><c>[batch, n, n]</c></param>
    /// <param name="floor">The smallest eigenvalue, relative to the mean size of all.</param>
    internal static (Tensor Positive, Tensor Asymmetry, Tensor Lifted) Positive(Tensor matrix, double floor)
    {
        using var scope = NewDisposeScope();
        var asymmetry = (matrix - matrix.transpose(-2, -1)).square().sum([1, 2]).sqrt() / (2 * matrix.square().sum([1, 2]).sqrt());
        var (values, vectors) = SymmetricEigenproblem.Solve(KalmanUpdate.Symmetric(matrix));
        var raised = values.maximum(floor * values.abs().mean([1], keepdim: true));
        var positive = KalmanUpdate.Symmetric((vectors * raised.unsqueeze(1)).matmul(vectors.transpose(-2, -1)));
        return scope.MoveToOuter(positive, asymmetry, (raised - values).sum(1L) / values.abs().sum(1L));
    }

    internal static double CheckedFloor(double floor) => floor is > 0 and <= 1 ? floor
        : throw new ArgumentOutOfRangeException(nameof(floor), floor,
            $"The smallest eigenvalue, relative to the mean size of all, must be above zero and at most one; given: {floor}.");

    /// <inheritdoc/>
    public IAnalyzer<CovarianceMemory<TMemory>> For(IObservationNetwork network) =>
        new CovarianceAnalyzer<TMemory>(inner.For(network), procoder, covariance, floor, Calibration);
}
