using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The square-root analysis in the space that an ensemble spans (Bishop et al. 2001; Hunt et al. 2007), in the eigenbasis of A = Y Y^T:
/// zeta = N - 1 gives the ensemble transform Kalman filter, zeta = rho (N - 1) the same with the forgetting factor rho, and the minimiser
/// of the dual cost function the finite-size filter. Members are rows here, so
/// <code>
/// w   = (Y Y^T + zeta I)^-1 Y d                  weights of the mean's increment
/// T   = sqrt(N - 1) (Y Y^T + zeta I)^(-1/2)      symmetric square root
/// E_a = mean + (T + 1 w^T) X
/// </code>
/// where X <c>[batch, N, n]</c> are the anomalies, Y <c>[batch, N, p]</c> those of the observed ensemble and d
/// <c>[batch, p]</c> the innovation, both whitened by R^(-1/2). The eigenproblem is solved in the smaller of the two
/// spaces, members or observations; both give the same members to round-off.
/// </summary>
public sealed class EnsembleTransform
{
    private readonly bool inMemberSpace;
    private readonly long members;
    private readonly Tensor basis;      // member space: eigenvectors V [batch, N, N]; else Y U [batch, N, p]
    private readonly Tensor eigenvalues;
    private readonly Tensor projections; // member space: V^T Y d; else U^T d

    private EnsembleTransform(bool inMemberSpace, long members, Tensor basis, Tensor eigenvalues, Tensor projections)
    {
        this.inMemberSpace = inMemberSpace;
        this.members = members;
        this.basis = basis;
        this.eigenvalues = eigenvalues;
        this.projections = projections;
    }

    /// <summary>Computes an ensemble's analysis: in one piece if the kernel supports it, tensor by tensor otherwise.</summary>
    /// <param name="members">The forecast, <c>[batch, N, n]</c>.</param>
    /// <param name="observation">y</param>
    /// <param name="observationOperator">H</param>
    /// <param name="observationError">R</param>
    /// <param name="weight">The prior's weight; a factor of the prior anomalies enters only through it.</param>
    /// <param name="inflation">The inflation.</param>
    /// <param name="rotation">The rotation of the analysis anomalies.</param>
    /// <param name="random">The stream that inflation and rotation draw from.</param>
    /// <returns><c>[batch, N, n]</c></returns>
    internal static Tensor Analyze(Tensor members, Observation observation, IObservationOperator observationOperator,
        IErrorCovariance observationError,
        PriorWeight weight, Inflation inflation, EnsembleRotation rotation, RandomStream random)
    {
        EnsembleStatistics.Check(members);
        // The kernel allocates nothing except its result, so a scope, which costs as much as a small operator, is often unnecessary.
        bool served = weight.IsNumber && EnsembleTransformKernel.Serves(members, observationOperator.ObservationDimension, observation);
        using var scope = served && inflation is MultiplicativeInflation && rotation == EnsembleRotation.None ? null : NewDisposeScope();
        var given = members;
        members = inflation.BeforeUpdate(members, random);
        var turn = rotation == EnsembleRotation.None ? null
            : RandomRotation.MeanPreserving(members.size(0), members.size(1), random, members.dtype);
        using var observed = observationOperator.Apply(members);
        Tensor analysis;
        if (served && KernelMemory.Serves(members, observed))
            analysis = EnsembleTransformKernel.Analyze(members, observed, observation, observationError, weight, inflation.PosteriorFactor,
                turn);
        else
        {
            var (mean, anomalies, observedAnomalies, innovation) = ObservedEnsemble.Of(members, observed, observation, observationError);
            var (transform, zeta) = weight.Of(Of(observedAnomalies, innovation));
            analysis = transform.Apply(mean, anomalies, zeta, inflation.PosteriorFactor, turn);
        }
        analysis = inflation.AfterUpdate(members, analysis, random);
        if (observation.Mask is not null) analysis = UnobservedPlaces.Keep(given, analysis, observation);
        return scope?.MoveToOuter(analysis) ?? analysis;
    }

