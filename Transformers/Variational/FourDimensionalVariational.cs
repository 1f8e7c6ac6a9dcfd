namespace DaML;

/// <summary>
/// 4D-Var (<see cref="FourDimensionalVariationalAnalyzer"/>): incremental, or by a quasi-Newton method. It takes the model's tangent linear
/// and adjoint; the model's
/// error, where it has one, counts only by a <see cref="ModelErrorTerm"/>.
/// </summary>
public sealed record FourDimensionalVariational : VariationalMethod<WindowMemory<StateMemory>>
{
    /// <summary>How windows follow each other, in cycles; B is that at their beginning. It has no default.</summary>
    public required WindowCycling Window { get; init; }

    /// <summary>How the cost is minimised, by type (default: outer and inner loops, <see cref="IncrementalOptions"/>).</summary>
    public MinimisationOptions Minimisation { get; init; } = new IncrementalOptions();

    /// <summary>What is varied (default: the square root of B).</summary>
    public ControlVariable Control { get; init; } = ControlVariable.BackgroundSquareRoot;

    /// <summary>Which observations of a window are used (default: those that are new).</summary>
    public WindowObservations Observations { get; init; } = WindowObservations.New;

    /// <summary>Prior terms beside the background's, for instance a <see cref="ModelErrorTerm"/> for a weak constraint.</summary>
    public IReadOnlyList<IPriorTerm> Priors { get; init; } = [];

    /// <summary>Cost terms beside the observations', for instance a <see cref="DigitalFilterTerm"/>.</summary>
    public IReadOnlyList<ICostTerm> Terms { get; init; } = [];

    /// <summary>
    /// Called with the whole result of every window: costs term by term, residuals, Ritz values and condition of every inner
    /// solve. The result's tensors live until it returns. It is not saved with the method (default: null).
    /// </summary>
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
