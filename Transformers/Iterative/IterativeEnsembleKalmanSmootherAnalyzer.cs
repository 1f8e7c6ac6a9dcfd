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
/// finite-size prior it is the IEnKS-N: the prior's weight is found anew in each step.
/// <para>Afterwards the window begins with the analysis ensemble, inflated and rotated, and ends with the model's run from it.
/// Each trajectory of the batch stops iterating by itself.</para>
/// </summary>
public sealed class IterativeEnsembleKalmanSmootherAnalyzer : IAnalyzer<WindowMemory<EnsembleMemory>>, IComponent
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
    /// <param name="inflation">At the window's beginning; none unless said.</param>
    /// <param name="rotation">None unless said.</param>
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

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("iterative-ensemble-kalman-smoother", 1, reader =>
    {
        bool finite = reader.Get<bool>("finiteSize");
        return new IterativeEnsembleKalmanSmootherAnalyzer(reader.Part<IDynamics>("dynamics"), reader.Part<IObservationOperator>("operator"), reader.Part<IErrorCovariance>("error"),
            EnsembleGaussNewton.Load(reader), ObservationUse.Load(reader), Inflation.Load(reader), reader.Get<EnsembleRotation>("rotation"),
            finite ? FiniteSizePrior.Load(reader) : null, finite ? reader.Get<FiniteSizeForm>("form") : FiniteSizeForm.Dual);
    });

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public string Name => prior is null ? "IEnKS" : "IEnKS-N";

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
            var start = inflation.AfterUpdate(members, Smooth(members, ran ? window.Current.Members : null, window.StartTime, used, random), random);
            // All observations' whole weight, for what is said of the present; the next window goes on without.
            var balanced = remaining.Count == 0 ? start : Smooth(start, null, window.StartTime, remaining, null);
            window = window.Analysed(new(start), new(dynamics.Advance(balanced, new TimeInterval(window.StartTime, observation.Time))));
        }
        return window.Map(tensor => tensor.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// The analysis ensemble at the window's beginning. Without a random stream neither inflation nor rotation: the exact
    /// posterior of this prior.
    /// </summary>
    private Tensor Smooth(Tensor members, Tensor? run, double time, IReadOnlyList<(Observation Observation, double Weight)> used, RandomStream? random)
    {
        using var scope = NewDisposeScope();
        var (mean, anomalies) = EnsembleStatistics.Split(members);
        long batch = members.shape[0], count = members.shape[1];
        double factor = random is null ? 1 : inflation.PriorFactor;
        var weight = prior is null ? PriorWeight.Fixed((count - 1) / (factor * factor)) : PriorWeight.FiniteSize(prior, count, form);
        var (linearisation, bundle) = (iteration.Linearisation, iteration.Linearisation.IsBundle);
        if (used.Count != 1 || bundle) run = null;
        if (weight.IsNumber && used.All(entry => EnsembleTransformKernel.Serves(members, used.Count * observationOperator.ObservationDimension, entry.Observation)))
            return InOnePiece(members, run, time, used, weight, random).MoveToOuterDisposeScope();
        var ensemble = bundle ? mean.unsqueeze(1) + linearisation.Scale * anomalies : members;
        Tensor? weights = null, inverse = null, sensitivity = null, innovation = null, active = null;
        List<Tensor> kept = []; // from one step to the next
        for (int step = 1; ; step++)
        {
            using var inner = NewDisposeScope();
            var (y, d) = Observe(ensemble, run, time, used);
            run = null;
            if (bundle) y = y / linearisation.Scale;
            else if (inverse is not null) y = inverse.matmul(y);
            if (weights is not null) d = d + weights.unsqueeze(1).matmul(y).squeeze(1);
            if (active is not null)
            {
                // A trajectory that has converged stays where it was, whatever the others do.
                y = where(active.unsqueeze(-1), y, sensitivity!);
                d = where(active, d, innovation!);
            }
            var (transform, zeta) = weight.Of(EnsembleTransform.Of(y, d));
            var next = transform.Weights(zeta);
            var going = (count - 1) * (weights is null ? next : next - weights).square().sum([-1], keepdim: true) > iteration.Tolerance * iteration.Tolerance;
            if (active is not null) going = going.logical_and(active);
            if (step == iteration.MaximumIterations || !going.any().ToBoolean())
            {
                var turn = random is null || rotation == EnsembleRotation.None ? null : RandomRotation.MeanPreserving(batch, count, random, members.dtype);
                var analysis = transform.Apply(mean, anomalies, zeta, random is null ? 1 : inflation.PosteriorFactor, turn);
                return analysis.MoveToOuterDisposeScope().MoveToOuterDisposeScope();
            }
            if (bundle) ensemble = (mean + next.unsqueeze(1).matmul(anomalies).squeeze(1)).unsqueeze(1) + linearisation.Scale * anomalies;
            else (ensemble, inverse) = (transform.Apply(mean, anomalies, zeta), transform.InverseRoot(zeta));
            (weights, sensitivity, innovation, active) = (next, y, d, going);
            foreach (var older in kept) older.Dispose();
            kept = [weights, sensitivity, innovation, active, ensemble];
            if (inverse is not null) kept.Add(inverse);
            inner.MoveToOuter(kept);
        }
    }

    // The same with the kernel between the model's runs. The rotation is the only random number drawn, so it may be drawn first.
    private Tensor InOnePiece(Tensor members, Tensor? run, double time, IReadOnlyList<(Observation Observation, double Weight)> used, PriorWeight weight, RandomStream? random)
    {
        using var scope = NewDisposeScope();
        long batch = members.shape[0], count = members.shape[1];
        var turn = random is null || rotation == EnsembleRotation.None ? null : RandomRotation.MeanPreserving(batch, count, random, members.dtype);
        var kernel = new GaussNewtonKernel(members, iteration, weight, random is null ? 1 : inflation.PosteriorFactor, turn);
        for (bool going = true; going; run = null)
        {
            using var inner = NewDisposeScope();
            if (used is [{ Weight: 1, Observation: var only }])
            {
                var observed = observationOperator.Apply(run ?? dynamics.Advance(kernel.Ensemble, new TimeInterval(time, only.Time)));
                var (h, y, mask, deviations) = EnsembleTransformKernel.Prepare(observed, only, observationError);
                going = kernel.Step(h, y, mask, deviations);
                continue;
            }
            var state = run ?? kernel.Ensemble;
            double now = time;
            List<Tensor> all = [], values = [];
            foreach (var (observation, share) in used)
            {
                if (run is null) state = dynamics.Advance(state, new TimeInterval(now, observation.Time));
                now = observation.Time;
                double root = Math.Sqrt(share);
                all.Add(root * observationError.Whiten(observationOperator.Apply(state), observation.Mask));
                values.Add(root * observationError.Whiten(observation.Values, observation.Mask));
            }
            going = kernel.Step(cat(all, -1), cat(values, -1), null, null);
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
            var observed = ObservedEnsemble.Of(members, observation, observationOperator, observationError);
            anomalies.Add(weight == 1 ? observed.ObservedAnomalies : Math.Sqrt(weight) * observed.ObservedAnomalies);
            innovations.Add(weight == 1 ? observed.Innovation : Math.Sqrt(weight) * observed.Innovation);
        }
        return scope.MoveToOuter(used.Count == 1 ? anomalies[0] : cat(anomalies, -1), used.Count == 1 ? innovations[0] : cat(innovations, -1));
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Part("dynamics", dynamics);
        writer.Part("operator", observationOperator);
        writer.Part("error", observationError);
        iteration.Save(writer);
        use.Save(writer);
        inflation.Save(writer);
        writer.Set("rotation", rotation);
        writer.Set("finiteSize", prior is not null);
        if (prior is null) return;
        prior.Save(writer);
        writer.Set("form", form);
    }
}
