using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The analysis of the iterative ensemble Kalman smoother, IEnKS (Bocquet and Sakov 2014, Q. J. R. Meteorol. Soc. 140,
/// 1521-1535), and filter, IEnKF (Sakov et al. 2012, Mon. Wea. Rev. 140, 1988-2004; Bocquet and Sakov 2012, Nonlin. Processes
/// Geophys. 19, 383-399), for a model without error. It corrects the ensemble at its window's beginning, x = mean + w X, so
/// that the model's run from there fits the window's observations:
/// <code>
/// J(w) = (N - 1) / 2 |w|^2 + sum_k beta_k / 2 |y_k - H(M_k(mean + w X))|^2 in R^-1
/// </code>
/// by Gauss-Newton steps, each of which runs the ensemble through the window. With Y the sensitivities of the whitened
/// observations to w, had from that run, and d the innovation of its mean, a step is the analysis of an ensemble transform
/// with d + w Y in the place of the innovation; so one step in a window of one cycle is that filter's smoother. With a
/// finite-size prior it is the IEnKS-N: the prior's weight is found anew in each step. A step after which the cost is clearly
/// higher, or the model's run has left the numbers, is halved.
/// <para>Afterwards the window begins with the analysis ensemble and ends with the model's run from it. Posterior inflation and
/// rotation are given to the ensemble that the next window begins with: the beginning where windows overlap, the end where
/// they share no cycle. Each trajectory of the batch stops iterating by itself.</para>
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
    /// <param name="dynamics">The model, which must have no error of its own.</param>
    /// <param name="observationOperator">H, which may be nonlinear.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="iteration">The minimisation; its defaults unless said.</param>
    /// <param name="use">Single data assimilation unless said.</param>
    /// <param name="inflation">None unless said; one of the prior acts at the window's beginning.</param>
    /// <param name="rotation">How the analysis is rotated (default: not at all).</param>
    /// <param name="prior">The hyperprior of the finite-size smoother, IEnKS-N; null, as unless said, for the plain one.</param>
    /// <param name="form">How the finite-size cost function is minimised within a step.</param>
    /// <exception cref="ArgumentException">Parts that do not fit each other, a model with error, or a finite-size prior with a prior inflation or with multiple data assimilation.</exception>
    public IterativeEnsembleKalmanSmootherAnalyzer(IDynamics dynamics, IObservationOperator observationOperator, IErrorCovariance observationError,
        EnsembleGaussNewton? iteration = null, ObservationUse? use = null, Inflation? inflation = null, EnsembleRotation rotation = EnsembleRotation.None,
        FiniteSizePrior? prior = null, FiniteSizeForm form = FiniteSizeForm.Dual)
    {
        ObservingSystem.Check(observationOperator, observationError);
        if (observationOperator.StateDimension != dynamics.Dimension)
            throw new ArgumentException($"The operator observes states of dimension {observationOperator.StateDimension}, but {dynamics.Name} has dimension {dynamics.Dimension}.", nameof(observationOperator));
        if (dynamics.ModelError is not null)
            throw new ArgumentException($"The iterative ensemble smoother takes its model for perfect within the window, but {dynamics.Name} has an error; IEnKF-Q is for such models.", nameof(dynamics));
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
            throw new ArgumentException("The finite-size smoother finds the prior's inflation itself; only a posterior inflation can be given.", nameof(inflation));
        if (this.use.IsMultiple)
            throw new ArgumentException("A finite-size prior counts each analysis as the first sight of its ensemble, which multiple data assimilation contradicts; use single data assimilation.", nameof(use));
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
            var remaining = weights.Where(entry => entry.Remaining > 0).Select(entry => (entry.Observation, Weight: entry.Remaining)).ToList();
            // The window's end is the run of its beginning, unless multiple data assimilation ended it with another's.
            bool ran = !use.IsMultiple || window.Observations.Count == 1;
            var members = inflation.BeforeUpdate(EnsembleStatistics.Check(window.Start.Members), random);
            ran &= ReferenceEquals(members, window.Start.Members);
            var start = Smooth(members, ran ? window.Current.Members : null, window.StartTime, used, inflation.PriorFactor);
            // The next window begins with this one's end where they share no cycle.
            bool endGoesOn = window.Cycling.Shift >= window.Cycling.Length;
            if (!endGoesOn) start = Inflated(members, start, random);
            // All observations' whole weight, for what is said of the present; the next window goes on without.
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
        if (inflation.PosteriorFactor != 1 || rotation != EnsembleRotation.None)
        {
            var (mean, anomalies) = EnsembleStatistics.Split(analysis);
            if (rotation != EnsembleRotation.None) anomalies = RandomRotation.MeanPreserving(analysis.size(0), analysis.size(1), random, analysis.dtype).matmul(anomalies);
            analysis = mean.unsqueeze(1) + inflation.PosteriorFactor * anomalies;
        }
        return inflation.AfterUpdate(forecast, analysis, random);
    }

    /// <summary>The analysis ensemble at the window's beginning, the posterior of the prior whose anomalies are multiplied by a factor.</summary>
    private Tensor Smooth(Tensor members, Tensor? run, double time, IReadOnlyList<(Observation Observation, double Weight)> used, double factor)
    {
        long count = members.size(1);
        var weight = prior is null ? PriorWeight.Fixed((count - 1) / (factor * factor)) : PriorWeight.FiniteSize(prior, count, form);
        if (used.Count != 1 || iteration.Linearisation.IsBundle) run = null;
        return weight.IsNumber && used.All(entry => EnsembleTransformKernel.Serves(members, used.Sum(one => OperatorOf(one.Observation).ObservationDimension), entry.Observation))
            ? InOnePiece(members, run, time, used, weight) : ByTensors(members, run, time, used, weight);
    }

    private Tensor ByTensors(Tensor members, Tensor? run, double time, IReadOnlyList<(Observation Observation, double Weight)> used, PriorWeight weight)
    {
        using var scope = NewDisposeScope();
        var (mean, anomalies) = EnsembleStatistics.Split(members);
        long batch = members.size(0), count = members.size(1);
        var (linearisation, bundle) = (iteration.Linearisation, iteration.Linearisation.IsBundle);
        var ensemble = bundle ? mean.unsqueeze(1) + linearisation.Scale * anomalies : members;
        var weights = zeros(batch, count, dtype: members.dtype, device: members.device);   // where the ensemble is run
        Tensor? inverse = null;                                                              // takes back what its anomalies were transformed by
        GaussNewtonPoint? point = null;
        List<Tensor> kept = []; // from one step to the next
        for (int step = 1; ; step++)
        {
            using var inner = NewDisposeScope();
            var (y, d) = Observe(ensemble, run, time, used);
            run = null;
            if (bundle) y = y / linearisation.Scale;
            else if (inverse is not null) y = inverse.matmul(y);
            var here = GaussNewtonPoint.At(weights, y, d, point);
            var (transform, zeta) = weight.Of(EnsembleTransform.Of(here.Sensitivity, here.Innovation));
            var full = transform.Weights(zeta);
            var toGo = full - here.Weights;
            here = here with { Zeta = zeta, Going = here.Going.logical_and((count - 1) * toGo.square().sum([-1], keepdim: true) > iteration.Tolerance * iteration.Tolerance) };
            bool last = step == iteration.MaximumIterations || !here.Going.any().ToBoolean();
            // A trajectory that halves its steps takes a part of this one, and none if it cannot be tried any more.
            var next = here.Halved ? where(here.Fraction < 1, last ? here.Weights : here.Weights + here.Fraction * toGo, full) : full;
            // The transform's mean is that of the whole step.
            Tensor Members(Tensor transformed) => here.Halved ? transformed + (next - full).unsqueeze(1).matmul(anomalies) : transformed;
            var analysis = last || !bundle ? Members(transform.Apply(mean, anomalies, zeta)) : (mean + next.unsqueeze(1).matmul(anomalies).squeeze(1)).unsqueeze(1) + linearisation.Scale * anomalies;
            if (last) return analysis.MoveToOuterDisposeScope().MoveToOuterDisposeScope();
            ensemble = analysis;
            if (!bundle) inverse = transform.InverseRoot(zeta);
            (weights, point) = (next, here);
            foreach (var older in kept) older.Dispose();
            kept = [weights, ensemble, .. here.Tensors];
            if (inverse is not null) kept.Add(inverse);
            inner.MoveToOuter(kept);
        }
    }

    // The same with the kernel between the model's runs; it leaves trajectories whose steps have to be halved, a few at most, to the tensors.
    private Tensor InOnePiece(Tensor members, Tensor? run, double time, IReadOnlyList<(Observation Observation, double Weight)> used, PriorWeight weight)
    {
        using var scope = NewDisposeScope();
        var kernel = new GaussNewtonKernel(members, iteration, weight);
        var state = run;
        for (bool going = true; going; state = null)
        {
            using var inner = NewDisposeScope();
            if (used is [{ Weight: 1, Observation: var only }])
            {
                var observed = OperatorOf(only).Apply(state ?? dynamics.Advance(kernel.Ensemble, new TimeInterval(time, only.Time)));
                var (h, y, mask, deviations) = EnsembleTransformKernel.Prepare(observed, only, ErrorOf(only));
                going = kernel.Step(h, y, mask, deviations);
                continue;
            }
            var at = state ?? kernel.Ensemble;
            double now = time;
            List<Tensor> all = [], values = [];
            foreach (var (observation, share) in used)
            {
                if (state is null) at = dynamics.Advance(at, new TimeInterval(now, observation.Time));
                now = observation.Time;
                double root = Math.Sqrt(share);
                all.Add(root * ErrorOf(observation).Whiten(OperatorOf(observation).Apply(at), observation.Mask));
                values.Add(root * ErrorOf(observation).Whiten(observation.Values, observation.Mask));
            }
            going = kernel.Step(cat(all, -1), cat(values, -1), null, null);
        }
        if (kernel.Overshot.Length > 0)
        {
            var rows = tensor(kernel.Overshot);
            Tensor Of(Tensor tensor) => tensor.index_select(0, rows);
            var some = used.Select(entry => (entry.Observation with { Values = Of(entry.Observation.Values), Mask = entry.Observation.Mask is { } mask ? Of(mask) : null }, entry.Weight)).ToList();
            kernel.Result.index_copy_(0, rows, ByTensors(Of(members), run is null ? null : Of(run), time, some, weight));
        }
        return kernel.Result.MoveToOuterDisposeScope();
    }

    /// <summary>The run of an ensemble, observed: whitened anomalies <c>[batch, N, p of all]</c> and innovation <c>[batch, p of all]</c>, times the root of each observation's weight.</summary>
    private (Tensor Anomalies, Tensor Innovation) Observe(Tensor members, Tensor? run, double time, IReadOnlyList<(Observation Observation, double Weight)> used)
    {
        using var scope = NewDisposeScope();
        var anomalies = new List<Tensor>();
        var innovations = new List<Tensor>();
        foreach (var (observation, weight) in used)
        {
            members = run ?? dynamics.Advance(members, new TimeInterval(time, observation.Time));
            time = observation.Time;
            var observed = ObservedEnsemble.Of(members, observation, OperatorOf(observation), ErrorOf(observation));
            anomalies.Add(weight == 1 ? observed.ObservedAnomalies : Math.Sqrt(weight) * observed.ObservedAnomalies);
            innovations.Add(weight == 1 ? observed.Innovation : Math.Sqrt(weight) * observed.Innovation);
        }
        return scope.MoveToOuter(used.Count == 1 ? anomalies[0] : cat(anomalies, -1), used.Count == 1 ? innovations[0] : cat(innovations, -1));
    }

    double? IInflatingAnalyzer<WindowMemory<EnsembleMemory>>.LargestLift => inflation.Widens ? LargestLift.OfGivenFactors : null;

    WindowMemory<EnsembleMemory> IInflatingAnalyzer<WindowMemory<EnsembleMemory>>.Lowered(WindowMemory<EnsembleMemory> analysis, Tensor factor) =>
        UnobservedPlaces.Lowered(analysis, factor);

    /// <inheritdoc/>
    /// <remarks>A window holds the observations of several networks, each of which says its own.</remarks>
    public IAnalyzer<WindowMemory<EnsembleMemory>> For(IObservationNetwork network)
    {
        ObservingSystem.Check(network.Operator, network.Error);
        return this;
    }

    private FiniteSizeSettings? FiniteSize => prior is null ? null : new(prior, form);

    private sealed record FiniteSizeSettings([Inlined] FiniteSizePrior Prior, FiniteSizeForm Form);
}
