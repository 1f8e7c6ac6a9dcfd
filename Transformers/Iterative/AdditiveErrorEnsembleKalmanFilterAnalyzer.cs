using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The analysis of the iterative ensemble Kalman filter in the presence of additive model error, IEnKF-Q (Sakov, Haussaire
/// and Bocquet 2018, Q. J. R. Meteorol. Soc. 144, 1297-1309), over a window of one cycle. The control is the state at the
/// window's beginning, x1 = mean + u X, and the model's error at its end, x2 = M(x1) + v S:
/// <code>
/// J(u, v) = (N - 1) / 2 (|u|^2 + |v|^2) + 1/2 |y - H(M(mean + u X) + v S)|^2 in R^-1,    S^T S = (N - 1) Q
/// </code>
/// minimised by Gauss-Newton steps. With A the sensitivities of x2 to u, from a run of the ensemble, each step is solved exactly: first u
/// by an ensemble transform with H Q H^T added to R, then v given u. The posterior covariance at the end, of the N + n anomalies A and S
/// together, is reduced to N members that keep its N - 1 leading directions and are as near to the model's members as their covariance
/// allows.
/// <para>Q is the model's error over the whole cycle: that of one step times the number of steps, as if all of it came at the end, which
/// is exact for cycles of one step. Without an error it is the IEnKF. The posterior covariance is built and decomposed as an n x n
/// matrix, so n should be a few thousand at most.</para>
/// </summary>
[Component("additive-error-iterative-ensemble-kalman-filter")]
public sealed class AdditiveErrorEnsembleKalmanFilterAnalyzer : IInflatingAnalyzer<WindowMemory<EnsembleMemory>>
{
    private readonly IDynamics dynamics;
    private readonly IObservationOperator observationOperator;
    private readonly IErrorCovariance observationError;
    private readonly EnsembleGaussNewton iteration;
    private readonly Inflation inflation;
    private readonly EnsembleRotation rotation;

    /// <summary>Makes an analyzer.</summary>
    /// <param name="dynamics">The model; its error is that of one time step.</param>
    /// <param name="observationOperator">H, which may be nonlinear; its tangent linear is used.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="iteration">The minimisation (default: its default settings).</param>
    /// <param name="inflation">The inflation (default: none). A prior inflation acts at the window's beginning, a posterior inflation at
    /// its end.</param>
    /// <param name="rotation">The rotation of the analysis (default: none).</param>
    /// <exception cref="ArgumentException">The parts do not match.</exception>
    public AdditiveErrorEnsembleKalmanFilterAnalyzer(IDynamics dynamics, [Saved("operator")] IObservationOperator observationOperator,
        [Saved("error")] IErrorCovariance observationError,
        [Inlined] EnsembleGaussNewton? iteration = null, Inflation? inflation = null, EnsembleRotation rotation = EnsembleRotation.None)
    {
        ObservingSystem.Check(observationOperator, observationError);
        if (observationOperator.StateDimension != dynamics.Dimension)
            throw new ArgumentException(
                $"The operator observes states of dimension {observationOperator.StateDimension}, but {dynamics.Name} has dimension " +
                    $"{dynamics.Dimension}.", nameof(observationOperator));
        this.dynamics = dynamics;
        this.observationOperator = observationOperator;
        this.observationError = observationError;
        this.iteration = iteration ?? new();
        this.inflation = (inflation ?? Inflation.None).With(rotation);
        this.rotation = rotation;
    }

    /// <inheritdoc/>
    public string Name => "IEnKF-Q";

    /// <inheritdoc/>
    public IObservationOperator Observes => observationOperator;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The window is not one cycle long.</exception>
    public WindowMemory<EnsembleMemory> Analyze(WindowMemory<EnsembleMemory> forecast, Observation observation, RandomStream random)
    {
        if (forecast.Cycling.Length != 1)
            throw new ArgumentException(
                $"The iterative ensemble Kalman filter with additive model error works in windows of one cycle; given: " +
                    $"{forecast.Cycling.Length}.", nameof(forecast));
        using var scope = NewDisposeScope();
        var window = forecast.Remember(observation);
        var given = EnsembleStatistics.Check(window.Start.Members);
        var members = UnobservedPlaces.Keep(given, inflation.BeforeUpdate(given, random), observation);
        var (start, end) = Iterate(members, new TimeInterval(window.StartTime, observation.Time), observation, random);
        end = UnobservedPlaces.Keep(end, inflation.AfterUpdate(window.Current.Members, end, random), observation);
        return window.Analysed(new(start), new(end)).Map(tensor => tensor.MoveToOuterDisposeScope());
    }

    private (Tensor Start, Tensor End) Iterate(Tensor members, TimeInterval interval, Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        long batch = members.size(0), count = members.size(1), n = members.size(2);
        var (mean, anomalies) = EnsembleStatistics.Split(members);
        anomalies = UnobservedPlaces.Keep(anomalies, anomalies * inflation.PriorFactor, observation);
        double zeta = count - 1;
        var prior = tensor(zeta, dtype: members.dtype, device: members.device);
        var identity = eye(n, dtype: members.dtype, device: members.device);
        // S: rows whose squares sum to (N - 1) Q.
        var noise = dynamics.ModelError is { } error ? Math.Sqrt(zeta * interval.Steps(dynamics.TimeStep)) * error.Colour(identity)
            : zeros_like(identity);

        bool bundle = iteration.Linearisation.IsBundle;
        double scale = iteration.Linearisation.Scale;
        var ensemble = mean.unsqueeze(1) + scale * anomalies;
        Tensor u = zeros(batch, count, dtype: members.dtype, device: members.device),
            v = zeros(batch, n, dtype: members.dtype, device: members.device);
        Tensor? inverse = null, sensitivity = null, run = null, active = null;
        List<Tensor> kept = []; // from one step to the next
        for (int step = 1; ; step++)
        {
            using var inner = NewDisposeScope();
            var (centre, a) = EnsembleStatistics.Split(dynamics.Advance(ensemble, interval));
            if (bundle) a = a / scale;
            else if (inverse is not null) a = inverse.matmul(a);
            if (active is not null)
            {
                // A trajectory that has converged stays in place, whatever the others do.
                a = where(active.unsqueeze(-1), a, sensitivity!);
                centre = where(active, centre, run!);
            }
            var x2 = centre + v.matmul(noise);
            var solution = Step(x2, a, noise, u, v, zeta, observation);
            var going = zeta * ((solution.U - u).square().sum([-1], keepdim: true)
                + (solution.V - v).square().sum([-1], keepdim: true)) > iteration.Tolerance * iteration.Tolerance;
            if (active is not null) going = going.logical_and(active);
            if (step == iteration.MaximumIterations || !going.any().ToBoolean())
            {
                var smoothed = solution.Transform.Apply(mean, anomalies, prior);
                x2 = x2 + (solution.U - u).unsqueeze(1).matmul(a).squeeze(1) + (solution.V - v).matmul(noise);
                // The members that the model gave, with the spread of the current analysis: D^(1/2) A in the subspace of u.
                var given = EnsembleStatistics.Split(solution.Transform.Apply(mean, a, prior)).Anomalies;
                var analysed = Reduced(Covariance(solution.Both, solution.Observed, zeta), given);
                analysed = UnobservedPlaces.Keep(analysed, analysed * inflation.PosteriorFactor, observation);
                if (rotation == EnsembleRotation.MeanPreserving)
                    analysed = RandomRotation.MeanPreserving(batch, count, random, members.dtype).matmul(analysed);
                var end = x2.unsqueeze(1) + analysed;
                inner.MoveToOuter(smoothed, end);
                return scope.MoveToOuter(smoothed, end);
            }
            // A converged trajectory stays at its point of linearisation.
            Tensor nextU = where(going, solution.U, u), nextV = where(going, solution.V, v);
            if (bundle) ensemble = (mean + nextU.unsqueeze(1).matmul(anomalies).squeeze(1)).unsqueeze(1) + scale * anomalies;
            else (ensemble, inverse) = (solution.Transform.Apply(mean, anomalies, prior), solution.Transform.InverseRoot(prior));
            (u, v, sensitivity, run, active) = (nextU, nextV, a, centre, going);
            foreach (var older in kept) older.Dispose();
            kept = [ensemble, u, v, sensitivity, run, active];
            if (inverse is not null) kept.Add(inverse);
            inner.MoveToOuter(kept);
        }
    }

    /// <summary>
    /// A Gauss-Newton step: the transform of the weights u alone, both weights, and the anomalies at the end, A and S together
    /// <c>[batch, N + n, n]</c>, unobserved and observed.
    /// </summary>
    private (EnsembleTransform Transform, Tensor U, Tensor V, Tensor Both, Tensor Observed) Step(Tensor x2, Tensor a, Tensor noise,
        Tensor u, Tensor v, double zeta, Observation observation)
    {
        long batch = x2.size(0), count = a.size(1), n = x2.size(1);
        var both = cat([a, noise.expand(batch, n, n)], 1);                                                         // [batch, N + n, n]
        var observed = observationOperator.TangentLinear(x2.unsqueeze(1).expand(batch, count + n, n), both);
        observed = observationError.Whiten(observed, observation.Mask);
        Tensor ofA = observed.narrow(1, 0, count), ofNoise = observed.narrow(1, count, n);
        // The innovation at u = 0, v = 0.
        var innovation = observationError.Whiten(observation.Values - observationOperator.Apply(x2), observation.Mask)
            + cat([u, v], -1).unsqueeze(1).matmul(observed).squeeze(1);
        // I + H Q H^T, whitened, = C C^T.
        var total = ofNoise.mT.matmul(ofNoise) / zeta + eye(observed.size(2), dtype: x2.dtype, device: x2.device);
        var factor = linalg.cholesky(total);
        var whiteA = linalg.solve_triangular(factor, ofA.mT, upper: false).mT;
        var transform = EnsembleTransform.Of(whiteA, linalg.solve_triangular(factor, innovation.unsqueeze(-1), upper: false).squeeze(-1));
        using var prior = tensor(zeta, dtype: x2.dtype, device: x2.device);
        var nextU = transform.Weights(prior);
        // v = S H^T (I + H Q H^T)^-1 (d - u Y_u) / (N - 1)
        var rest = innovation - nextU.unsqueeze(1).matmul(ofA).squeeze(1);
        var solved = linalg.solve_triangular(factor.mT, linalg.solve_triangular(factor, rest.unsqueeze(-1), upper: false), upper: true);
        var nextV = ofNoise.matmul(solved).squeeze(-1) / zeta;
        return (transform, nextU, nextV, both, observed);
    }

    // P - P H^T (H P H^T + I)^-1 H P with P = (A^T A + S^T S) / (N - 1), whitened.
    private static Tensor Covariance(Tensor both, Tensor observed, double zeta)
    {
        var crossed = observed.mT.matmul(both) / zeta;                                                               // H P, [batch, p, n]
        var gram = observed.mT.matmul(observed) / zeta + eye(observed.size(2), dtype: both.dtype, device: both.device);
        var half = linalg.solve_triangular(linalg.cholesky(gram), crossed, upper: false);
        return both.mT.matmul(both) / zeta - half.mT.matmul(half);
    }

    /// <summary>
    /// Anomalies <c>[batch, N, n]</c> that sum to zero and have the covariance's leading N - 1 directions, and are nearest to the given
    /// ones (a Procrustes problem).
    /// </summary>
    private static Tensor Reduced(Tensor covariance, Tensor given)
    {
        long count = given.size(1), n = given.size(2), rank = Math.Min(count - 1, n);
        var (values, vectors) = SymmetricEigenproblem.Solve(covariance);                                             // ascending
        // C, [batch, r, n]
        var leading = (values.narrow(-1, n - rank, rank).clamp_min(0) * (count - 1)).sqrt()
            .unsqueeze(-1) * vectors.narrow(-1, n - rank, rank).mT;
        // An orthonormal basis of the complement of ones: the reflection of e_1 to ones / sqrt(N), without its first column.
        var reflected = full(count, 1 / Math.Sqrt(count), dtype: given.dtype, device: given.device);
        reflected[0] -= 1;
        var complement = (eye(count, dtype: given.dtype, device: given.device)
            - 2 / reflected.square().sum() * reflected.unsqueeze(1) * reflected).narrow(1, 1, count - 1);
        // U = B W O^T with B^T given C^T = W s O^T maximises the trace of U^T given C^T.
        var (w, _, o) = linalg.svd(complement.mT.matmul(given).matmul(leading.mT), fullMatrices: false);
        return complement.matmul(w).matmul(o).matmul(leading);
    }

    double? IInflatingAnalyzer<WindowMemory<EnsembleMemory>>.LargestLift => inflation.Widens ? LargestLift.OfGivenFactors : null;

    WindowMemory<EnsembleMemory> IInflatingAnalyzer<WindowMemory<EnsembleMemory>>.Lowered(WindowMemory<EnsembleMemory> analysis,
        Tensor factor) =>
        UnobservedPlaces.Lowered(analysis, factor);

    /// <inheritdoc/>
    public IAnalyzer<WindowMemory<EnsembleMemory>> For(IObservationNetwork network) =>
        new AdditiveErrorEnsembleKalmanFilterAnalyzer(dynamics, network.Operator, network.Error, iteration, inflation, rotation);
}
