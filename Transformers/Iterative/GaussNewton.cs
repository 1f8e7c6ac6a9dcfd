using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>An ensemble's run, observed at one time of the window.</summary>
/// <param name="Observed">H of every member, <c>[batch, N, p]</c>.</param>
/// <param name="Observation">y</param>
/// <param name="Error">R</param>
/// <param name="Weight">beta, the observation's weight in this analysis.</param>
internal readonly record struct ObservedRun(Tensor Observed, Observation Observation, IErrorCovariance Error, double Weight);

/// <summary>
/// The Gauss-Newton iteration of <see cref="IterativeEnsembleKalmanSmootherAnalyzer"/>. It holds the loop, and decides for each
/// trajectory of the batch if a step is taken and if another follows. A derived class does the algebra between two runs of the model.
/// </summary>
internal abstract class GaussNewton
{
    // A cost, twice J, counts as not higher up to this factor and this summand: a tenth, and two standard deviations of an observation.
    private const double RiseAllowed = 1.1, NoiseAllowed = 4;

    private readonly EnsembleGaussNewton iteration;
    private readonly long members;
    private readonly bool[] going;
    private readonly double[] fractions;
    private readonly (double Zeta, double Size, double Misfit)[] costs;     // at each point of linearisation: zeta, |w|^2 and |d|^2
    private int step;

    /// <summary>Begins with an ensemble.</summary>
    /// <param name="members">The prior, <c>[batch, N, n]</c>.</param>
    /// <param name="iteration">The minimisation.</param>
    protected GaussNewton(Tensor members, EnsembleGaussNewton iteration)
    {
        long batch = members.size(0);
        (this.iteration, this.members) = (iteration, members.size(1));
        (going, fractions, costs) = (new bool[batch], new double[batch], new (double, double, double)[batch]);
        Array.Fill(going, true);
        Array.Fill(fractions, 1);
    }

    /// <summary>The analysis ensemble, <c>[batch, N, n]</c>, in the caller's dispose scope.</summary>
    /// <param name="observe">The function that runs the model from an ensemble and observes the run.</param>
    public Tensor Minimise(Func<Tensor, IReadOnlyList<ObservedRun>> observe)
    {
        do
        {
            using var scope = NewDisposeScope();
            step++;
            Step(observe(Ensemble));
        }
        while (Goes);
        return Result;
    }

    /// <summary>The trajectories whose last step did not lower their cost. The kernel stops iterating them; the tensor form halves the
    /// step.</summary>
    public IEnumerable<int> Overshot => Enumerable.Range(0, fractions.Length).Where(b => fractions[b] < 1);

    /// <summary>The ensemble whose run the next step needs.</summary>
    protected abstract Tensor Ensemble { get; }

    /// <summary>The analysis, once no trajectory continues.</summary>
    protected abstract Tensor Result { get; }

    /// <summary>Takes a step of every trajectory, between two runs of the model.</summary>
    protected abstract void Step(IReadOnlyList<ObservedRun> run);

    /// <summary>Whether this is the first step, at w = 0.</summary>
    protected bool IsFirst => step == 1;

    /// <summary>Whether any trajectory continues.</summary>
    protected bool Goes => Array.IndexOf(going, true) >= 0;

    /// <summary>Whether a trajectory continues.</summary>
    protected bool GoesOn(long trajectory) => going[trajectory];

    /// <summary>The fraction of a step that each trajectory takes.</summary>
    protected IReadOnlyList<double> Fractions => fractions;

    /// <summary>Whether the ensemble of the run is a bundle.</summary>
    protected bool IsBundle => iteration.Linearisation.IsBundle;

    /// <summary>The factor of the anomalies of that ensemble.</summary>
    protected double Scale => iteration.Linearisation.Scale;

    /// <summary>
    /// Whether a trajectory is linearised at the point of its run. Otherwise it stays in place: it had converged, or its cost rose by
    /// more than the regression's noise, or the run has non-finite numbers. In the latter two cases its step is halved.
    /// </summary>
    /// <param name="trajectory">Its index in the batch.</param>
    /// <param name="size">|w|^2 of the run.</param>
    /// <param name="misfit">|d|^2 of the run.</param>
    protected bool Accepts(long trajectory, double size, double misfit)
    {
        if (!going[trajectory]) return false;
        var (zeta, oldSize, oldMisfit) = costs[trajectory];
        bool better = IsFirst || zeta * size + misfit <= RiseAllowed * (zeta * oldSize + oldMisfit) + NoiseAllowed;
        if (better) costs[trajectory] = (zeta, size, misfit);
        fractions[trajectory] = better ? 1 : 0.5 * fractions[trajectory];
        return better;
    }

    /// <summary>Whether a trajectory continues after a step: the step was not short enough, and another is allowed.</summary>
    /// <param name="trajectory">Its index in the batch.</param>
    /// <param name="zeta">The prior's weight at this linearisation.</param>
    /// <param name="change">The squared length of the whole step, |dw|^2.</param>
    protected bool Continues(long trajectory, double zeta, double change)
    {
        costs[trajectory].Zeta = zeta;
        return going[trajectory] &= step < iteration.MaximumIterations
            && (members - 1) * change > iteration.Tolerance * iteration.Tolerance;
    }

    /// <summary>Ends a trajectory's iteration without a result.</summary>
    protected void GiveUp(long trajectory) => going[trajectory] = false;
}