    /// <summary>Solves the eigenproblem. The result's tensors belong to the caller's dispose scope.</summary>
    /// <param name="observedAnomalies">Y, whitened, <c>[batch, N, p]</c>.</param>
    /// <param name="innovation">d, whitened, <c>[batch, p]</c>.</param>
    public static EnsembleTransform Of(Tensor observedAnomalies, Tensor innovation)
    {
        using var scope = NewDisposeScope();
        long members = observedAnomalies.size(1), p = observedAnomalies.size(2);
        var transposed = observedAnomalies.mT;
        var column = innovation.unsqueeze(-1);
        bool inMemberSpace = members <= p;
        var gram = inMemberSpace ? observedAnomalies.matmul(transposed) : transposed.matmul(observedAnomalies);
        var (values, vectors) = SymmetricEigenproblem.Solve(gram);
        if (inMemberSpace) column = observedAnomalies.matmul(column);
        var projections = vectors.mT.matmul(column).squeeze(-1);
        var basis = inMemberSpace ? vectors : observedAnomalies.matmul(vectors);
        values = values.clamp_min(0);
        scope.MoveToOuter(basis, values, projections);
        return new(inMemberSpace, members, basis, values, projections);
    }

    /// <summary>The same transform, with its tensors moved to the outer scope.</summary>
    internal EnsembleTransform MoveToOuterDisposeScope()
    {
        foreach (var tensor in new[] { basis, eigenvalues, projections }) tensor.MoveToOuterDisposeScope();
        return this;
    }

    /// <summary>The eigenvalues of Y Y^T that need not be zero, <c>[batch, min(N, p)]</c>.</summary>
    public Tensor Eigenvalues => eigenvalues;

    /// <summary>(v_i^T Y d)^2 along the eigenvectors v_i of Y Y^T, <c>[batch, min(N, p)]</c>.</summary>
    public Tensor SquaredProjections => inMemberSpace ? projections.square() : eigenvalues * projections.square();

