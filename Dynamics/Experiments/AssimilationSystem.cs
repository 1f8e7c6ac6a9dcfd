namespace DaML;

/// <summary>
/// The problem that methods solve: a model, its observations and their interval, and where the model starts. Twin experiments are drawn
/// from it, and every method, tuning and learned analysis takes it. Change it with <c>with</c>:
/// <c>system with { Dynamics = imperfect }</c> is an experiment with model error, and <c>system with { Network = sparse }</c> is one of a
/// sweep over networks.
/// </summary>
public sealed record AssimilationSystem
{
    private readonly IDynamics dynamics;
    private readonly IObservationNetwork network;
    private readonly double? interval;
    private readonly IInitialCondition? initial;

    /// <summary>Joins a model and an observation network.</summary>
    /// <param name="dynamics">The model, with its error covariance if it has one.</param>
    /// <param name="network">The observation network, on states of the model's dimension.</param>
    /// <exception cref="ArgumentException">The network observes states of another dimension.</exception>
    public AssimilationSystem(IDynamics dynamics, IObservationNetwork network)
    {
        this.dynamics = dynamics;
        this.network = network;
        Check();
    }

    /// <summary>The model M, with its error covariance if it has one.</summary>
    /// <exception cref="ArgumentException">
    /// The network observes states of another dimension, or the interval is not a whole number of the model's time steps.
    /// </exception>
    public IDynamics Dynamics
    {
        get => dynamics;
        init
        {
            dynamics = value;
            Check();
        }
    }

    /// <summary>The observation network: H, R and which observations exist.</summary>
    /// <exception cref="ArgumentException">The network observes states of another dimension than the model's.</exception>
    public IObservationNetwork Network
    {
        get => network;
        init
        {
            network = value;
            Check();
        }
    }

    /// <summary>
    /// The time between observations in the model's unit, a whole number of its time steps (default: one time step). A twin experiment
    /// makes observations at this interval; methods use the times of the view they are applied to.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// The interval is not above zero, is shorter than a time step, or is not a whole number of steps.
    /// </exception>
    public double Interval
    {
        get => interval ?? dynamics.TimeStep;
        init
        {
            interval = value;
            Check();
        }
    }

    /// <summary>
    /// The distribution of truths, members and first guesses at the view's start. The default is null, the usual start of each method:
    /// the model's own initial condition or, if it has none, its attractor, 1000 time steps after independent standard normal numbers; a
    /// learned analysis starts from the climatology of its training data. A filter of fixed inflation and fewer members than the state
    /// has components may never converge to the truth from the attractor; published twin experiments start both near one state. The
    /// finite-size filter does converge.
    /// </summary>
    /// <exception cref="ArgumentException">The distribution has another dimension than the model.</exception>
    public IInitialCondition? Initial
    {
        get => initial;
        init
        {
            initial = value;
            Check();
        }
    }

    /// <summary>
    /// The initial condition or, if none is set, the model's usual one. Drawing states from the usual one is refused for a model that
    /// does not forget its initial state (<see cref="InitialConditionExtensions.UsualInitialCondition"/>).
    /// </summary>
    public IInitialCondition InitialOrUsual => initial ?? dynamics.UsualInitialCondition();

    /// <summary>Returns the initial condition as the normal distribution that Kalman filters need.</summary>
    /// <param name="method">The method that needs it, for the message.</param>
    /// <exception cref="ArgumentException">There is no initial condition, or it is not normal.</exception>
    public GaussianInitialCondition GaussianInitial(string method) => initial as GaussianInitialCondition
        ?? throw new ArgumentException($"{method} starts from a mean and a covariance: give {nameof(AssimilationSystem)}.{nameof(Initial)} "
            +
            $"a {nameof(GaussianInitialCondition)}; given: {(initial is null ? "none" : initial.GetType().Name)}.");

    /// <summary>Describes the system in one line: model, observations, interval and start.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"{dynamics.Name}, {network.Operator.ObservationDimension} of {dynamics.Dimension} components observed " +
            $"({network.Operator.Name}) every {Interval:g6}") +
        (initial is null ? "" : $", started from a {initial.GetType().Name}");

    private void Check()
    {
        if (network.Operator.StateDimension != dynamics.Dimension)
            throw new ArgumentException(
                $"The network observes states of dimension {network.Operator.StateDimension}, but {dynamics.Name} has dimension " +
                    $"{dynamics.Dimension}. A system of another dimension is a new {nameof(AssimilationSystem)}.", nameof(network));
        if (initial is not null && initial.Dimension != dynamics.Dimension)
            throw new ArgumentException(
                $"The initial condition has dimension {initial.Dimension}, but {dynamics.Name} has dimension {dynamics.Dimension}.",
                nameof(initial));
        if (interval is not { } time) return;
        Require.Positive(time, "Interval");
        if (new TimeInterval(0, time).Steps(dynamics.TimeStep) == 0)
            throw new ArgumentException(
                $"The interval {time} between observations is shorter than the time step {dynamics.TimeStep} of {dynamics.Name}.",
                nameof(Interval));
    }
}
