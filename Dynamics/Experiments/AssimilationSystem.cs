namespace DaML;

/// <summary>
/// The problem that methods are put to: a model, what is observed of it, how often, and where it starts. Twin experiments are drawn from
/// it, and
/// every method, tuning and learned analysis takes it. It is changed by <c>with</c>: <c>system with { Dynamics = imperfect }</c> is an
/// experiment with model error, <c>system with { Network = sparse }</c> one of a sweep over networks.
/// </summary>
public sealed record AssimilationSystem
{
    private readonly IDynamics dynamics;
    private readonly IObservationNetwork network;
    private readonly double? interval;
    private readonly IInitialCondition? initial;

    /// <summary>Joins a model and what is observed of it.</summary>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed, on states of the model's dimension.</param>
    /// <exception cref="ArgumentException">The network observes states of another dimension.</exception>
    public AssimilationSystem(IDynamics dynamics, IObservationNetwork network)
    {
        this.dynamics = dynamics;
        this.network = network;
        Check();
    }

    /// <summary>The model M, with its error covariance where it has one.</summary>
    /// <exception cref="ArgumentException">It has another dimension than the network observes, or the interval is no whole number of its
    /// time steps.</exception>
    public IDynamics Dynamics
    {
        get => dynamics;
        init
        {
            dynamics = value;
            Check();
        }
    }

    /// <summary>What is observed: H, R and which observations exist.</summary>
    /// <exception cref="ArgumentException">It observes states of another dimension than the model's.</exception>
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
    /// The time between observations in the model's unit, a whole number of its time steps (default: one time step). A twin
    /// experiment is observed so; methods take the times of the view they are put on.
    /// </summary>
    /// <exception cref="ArgumentException">It is not above zero, shorter than a time step, or no whole number of them.</exception>
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
    /// What truths, members and first guesses are drawn from at the view's start (default: null, what each method usually starts from:
    /// where
    /// the model says its states start, or its attractor, 1000 time steps after independent standard normal numbers; a learned analysis
    /// starts from
    /// the climatology of its training data). A filter of fixed inflation and fewer members than the state has components may never find a
    /// truth from the attractor; published twin experiments start both near one state. The finite-size filter does find it.
    /// </summary>
    /// <exception cref="ArgumentException">It has another dimension than the model.</exception>
    public IInitialCondition? Initial
    {
        get => initial;
        init
        {
            initial = value;
            Check();
        }
    }

    /// <summary>The initial condition, or where the model's states usually start; then states are refused when they are drawn for a model
    /// that
    /// does not forget where it starts (<see cref="InitialConditionExtensions.UsualInitialCondition"/>).</summary>
    public IInitialCondition InitialOrUsual => initial ?? dynamics.UsualInitialCondition();

    /// <summary>The initial condition as the normal distribution that Kalman filters need.</summary>
    /// <param name="method">What needs it, for the message.</param>
    /// <exception cref="ArgumentException">There is none, or one that is not normal.</exception>
    public GaussianInitialCondition GaussianInitial(string method) => initial as GaussianInitialCondition
        ?? throw new ArgumentException($"{method} starts from a mean and a covariance: give {nameof(AssimilationSystem)}.{nameof(Initial)} "
            +
            $"a {nameof(GaussianInitialCondition)}; given: {(initial is null ? "none" : initial.GetType().Name)}.");

    /// <summary>The system in one line: model, observations, interval and start.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"{dynamics.Name}, {network.Operator.ObservationDimension} of {dynamics.Dimension} components observed " +
            $"({network.Operator.Name}) every {Interval:g6}") +
        (initial is null ? "" : $", started from a {initial.GetType().Name}");

    private void Check()
    {
        if (network.Operator.StateDimension != dynamics.Dimension)
            throw new ArgumentException(
                $"The network observes states of dimension {network.Operator.StateDimension}, but {dynamics.Name} has dimension " +
                    $"{dynamics.Dimension}. " +
                $"A system of another dimension is a new {nameof(AssimilationSystem)}.", nameof(network));
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
