using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Settings of an <see cref="AnalyzerCovarianceEstimator{TMemory}"/>, with their defaults.</summary>
public sealed record AnalyzerCovarianceOptions
{
    /// <summary>
    /// The smallest eigenvalue of the covariance, relative to the mean size of all, above zero and at most one. Where the implied
    /// covariance is close to zero, the error is not as small; of 0.01, 0.05 and 0.2 the last describes a small network's errors best
    /// (docs/learned-analysis.md).
    /// </summary>
    public double EigenvalueFloor { get; init; } = 0.2;

    /// <summary>The number of cycles that the factor is fitted on, over all trajectories.</summary>
    public long Cycles { get; init; } = 50;

    /// <summary>The number of cycles before these that are left out, the spin-up of the method.</summary>
    public long BurnIn { get; init; } = 60;
}

/// <summary>
/// Gives a method that carries a single state an uncertainty: in every cycle the implied covariance P^a(x_f) of its analyzer, times one
/// factor that is fitted on true trajectories. The result is the same method with densities, spread columns and ensembles to draw, so
/// that log-density, CRPS and spread-skill score it beside an ensemble filter.
/// </summary>
/// <remarks>
/// The factor maximises the mean log-density of the analyses: for P^a up to a factor c, c = mean of e^T (P^a)^-1 e / n with e the
/// analysis error. The analyses themselves are the method's own, to the bit. A cycle costs n products of the analyzer's Jacobian with a
/// vector and n tangent linear model runs.
/// </remarks>
/// <typeparam name="TMemory">The method's memory.</typeparam>
public sealed class AnalyzerCovarianceEstimator<TMemory> : IEstimator<SequentialAssimilation<CovarianceMemory<TMemory>>>
    where TMemory : IMemory<TMemory>
{
    private readonly DataAssimilationContext context;
    private readonly SequentialAssimilation<TMemory> method;
    private readonly IAnalyzerCovariance<TMemory> covariance;
    private readonly IDynamics dynamics;
    private readonly AnalyzerCovarianceOptions options;

    /// <summary>Creates an estimator.</summary>
    /// <param name="context">The context on whose device it computes.</param>
    /// <param name="method">The method; its analyses remain unchanged.</param>
    /// <param name="covariance">Gives the implied covariance of its analyzer.</param>
    /// <param name="dynamics">The model, whose tangent linear propagates the covariance to the next forecast.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    /// <exception cref="ArgumentException">An option is out of its range, or the model has another dimension.</exception>
    public AnalyzerCovarianceEstimator(DataAssimilationContext context, SequentialAssimilation<TMemory> method,
        IAnalyzerCovariance<TMemory> covariance, IDynamics dynamics, AnalyzerCovarianceOptions? options = null)
    {
        (this.context, this.method, this.covariance, this.dynamics, this.options) = (context, method, covariance, dynamics, options
            ?? new());
        CovarianceAnalyzer<TMemory>.CheckedFloor(this.options.EigenvalueFloor);
        Require.AtLeast(this.options.Cycles, 1);
        Require.NotNegative(this.options.BurnIn);
        if (dynamics.Dimension != method.StateDimension)
            throw new ArgumentException(
                $"{method.Name} analyses states of dimension {method.StateDimension}, but {dynamics.Name} has dimension " +
                    $"{dynamics.Dimension}.", nameof(dynamics));
        var fitted = With(new(1, 0, 0), 1).Contract;
        Contract = new SchemaContract([.. fitted.Requires, new(Columns.Truth, method.StateDimension)], fitted.Adds);
    }

    /// <inheritdoc/>
    public string Name => $"uncertainty of {method.Name}";

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <inheritdoc/>
    /// <exception cref="SchemaException">The view lacks a column, or has it in another shape.</exception>
    /// <exception cref="ArgumentException">The view has too few cycles, or a truth is non-finite.</exception>
    public SequentialAssimilation<CovarianceMemory<TMemory>> Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        Contract.Apply(data.Schema, Name);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var random = context.Random($"uncertainty/{method.Name}");
        double factor = 0, asymmetry = 0, lifted = 0, variance = 0;
        long counted = 0;
        bool masked = data.Schema.Has(Columns.ObservationMask);
        using var run = method.Run(data.Take(options.BurnIn + options.Cycles));
        while (run.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            using var cycle = NewDisposeScope();
            var truth = Require.Finite(run[Columns.Truth], $"The truth of cycle {run.Cycle}").to(ScalarType.Float64);
            // var(unbiased: false) of TorchSharp 0.107 divides by n - 1
            if (run.Cycle == 0) variance = (truth - truth.mean()).square().mean().ToDouble();
            if (run.Cycle < options.BurnIn) continue;
            var observation = new Observation(run[Columns.Observation], masked ? run[Columns.ObservationMask] : null, run.Time);
            var acted = covariance.At(method.Triple.Analyzer, method.Triple.Procoder, run.Forecast, observation, random)
                .to(ScalarType.Float64);
            var (positive, asymmetries, lifts) = CovarianceAnalyzer<TMemory>.Positive(acted, options.EigenvalueFloor);
            var error = truth - run[Columns.Analysis].to(ScalarType.Float64);
            factor += linalg.solve_triangular(linalg.cholesky(positive), error.unsqueeze(-1), upper: false).square().mean().ToDouble();
            asymmetry += asymmetries.mean().ToDouble();
            lifted += lifts.mean().ToDouble();
            counted++;
        }
        if (counted == 0)
            throw new ArgumentException(
                $"{Name} leaves out a burn-in of {options.BurnIn} cycles; the view has no cycle after it.", nameof(data));
        return With(new(factor / counted, asymmetry / counted, lifted / counted), variance);
    }

    // The method with the covariance, starting from two unrelated states, one of which is the truth.
    private SequentialAssimilation<CovarianceMemory<TMemory>> With(CovarianceCalibration calibration, double stateVariance)
    {
        var (analyzer, propagater, procoder, source) = method.Triple;
        var triple =
            new AssimilationTriple<CovarianceMemory<TMemory>>(
                new CovarianceAnalyzer<TMemory>(analyzer, procoder, covariance, options.EigenvalueFloor, calibration),
            new CovariancePropagater<TMemory>(propagater, procoder, dynamics), new CovarianceProcoder<TMemory>(procoder),
            new CovarianceSource<TMemory>(source, procoder, 2 * stateVariance));
        return new(method.Name, triple, method.StateDimension, method.ObservationDimension, context,
            method.Options with { Stream = method.Options.Stream });
    }
}

