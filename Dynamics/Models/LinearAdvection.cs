using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Advection at constant speed on a circle of n sites, x_i(t + h) = decay x_{i-s}(t): the exact solution, a whole number of
/// sites a step (Evensen 1994; Evensen 2009; Sakov and Oke 2008, who take n = 1000 and one site a step).
/// </summary>
[Component("linear-advection")]
public sealed class LinearAdvection : DiscreteDynamics
{
    /// <summary>Creates a model.</summary>
    /// <param name="dimension">Number of sites n, at least 3.</param>
    /// <param name="sitesPerStep">
    /// s, the number of sites that the field moves in a step: towards higher sites if above zero, towards lower ones if below.
    /// </param>
    /// <param name="decay">The factor by which the field shrinks in a step, in (0, 1] (default: 1, not at all).</param>
    /// <param name="timeStep">The length of a step in the model's unit of time.</param>
    public LinearAdvection(long dimension = 1000, long sitesPerStep = 1, double decay = 1, double timeStep = 1)
        : base(Require.AtLeast(dimension, 3), timeStep)
    {
        SitesPerStep = sitesPerStep;
        Decay = Require.Share(decay);
    }

    /// <inheritdoc/>
    public override string Name => "linear advection";

    /// <summary>The number of sites that the field moves in a step.</summary>
    public long SitesPerStep { get; }

    /// <summary>The factor by which the field shrinks in a step.</summary>
    public double Decay { get; }

    /// <summary>Random sums of sine curves, because the model has no attractor to start from.</summary>
    public override IInitialCondition InitialCondition => new SinusoidalInitialCondition(Dimension);

    /// <inheritdoc/>
    protected override Tensor Step(Tensor state, double time) => Decay * state.roll(SitesPerStep, -1);

    /// <inheritdoc/>
    protected override (Tensor State, Tensor Perturbation) StepTangentLinear(Tensor state, Tensor perturbation, double time) =>
        (Step(state, time), Step(perturbation, time));

    /// <inheritdoc/>
    protected override Tensor StepAdjoint(Tensor state, Tensor sensitivity, double time) => Decay * sensitivity.roll(-SitesPerStep, -1);
}
