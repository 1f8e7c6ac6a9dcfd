namespace DaML;

/// <summary>
/// 4D-Var (<see cref="FourDimensionalVariationalAnalyzer"/>): incremental, or by a quasi-Newton method. It uses the model's tangent
/// linear and adjoint; the model's error, if it has one, counts only through a <see cref="ModelErrorTerm"/>.
/// </summary>
[Component("4d-var-method", 2)]
public sealed record FourDimensionalVariational : VariationalMethod<WindowMemory<StateMemory>>
{
    /// <summary>The sequence of windows, in cycles; B is the covariance at their beginning. There is no default.</summary>
    [Inlined]
    public required WindowCycling Window { get; init; }

    /// <summary>The minimisation of the cost, by type (default: outer and inner loops, <see cref="IncrementalOptions"/>).</summary>
    public MinimisationOptions Minimisation { get; init; } = new IncrementalOptions();

    /// <summary>The control variable (default: the square root of B).</summary>
    public ControlVariable Control { get; init; } = ControlVariable.BackgroundSquareRoot;

    /// <summary>The observations of a window that are used (default: the new ones).</summary>
    public WindowObservations Observations { get; init; } = WindowObservations.New;

    /// <summary>Further prior terms, for instance a <see cref="ModelErrorTerm"/> for a weak constraint.</summary>
    public IReadOnlyList<IPriorTerm> Priors { get; init; } = [];

    /// <summary>Further cost terms, for instance a <see cref="DigitalFilterTerm"/>.</summary>
    public IReadOnlyList<ICostTerm> Terms { get; init; } = [];

    /// <summary>
    /// Called with the full result of every window: costs term by term, residuals, Ritz values and condition of every inner solve. The
    /// result's tensors live until it returns. It is not saved with the method (default: null).
    /// </summary>
    [NotSaved]
    public Action<FourDimensionalVariationalResult>? Observer { get; init; }

    /// <inheritdoc/>
    protected internal override string UsualName => Window.Length == 0 ? "4D-Var (no window)"
        : Window.Shift == Window.Length ? $"4D-Var (L = {Window.Length})" : $"4D-Var (L = {Window.Length}, S = {Window.Shift})";

    private protected override AssimilationTriple<WindowMemory<StateMemory>> Triple(IErrorCovariance background, AssimilationSystem system,
        StateSource source)
    {
        var cost = new FourDimensionalVariationalCost(system.Dynamics,
            [new BackgroundTerm(background, Control), .. Priors],
            [new ObservationTerm(system.Network.Operator, system.Network.Error), .. Terms]);
        return new(new FourDimensionalVariationalAnalyzer(Minimisation.Of(cost), Observations, Observer),
            new WindowPropagater<StateMemory>(new StatePropagater(system.Dynamics)), new WindowProcoder<StateMemory>(new StateProcoder()),
            new WindowSource<StateMemory>(source, Window));
    }
}