/// <summary>Uncertainty for methods that carry a single state, made from <see cref="DataAssimilationContext.Analysis"/>.</summary>
public static class AnalyzerCovarianceCatalog
{
    /// <summary>
    /// Gives a learned method the implied covariance of its network: the Jacobian of the analysis with respect to H^T R^-1 (y - H x_f),
    /// times a fitted factor.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="method">A method whose analyzer reads the scaled innovation: a <see cref="LearnedAnalyzer{TMemory}"/>, or your
    /// own.</param>
    /// <param name="dynamics">The model.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    /// <exception cref="ArgumentException">Its analyzer is no <see cref="IScaledInnovationAnalyzer{TMemory}"/>, an option is out of its
    /// range, or the model has another dimension.</exception>
    public static AnalyzerCovarianceEstimator<TMemory> WithUncertainty<TMemory>(this AnalysisCatalog catalog,
        SequentialAssimilation<TMemory> method, IDynamics dynamics,
        AnalyzerCovarianceOptions? options = null) where TMemory : IMemory<TMemory>
    {
        InnovationJacobian<TMemory>.Require(method.Triple.Analyzer);
        return new(catalog.Context, method, new InnovationJacobian<TMemory>(), dynamics, options);
    }

    /// <summary>Gives a method the implied covariance of its analyzer, from a source of your choice, times a fitted factor.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="method">The method.</param>
    /// <param name="covariance">The source of the covariance: an <see cref="InnovationJacobian{TMemory}"/>, a
    /// <see cref="RegressedAnalyzerCovariance{TMemory}"/>, a network's own.</param>
    /// <param name="dynamics">The model.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    /// <exception cref="ArgumentException">An option is out of its range, or the model has another dimension.</exception>
    public static AnalyzerCovarianceEstimator<TMemory> WithUncertainty<TMemory>(this AnalysisCatalog catalog,
        SequentialAssimilation<TMemory> method, IAnalyzerCovariance<TMemory> covariance,
        IDynamics dynamics, AnalyzerCovarianceOptions? options = null) where TMemory : IMemory<TMemory> =>
        new(catalog.Context, method, covariance, dynamics, options);
}
