using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Starts from a normal distribution.</summary>
[Component("gaussian-initial-condition")]
public sealed class GaussianInitialCondition : IInitialCondition
{
    private readonly ConstantTensor mean;

    /// <summary>Creates a distribution.</summary>
    /// <param name="mean">Its mean, <c>[n]</c>, finite; copied.</param>
    /// <param name="covariance">Its covariance, of dimension n.</param>
    /// <exception cref="ArgumentException">The mean is not a finite vector of the covariance's dimension.</exception>
    public GaussianInitialCondition(Tensor mean, IErrorCovariance covariance)
    {
        Require.Shape(mean, "The mean of an initial condition", covariance.Dimension);
        this.mean = new ConstantTensor(Require.Finite(mean, "The mean of an initial condition"));
        Covariance = covariance;
    }

    /// <inheritdoc/>
    public long Dimension => Covariance.Dimension;

    /// <summary>The mean, <c>[n]</c>; it belongs to the distribution.</summary>
    public Tensor Mean => mean.Value;

    /// <summary>The covariance.</summary>
    public IErrorCovariance Covariance { get; }

    /// <inheritdoc/>
    public Tensor Draw(long count, RandomStream random, ScalarType dtype)
    {
        using var deviations = Covariance.Sample([Require.AtLeast(count, 1)], random, dtype);
        return deviations + mean.Like(deviations);
    }
}

/// <summary>
/// Starts on a model's attractor: every draw begins at its own random state and runs through a spin-up. A model with an error runs with it.
/// </summary>
[Component("attractor-initial-condition")]
public sealed class AttractorInitialCondition : IInitialCondition
{
    private readonly IDynamics dynamics;
    private readonly IInitialCondition? start;

    /// <summary>Creates a distribution.</summary>
    /// <param name="dynamics">The model.</param>
    /// <param name="spinUpTime">
    /// The spin-up time of each draw, in the model's unit of time, rounded up to whole steps; zero or more.
    /// </param>
    /// <param name="start">The distribution in which the runs begin (default: null, independent standard normal numbers).</param>
    /// <exception cref="ArgumentException">The start has another dimension than the model.</exception>
    public AttractorInitialCondition(IDynamics dynamics, double spinUpTime, IInitialCondition? start = null)
    {
        if (start is not null && start.Dimension != dynamics.Dimension)
            throw new ArgumentException(
                $"The start of a spin-up must have the dimension {dynamics.Dimension} of {dynamics.Name}; given: {start.Dimension}.",
                nameof(start));
        this.dynamics = dynamics;
        this.start = start;
        SpinUpTime = Require.NotNegative(spinUpTime);
    }

    /// <inheritdoc/>
    public long Dimension => dynamics.Dimension;

    /// <summary>The spin-up time of each draw, in the model's unit of time.</summary>
    public double SpinUpTime { get; }

    /// <summary>Whether a model that does not forget its initial state is refused when the first states are drawn.</summary>
    internal bool RefusesKeptStarts { get; init; }

    /// <inheritdoc/>
    /// <exception cref="DivergenceException">The model's states became non-finite.</exception>
    public Tensor Draw(long count, RandomStream random, ScalarType dtype)
    {
        Require.AtLeast(count, 1);
        long steps = (long)Math.Ceiling(SpinUpTime / dynamics.TimeStep - 1e-6);
        if (RefusesKeptStarts) ForgottenStart.Require(dynamics, steps, dtype, random.Device);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var x = start?.Draw(count, random, dtype) ?? random.Normal([count, Dimension], dtype);
        x = dynamics.AdvanceWithModelError(x, new TimeInterval(0, steps * dynamics.TimeStep), random);
        if (!x.isfinite().all().ToBoolean())
            throw new DivergenceException("The initial condition", "spin-up", 0, steps * dynamics.TimeStep,
                $"the model '{dynamics.Name}' gave values that are not finite for {FiniteNumbers.Lost(x, members: false)} within " +
                    $"{steps} steps",
                "Another start, a shorter time step or a shorter spin-up are the usual remedies.");
        return x.MoveToOuterDisposeScope();
    }
}

/// <summary>The usual initial conditions of models.</summary>
public static class InitialConditionExtensions
{
    /// <summary>
    /// The model's own initial condition or, if it has none, its attractor, 1000 time steps after independent standard normal numbers.
    /// Such a spin-up is meaningful only for a model that forgets its initial state: a chaotic one, or a contracting one with an error.
    /// For any other model, drawing states throws an <see cref="InvalidOperationException"/> that says so.
    /// </summary>
    /// <param name="dynamics">The model.</param>
    public static IInitialCondition UsualInitialCondition(this IDynamics dynamics) =>
        dynamics.InitialCondition ?? new AttractorInitialCondition(dynamics, 1000 * dynamics.TimeStep) { RefusesKeptStarts = true };
}
