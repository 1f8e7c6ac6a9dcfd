using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The algebra of <see cref="GaussNewton"/> by tensor operators, the reference: on every device, for ensembles of every size, with
/// gradients.
/// </summary>
internal sealed class GaussNewtonTensors : GaussNewton
{
    private readonly PriorWeight weight;
    private readonly Tensor mean, anomalies;
    private Tensor weights, ensemble;               // the point of the run: w [batch, N] and its members
    private Tensor? inverse;                        // undoes the transform of its anomalies
    private (Tensor Weights, Tensor Sensitivity, Tensor Innovation)? point;     // of the last linearisation: w, Y and d + w Y
    private List<Tensor> kept = [];                 // from one step to the next

    /// <summary>Begins with an ensemble.</summary>
    /// <param name="members">The prior, <c>[batch, N, n]</c>.</param>
    /// <param name="iteration">The minimisation.</param>
    /// <param name="weight">The prior's weight.</param>
    public GaussNewtonTensors(Tensor members, EnsembleGaussNewton iteration, PriorWeight weight) : base(members, iteration)
    {
        this.weight = weight;
        (mean, anomalies) = EnsembleStatistics.Split(members);
        ensemble = IsBundle ? mean.unsqueeze(1) + Scale * anomalies : members;
        weights = members.new_zeros(members.size(0), members.size(1));
    }

    protected override Tensor Ensemble => ensemble;

    protected override Tensor Result => ensemble;

    protected override void Step(IReadOnlyList<ObservedRun> run)
    {
        var (y, d) = Observed(run);
        if (IsBundle) y = y / Scale;
        else if (inverse is not null) y = inverse.matmul(y);
        var here = At(y, d);
        var (transform, zeta) = weight.Of(EnsembleTransform.Of(here.Sensitivity, here.Innovation));
        var full = transform.Weights(zeta);
        var toGo = full - here.Weights;
        double[] zetas = Numbers(zeta.expand(toGo.size(0), 1)), changes = Numbers(toGo.square().sum([-1], keepdim: true));
        for (int b = 0; b < zetas.Length; b++) Continues(b, zetas[b], changes[b]);
        // A trajectory that halves its steps takes a part of this step, or none if it can no longer be tried.
        bool halved = Overshot.Any();
        var next = full;
        if (halved)
        {
            var fraction = tensor(Fractions.ToArray(), full.size(0), 1).to(full.dtype, full.device);
            next = where(fraction < 1, Goes ? here.Weights + fraction * toGo : here.Weights, full);
        }
        if (Goes && IsBundle) ensemble = (mean + next.unsqueeze(1).matmul(anomalies).squeeze(1)).unsqueeze(1) + Scale * anomalies;
        else
        {
            ensemble = transform.Apply(mean, anomalies, zeta);
            // The mean of the transform is that of the whole step.
            if (halved) ensemble = ensemble + (next - full).unsqueeze(1).matmul(anomalies);
        }
        inverse = Goes && !IsBundle ? transform.InverseRoot(zeta) : null;
        (weights, point) = (next, here);
        foreach (var older in kept) older.Dispose();
        kept = [ensemble, weights, here.Weights, here.Sensitivity, here.Innovation];
        if (inverse is not null) kept.Add(inverse);
        foreach (var tensor in kept) tensor.MoveToOuterDisposeScope();
    }

    // The linearisation at the point of the run or, for a trajectory that stays, the previous one.
    private (Tensor Weights, Tensor Sensitivity, Tensor Innovation) At(Tensor y, Tensor d)
    {
        double[] sizes = Numbers(weights.square().sum([-1])), misfits = Numbers(d.square().sum([-1]));
        bool[] accepted = [.. sizes.Select((size, b) => Accepts(b, size, misfits[b]))];
        var innovation = d + weights.unsqueeze(1).matmul(y).squeeze(1);
        if (point is not { } old || Array.TrueForAll(accepted, taken => taken)) return (weights.alias(), y, innovation);
        var moves = tensor(accepted, accepted.Length, 1).to(d.device);
        return (where(moves, weights, old.Weights), where(moves.unsqueeze(-1), y, old.Sensitivity),
            where(moves, innovation, old.Innovation));
    }

    // Whitened anomalies [batch, N, p of all] and innovation [batch, p of all], times the root of each observation's weight.
    private static (Tensor Anomalies, Tensor Innovation) Observed(IReadOnlyList<ObservedRun> run)
    {
        List<Tensor> all = [], innovations = [];
        foreach (var (observed, observation, error, weight) in run)
        {
            var (mean, anomalies) = EnsembleStatistics.Split(observed);
            Tensor y = error.Whiten(anomalies, observation.Mask), d = error.Whiten(observation.Values - mean, observation.Mask);
            all.Add(weight == 1 ? y : Math.Sqrt(weight) * y);
            innovations.Add(weight == 1 ? d : Math.Sqrt(weight) * d);
        }
        return run.Count == 1 ? (all[0], innovations[0]) : (cat(all, -1), cat(innovations, -1));
    }

    private static double[] Numbers(Tensor perTrajectory) => perTrajectory.to(ScalarType.Float64, CPU).ToArray<double>();
}
