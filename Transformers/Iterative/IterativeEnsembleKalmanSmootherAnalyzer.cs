using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The analysis of the iterative ensemble Kalman smoother, IEnKS (Bocquet and Sakov 2014, Q. J. R. Meteorol. Soc. 140,
/// 1521-1535), and filter, IEnKF (Sakov et al. 2012, Mon. Wea. Rev. 140, 1988-2004; Bocquet and Sakov 2012, Nonlin. Processes
/// Geophys. 19, 383-399), for a model without error. It corrects the ensemble at its window's beginning, x = mean + w X, so
/// that the model's run from there fits the window's observations:
/// <code>
/// J(w) = (N - 1) / 2 |w|^2 + sum_k beta_k / 2 |y_k - H(M_k(mean + w X))|^2 in R^-1
/// </code>
/// by Gauss-Newton steps, each of which runs the ensemble through the window. With Y the sensitivities of the whitened observations to w,
/// from that run, and d the innovation of its mean, a step is the analysis of an ensemble transform with d + w Y in place of the
/// innovation; so one step in a window of one cycle is that filter's smoother. With a finite-size prior it is the IEnKS-N: the prior's
/// weight is found again in each step. A step after which the cost is clearly higher, or the model's run is non-finite, is halved.
/// <para>Afterwards the window begins with the analysis ensemble and ends with the model's run from it. Posterior inflation and rotation
/// act on the ensemble that the next window begins with: the beginning if windows overlap, the end if they share no cycle. Each
/// trajectory of the batch stops iterating by itself.</para>
/// </summary>
[Component("iterative-ensemble-kalman-smoother")]
public sealed class IterativeEnsembleKalmanSmootherAnalyzer : IInflatingAnalyzer<WindowMemory<EnsembleMemory>>
{
    private readonly IDynamics dynamics;
    private readonly IObservationOperator observationOperator;
    private readonly IErrorCovariance observationError;
    private readonly EnsembleGaussNewton iteration;
    private readonly ObservationUse use;
    private readonly Inflation inflation;
    private readonly EnsembleRotation rotation;
    private readonly FiniteSizePrior? prior;
    private readonly FiniteSizeForm form;

    /// <summary>Makes an analyzer.</summary>
    /// <param name="dynamics">The model, which must have no model error.</param>
    /// <param name="observationOperator">H, which may be nonlinear.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="iteration">The minimisation (default: its default settings).</param>
    /// <param name="use">The use of observations (default: single data assimilation).</param>
    /// <param name="inflation">The inflation (default: none). A prior inflation acts at the window's beginning.</param>
    /// <param name="rotation">The rotation of the analysis (default: none).</param>
    /// <param name="prior">The hyperprior of the finite-size smoother, IEnKS-N (default: null, the plain smoother).</param>
    /// <param name="form">The minimisation of the finite-size cost function within a step.</param>
    /// <exception cref="ArgumentException">The parts do not match, the model has an error, or a finite-size prior is combined with a
    /// prior inflation or with multiple data assimilation.</exception>
    public IterativeEnsembleKalmanSmootherAnalyzer(IDynamics dynamics, IObservationOperator observationOperator,
        IErrorCovariance observationError,
        EnsembleGaussNewton? iteration = null, ObservationUse? use = null, Inflation? inflation = null,
        EnsembleRotation rotation = EnsembleRotation.None,
        FiniteSizePrior? prior = null, FiniteSizeForm form = FiniteSizeForm.Dual)
    {
        ObservingSystem.Check(observationOperator, observationError);
        if (observationOperator.StateDimension != dynamics.Dimension)
            throw new ArgumentException(
                $"The operator observes states of dimension {observationOperator.StateDimension}, but {dynamics.Name} has dimension " +
                    $"{dynamics.Dimension}.", nameof(observationOperator));
        if (dynamics.ModelError is not null)
            throw new ArgumentException(
                $"The iterative ensemble smoother assumes a perfect model within the window, but {dynamics.Name} has a model error; " +
                    "use IEnKF-Q for it.", nameof(dynamics));
        this.dynamics = dynamics;
        this.observationOperator = observationOperator;
        this.observationError = observationError;
        this.iteration = iteration ?? new();
        this.use = use ?? ObservationUse.Single;
        this.inflation = (inflation ?? Inflation.None).With(rotation);
        this.rotation = rotation;
        this.prior = prior;
        this.form = form;
        if (prior is null) return;
        if (this.inflation.PriorFactor != 1)
            throw new ArgumentException(
                "The finite-size smoother estimates the prior's inflation itself; only a posterior inflation can be " +
                "given.", nameof(inflation));
        if (this.use.IsMultiple)
            throw new ArgumentException(
                "A finite-size prior assumes that each ensemble is used in one analysis, but multiple data assimilation uses it in " +
                    "several; use single data assimilation.", nameof(use));
    }

    [Saved]
    private IterativeEnsembleKalmanSmootherAnalyzer(IDynamics dynamics, [Saved("operator")] IObservationOperator observationOperator,
        [Saved("error")] IErrorCovariance observationError, [Inlined] EnsembleGaussNewton iteration, [Inlined] ObservationUse use,
        Inflation inflation, EnsembleRotation rotation, [Inlined] FiniteSizeSettings? finiteSize)
        : this(dynamics, observationOperator, observationError, iteration, use, inflation, rotation, finiteSize?.Prior,
            finiteSize?.Form ?? FiniteSizeForm.Dual)
    {
    }

    /// <inheritdoc/>
    public string Name => prior is null ? "IEnKS" : "IEnKS-N";

    /// <inheritdoc/>
    public IObservationOperator Observes => observationOperator;

    /// <inheritdoc/>
    public WindowMemory<EnsembleMemory> Analyze(WindowMemory<EnsembleMemory> forecast, Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var window = forecast.Remember(observation);
        if (window.IsDue)
        {
            var weights = use.Of(window).ToList();
            var used = weights.Where(entry => entry.Now > 0).Select(entry => (entry.Observation, Weight: entry.Now)).ToList();
            var remaining = weights.Where(entry => entry.Remaining > 0).Select(entry => (entry.Observation, Weight: entry.Remaining))
                .ToList();
            // The window's end is the run of its beginning, unless multiple data assimilation ended it with another ensemble's run.
            bool ran = !use.IsMultiple || window.Observations.Count == 1;
            var members = inflation.BeforeUpdate(EnsembleStatistics.Check(window.Start.Members), random);
            ran &= ReferenceEquals(members, window.Start.Members);
            var start = Smooth(members, ran ? window.Current.Members : null, window.StartTime, used, inflation.PriorFactor);
            // The next window begins with this one's end if they share no cycle.
            bool endGoesOn = window.Cycling.Shift >= window.Cycling.Length;
            if (!endGoesOn) start = Inflated(members, start, random);
            // The full weight of all observations, for the estimate of the present; the next window continues without it.
            var balanced = remaining.Count == 0 ? start : Smooth(start, null, window.StartTime, remaining, 1);
            var end = dynamics.Advance(balanced, new TimeInterval(window.StartTime, observation.Time));
            if (endGoesOn) end = Inflated(window.Current.Members, end, random);
            Observation[] observations = [.. used.Select(entry => entry.Observation)];
            window = window.Analysed(new(UnobservedPlaces.Keep(window.Start.Members, start, observations)),
                new(UnobservedPlaces.Keep(window.Current.Members, end, observations)));
        }
        return window.Map(tensor => tensor.MoveToOuterDisposeScope());
    }

    private IObservationOperator OperatorOf(Observation observation) => observation.Network?.Operator ?? observationOperator;

    private IErrorCovariance ErrorOf(Observation observation) => observation.Network?.Error ?? observationError;

    // With posterior inflation and rotation: the ensemble that the next window begins with.
    private Tensor Inflated(Tensor forecast, Tensor analysis, RandomStream random)
    {
        if (rotation != EnsembleRotation.None)
        {
            var (mean, anomalies) = EnsembleStatistics.Split(analysis);
            anomalies = RandomRotation.MeanPreserving(analysis.size(0), analysis.size(1), random, analysis.dtype).matmul(anomalies);
            analysis = mean.unsqueeze(1) + inflation.PosteriorFactor * anomalies;
        }
        else if (inflation.PosteriorFactor != 1)
            analysis = lerp(EnsembleStatistics.Mean(analysis).unsqueeze(1), analysis, inflation.PosteriorFactor);
        return inflation.AfterUpdate(forecast, analysis, random);
    }

    /// <summary>
    /// The analysis ensemble at the window's beginning, the posterior of the prior whose anomalies are multiplied by a factor.
    /// </summary>
    private Tensor Smooth(Tensor members, Tensor? run, double time, IReadOnlyList<(Observation Observation, double Weight)> used,
        double factor)
    {
        using var scope = NewDisposeScope();
        long count = members.size(1);
        var weight = prior is null ? PriorWeight.Fixed((count - 1) / (factor * factor)) : PriorWeight.FiniteSize(prior, count, form);
        if (used.Count != 1 || iteration.Linearisation.IsBundle) run = null;
        long observations = used.Sum(entry => OperatorOf(entry.Observation).ObservationDimension);
        if (!weight.IsNumber || !used.All(entry => EnsembleTransformKernel.Serves(members, observations, entry.Observation)))
            return Minimise(new GaussNewtonTensors(members, iteration, weight), run, time, used).MoveToOuterDisposeScope();
        var kernel = new GaussNewtonKernel(members, iteration, weight);
        var analysis = Minimise(kernel, run, time, used);
        // The tensor form halves steps, for a few trajectories at most, one by one: its products' last digits follow their number.
        foreach (int b in kernel.Overshot)
        {
            Tensor Of(Tensor tensor) => tensor.narrow(0, b, 1);
            var alone = used.Select(entry =>
                (entry.Observation with
                    { Values = Of(entry.Observation.Values), Mask = entry.Observation.Mask is { } mask ? Of(mask) : null }, entry.Weight))
                        .ToList();
            Of(analysis).copy_(Minimise(new GaussNewtonTensors(Of(members), iteration, weight), run is null ? null : Of(run), time, alone));
        }
        return analysis.MoveToOuterDisposeScope();
    }

    /// <summary>The minimisation; the run of its first ensemble to the only observation may already be known.</summary>
    private Tensor Minimise(GaussNewton steps, Tensor? run, double time, IReadOnlyList<(Observation Observation, double Weight)> used)
    {
        return steps.Minimise(Observe);

        IReadOnlyList<ObservedRun> Observe(Tensor ensemble)
        {
            var observed = new List<ObservedRun>();
            double now = time;
            foreach (var (observation, weight) in used)
            {
                ensemble = run ?? dynamics.Advance(ensemble, new TimeInterval(now, observation.Time));
                now = observation.Time;
                observed.Add(new(OperatorOf(observation).Apply(ensemble), observation, ErrorOf(observation), weight));
            }
            run = null;
            return observed;
        }
    }

    double? IInflatingAnalyzer<WindowMemory<EnsembleMemory>>.LargestLift => inflation.Widens ? LargestLift.OfGivenFactors : null;

    WindowMemory<EnsembleMemory> IInflatingAnalyzer<WindowMemory<EnsembleMemory>>.Lowered(WindowMemory<EnsembleMemory> analysis,
        Tensor factor) =>
        UnobservedPlaces.Lowered(analysis, factor);

    /// <inheritdoc/>
    /// <remarks>A window holds the observations of several networks; each observation names its own.</remarks>
    public IAnalyzer<WindowMemory<EnsembleMemory>> For(IObservationNetwork network)
    {
        ObservingSystem.Check(network.Operator, network.Error);
        return this;
    }

    private FiniteSizeSettings? FiniteSize => prior is null ? null : new(prior, form);

    private sealed record FiniteSizeSettings([Inlined] FiniteSizePrior Prior, FiniteSizeForm Form);
}