    /// <summary>w, the weights of the mean's increment, <c>[batch, N]</c>.</summary>
    /// <param name="zeta">The prior's weight; a number or <c>[batch, 1]</c>.</param>
    public Tensor Weights(Tensor zeta)
    {
        using var scope = NewDisposeScope();
        return basis.matmul((projections / (eigenvalues + zeta)).unsqueeze(-1)).squeeze(-1).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// T^-1 = (Y Y^T + zeta I)^(1/2) / sqrt(N - 1), <c>[batch, N, N]</c>; it undoes the effect of <see cref="Apply"/> on anomalies.
    /// </summary>
    /// <param name="zeta">The prior's weight; a number or <c>[batch, 1]</c>.</param>
    public Tensor InverseRoot(Tensor zeta)
    {
        using var scope = NewDisposeScope();
        double scale = 1 / Math.Sqrt(members - 1);
        var s = (eigenvalues + Seeing(zeta)).sqrt();
        if (inMemberSpace) return (basis * (scale * s).unsqueeze(-2)).matmul(basis.mT).MoveToOuterDisposeScope();
        // (Y Y^T + zeta)^(1/2) = z I + Y U U^T Y^T / (s + z), s = sqrt(lambda + zeta), z = sqrt(zeta)
        var z = Seeing(zeta).sqrt();
        var beyond = (basis * (scale / (s + z)).unsqueeze(-2)).matmul(basis.mT);
        var identity = s.Identity(members);
        return (beyond + scale * z.unsqueeze(-1) * identity).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The transform whose anomalies follow Y Y^T + zeta I - c w w^T instead, with the same weights w of the mean. This is the full
    /// Hessian of a prior whose weight depends on w. The result's tensors belong to the caller's dispose scope.
    /// </summary>
    /// <param name="zeta">The prior's weight, <c>[batch, 1]</c>; the result must be used with the same weight.</param>
    /// <param name="coefficient">c, <c>[batch, 1]</c>.</param>
    public EnsembleTransform WithRankOneTerm(Tensor zeta, Tensor coefficient)
    {
        using var scope = NewDisposeScope();
        var w = Weights(zeta).unsqueeze(-1);
        var gram = inMemberSpace ? (basis * eigenvalues.unsqueeze(-2)).matmul(basis.mT)
            : basis.matmul(basis.mT);
        var (values, vectors) = SymmetricEigenproblem.Solve(gram - coefficient.unsqueeze(-1) * w.matmul(w.mT));
        // At a minimum the Hessian has no negative eigenvalue; a floor above zero guards against round-off.
        values = where(values + zeta > 1e-12 * zeta, values, (1e-12 - 1) * zeta);
        var shifted = vectors.mT.matmul(w).squeeze(-1) * (values + zeta);
        scope.MoveToOuter(vectors, values, shifted);
        return new(true, members, vectors, values, shifted);
    }

    /// <summary>The analysis ensemble, <c>[batch, N, n]</c>.</summary>
    /// <param name="mean">The forecast's mean, <c>[batch, n]</c>.</param>
    /// <param name="anomalies">X, <c>[batch, N, n]</c>.</param>
    /// <param name="zeta">The prior's weight: N - 1 for the plain transform; a number or <c>[batch, 1]</c>.</param>
    /// <param name="inflation">The factor of the analysis anomalies.</param>
    /// <param name="rotation">A mean-preserving rotation of the anomalies, <c>[batch, N, N]</c>, or null for none.</param>
    public Tensor Apply(Tensor mean, Tensor anomalies, Tensor zeta, double inflation = 1, Tensor? rotation = null)
    {
        using var scope = NewDisposeScope();
        var sees = Sees();
        zeta = Seeing(zeta);
        // [batch, 1]
        var scale = full_like(eigenvalues.narrow(-1, 0, 1), inflation * Math.Sqrt(members - 1)).where(sees, Math.Sqrt(members - 1));
        var shifted = eigenvalues + zeta;
        var toMean = (projections / shifted).unsqueeze(-2);                                  // row vector c^T
        var centre = mean.unsqueeze(1);
        if (inMemberSpace)
        {
            // T + 1 w^T = (V t + 1 c^T) V^T with t = sqrt(N - 1) / sqrt(lambda + zeta), c = V^T Y d / (lambda + zeta)
            var left = basis * (scale * shifted.rsqrt()).unsqueeze(-2);
            if (rotation is not null) left = rotation.matmul(left);
            var weights = (left + toMean).matmul(basis.mT);
            return (centre + weights.bmm(anomalies)).MoveToOuterDisposeScope();
        }
        // (Y Y^T + zeta)^(-1/2) = zeta^(-1/2) I + Y U phi U^T Y^T, phi = -1 / (s z (s + z)), s = sqrt(lambda + zeta), z = sqrt(zeta)
        var z = zeta.sqrt();
        var s = shifted.sqrt();
        var phi = -(s * z * (s + z)).reciprocal();
        var projected = basis.mT.matmul(anomalies);                           // U^T Y^T X, [batch, p, n]
        var analysed = scale.unsqueeze(-1) * (anomalies / z.unsqueeze(-1) + (basis * phi.unsqueeze(-2)).matmul(projected));
        if (rotation is not null) analysed = rotation.matmul(analysed);
        return (centre + toMean.matmul(projected) + analysed).MoveToOuterDisposeScope();
    }

    // Whether the observations see the ensemble at all, [batch, 1]; if not, the transform is the identity, whatever the inflation.
    private Tensor Sees() => eigenvalues.abs().amax([-1], keepdim: true) > 0;

    private Tensor Seeing(Tensor zeta) => where(Sees(), zeta, full_like(zeta, members - 1));
}
