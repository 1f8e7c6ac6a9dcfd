using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A dynamical model, x(t1) = M(x(t0)) + eta (Boudier et al. eq. 2.1a). States are <c>[..., n]</c>: any leading dimensions (batch,
/// members) are carried along. Every operation builds an autograd graph if gradients are enabled.
/// </summary>
public interface IDynamics
{
    /// <summary>The name in messages and tables.</summary>
    string Name { get; }

    /// <summary>The state's dimension n.</summary>
    long Dimension { get; }

    /// <summary>The length of a time step in the model's unit of time.</summary>
    double TimeStep { get; }

    /// <summary>The covariance of the additive error of one time step (eta), or null for a perfect model.</summary>
    IErrorCovariance? ModelError { get; }

    /// <summary>
    /// The usual distribution of its initial states (default: null, on its attractor, 1000 time steps after independent standard normal
    /// numbers; such a spin-up is refused for a model that does not forget its initial state).
    /// </summary>
    IInitialCondition? InitialCondition => null;

    /// <summary>Computes the state at the interval's end, without model error.</summary>
    /// <param name="state"><c>[..., n]</c></param>
    /// <param name="interval">A whole number of time steps.</param>
    /// <exception cref="ArgumentException">The state's last size is not n, or the interval is not a whole number of steps.</exception>
    Tensor Advance(Tensor state, TimeInterval interval);

    /// <summary>M'(x) dx, exact.</summary>
    /// <param name="state"><c>[..., n]</c>, the point of linearisation.</param>
    /// <param name="perturbation">The same shape.</param>
    /// <param name="interval">A whole number of time steps.</param>
    Tensor TangentLinear(Tensor state, Tensor perturbation, TimeInterval interval);

    /// <summary>M'(x)^T dy, exact.</summary>
    /// <param name="state"><c>[..., n]</c>, the point of linearisation.</param>
    /// <param name="sensitivity">The same shape.</param>
    /// <param name="interval">A whole number of time steps.</param>
    Tensor Adjoint(Tensor state, Tensor sensitivity, TimeInterval interval);

    /// <summary>
    /// Linearises the model along its run from a state, for many products with M' and M'^T (default: the products belong to no autograd
    /// graph).
    /// </summary>
    /// <param name="state"><c>[..., n]</c>, the beginning of the run; copied.</param>
    /// <param name="interval">A whole number of time steps.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    ILinearisation Linearise(Tensor state, TimeInterval interval, LinearisationOptions? options = null) =>
        new StepwiseLinearisation(this, state, interval, options);
}
