using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// 4D-Var's cost function J(v) = sum of 1/2 v^T C v over prior terms + sum of J_k(x(v)) over terms of the trajectory. The control vector
/// v consists of the prior terms' parts in their order; x(v) is the model's run from the background with the increments that follow from
/// v. Gradient and Gauss-Newton Hessian are exact: they use the model's tangent linear and adjoint.
/// </summary>
[Component("four-dimensional-variational-cost")]
public sealed class FourDimensionalVariationalCost
{
    // Increments and sensitivities of a block product, of all its vectors at the steps in use, take at most this much memory.
    private const long BlockBytes = 1L << 28;

    private readonly IDynamics dynamics;
    private readonly WindowModel model;

    /// <summary>Makes a cost function.</summary>
    /// <param name="dynamics">The model; its own error, if it has one, counts only through a <see cref="ModelErrorTerm"/>.</param>
    /// <param name="priors">The terms with control variables, at least one; usually a <see cref="BackgroundTerm"/>.</param>
    /// <param name="terms">The terms of the trajectory, at least one; usually an <see cref="ObservationTerm"/>.</param>
    /// <exception cref="ArgumentException">There are no prior terms, or no terms of the trajectory.</exception>
    public FourDimensionalVariationalCost(IDynamics dynamics, IReadOnlyList<IPriorTerm> priors, IReadOnlyList<ICostTerm> terms)
    {
        if (priors.Count == 0)
            throw new ArgumentException("A cost function needs at least one prior term: without one it has no control variables.",
                nameof(priors));
        if (terms.Count == 0)
            throw new ArgumentException("A cost function needs at least one term that depends on the trajectory.", nameof(terms));
        this.dynamics = dynamics;
        model = new WindowModel(dynamics);
        Priors = [.. priors];
        Terms = [.. terms];
    }

    /// <summary>The model.</summary>
    public IDynamics Dynamics => dynamics;

    /// <summary>The terms with control variables.</summary>
    public IReadOnlyList<IPriorTerm> Priors { get; }

    /// <summary>The terms of the trajectory.</summary>
    public IReadOnlyList<ICostTerm> Terms { get; }

    /// <summary>m, the size of the control vector in a window.</summary>
    /// <exception cref="ArgumentException">A term does not fit the window.</exception>
    public long ControlDimension(AssimilationWindow window) => Priors.Sum(prior => prior.ControlDimension(window));

    /// <summary>The control vector of the background: zeros.</summary>
    /// <exception cref="ArgumentException">The model or a term does not fit the window.</exception>
    public ControlVector Background(AssimilationWindow window)
    {
        if (window.Dimension != dynamics.Dimension)
            throw new ArgumentException(
                $"The window's states must have the dimension {dynamics.Dimension} of {dynamics.Name}; given: {window.Dimension}.",
                nameof(window));
        if (Math.Abs(window.TimeStep - dynamics.TimeStep) > 1e-12 * dynamics.TimeStep)
            throw new ArgumentException(
                $"The window must have the time step {dynamics.TimeStep:g9} of {dynamics.Name}; given: {window.TimeStep:g9}.",
                nameof(window));
        return new(window.Zeros(ControlDimension(window)));
    }

    /// <summary>x(v): the model's run with the increments that follow from v.</summary>
    public WindowTrajectory<State> Run(AssimilationWindow window, ControlVector control)
    {
        using var scope = NewDisposeScope();
        var trajectory = model.Run(window, Increments(window, control));
        return new(window, [.. trajectory.Steps.Select(state => new State(state.Values.MoveToOuterDisposeScope()))]);
    }

    /// <summary>J, term by term, prior terms first.</summary>
    /// <param name="trajectory">x(v)</param>
    /// <param name="control">v</param>
    public CostBreakdown Value(WindowTrajectory<State> trajectory, ControlVector control)
    {
        using var scope = NewDisposeScope();
        var parts = PriorValues(trajectory.Window, control)
            .Concat(Terms.Select(term => (term.Name, Value: term.Value(trajectory)))).ToList();
        foreach (var (name, value) in parts) Require.Shape(value, $"The value of the term {name}", trajectory.Window.Batch);
        var total = stack(parts.Select(part => part.Value), 0).sum([0]);
        return new([.. parts.Select(part => new CostPart(part.Name, part.Value.MoveToOuterDisposeScope()))],
            total.MoveToOuterDisposeScope());
    }

    /// <summary>dJ/dv at v.</summary>
    /// <param name="trajectory">x(v)</param>
    /// <param name="control">v</param>
    public ControlVector Gradient(WindowTrajectory<State> trajectory, ControlVector control)
    {
        using var linearisation = Linearised(trajectory);
        return Gradient(linearisation, control);
    }

    /// <summary>The Gauss-Newton Hessian at v times a vector: C u + L^T (sum of M'^T H_k M') L u.</summary>
    /// <param name="trajectory">x(v), the point of linearisation of model and terms.</param>
    /// <param name="vector">u</param>
    public ControlVector HessianProduct(WindowTrajectory<State> trajectory, ControlVector vector)
    {
        using var linearisation = Linearised(trajectory);
        return HessianProduct(linearisation, vector);
    }

    /// <summary>
    /// The quadratic cost of an inner loop around v: J at v plus a change u, with model and operators linearised. The model is linearised
    /// once (<see cref="IDynamics.Linearise"/>): a product costs its tangent linear and its adjoint, for several vectors at once if the
    /// model supports it. The caller disposes it.
    /// </summary>
    /// <param name="trajectory">x(v); the products of the Hessian use it, so it must live as long as they do.</param>
    /// <param name="control">v</param>
    /// <param name="value">J at v, <c>[batch]</c></param>
    public QuadraticCost Linearise(WindowTrajectory<State> trajectory, ControlVector control, Tensor value)
    {
        var linearisation = Linearised(trajectory);
        using var scope = NewDisposeScope();
        var rightSide = -Gradient(linearisation, control);
        return new(vector => HessianProduct(linearisation, vector), new(rightSide.Values.MoveToOuterDisposeScope()), value)
        {
            BlockProduct = vectors => HessianProducts(linearisation, vectors), Linearisation = linearisation,
        };
    }

    /// <summary>
    /// The run from a window's background and the quadratic cost around it, for use of the Hessian alone: the value of J is left at zero.
    /// </summary>
    /// <param name="window">The window.</param>
    /// <returns>The run, which belongs to the caller's dispose scope, and the quadratic cost; dispose the latter first.</returns>
    public (WindowTrajectory<State> Trajectory, QuadraticCost Quadratic) AtBackground(AssimilationWindow window)
    {
        var control = Background(window);
        var run = Run(window, control);
        return (run, Linearise(run, control, window.Zeros(1).squeeze(-1)));
    }

    // The prior terms' share of J, 1/2 v^T C v, [batch].
    internal Tensor PriorCost(AssimilationWindow window, ControlVector control) =>
        stack([.. PriorValues(window, control).Select(part => part.Value)], 0).sum([0]);

    private IEnumerable<(string Name, Tensor Value)> PriorValues(AssimilationWindow window, ControlVector control) =>
        Parts(window, control).Select(part => (part.Term.Name, 0.5 * part.Control.Dot(part.Term.HessianProduct(part.Control))));

    // Refuses to minimise from a background whose cost is non-finite.
    internal void RequireFinite(WindowTrajectory<State> trajectory, CostBreakdown value)
    {
        if (value.Total.isfinite().all().ToBoolean()) return;
        var span = trajectory.Window.Span;
        throw new ArithmeticException($"The cost of the background is not finite over the window from {span.From:g6} to {span.To:g6}: " +
            $"{string.Join(", ", value.Parts.Select(part => $"{part.Term} {part.Value.sum().ToDouble():g4}"))}.{Origin(trajectory)}");
    }

    // Refuses a non-finite gradient of a finite cost.
    internal void RequireFinite(AssimilationWindow window, ControlVector gradient)
    {
        if (FiniteNumbers.All(gradient.Values)) return;
        throw new ArithmeticException(
            $"The gradient of the cost is not finite over the window from {window.Span.From:g6} to {window.Span.To:g6}, " +
            $"though the cost is: the adjoint of an observation operator or of {dynamics.Name} gave values that are not.");
    }

    // The origin of a non-finite cost, as sentences to append; empty if none is found.
    internal string Origin(WindowTrajectory<State> trajectory)
    {
        using var scope = NewDisposeScope();
        for (int step = 0; step <= trajectory.Window.Steps; step++)
            if (FiniteNumbers.Lost(trajectory[step].Values, members: false) is { } lost)
                return $" The model '{dynamics.Name}' gave values that are not finite in step {step} of the window for {lost}.";
        foreach (var term in Terms.OfType<ObservationTerm>())
            foreach (var observation in trajectory.Window.Observations)
                if (FiniteNumbers.Lost(term.Operator.Apply(trajectory.At(observation.Time).Values), members: false,
                    observation.Mask) is { } lost)
                    return $" The observation operator '{term.Operator.Name}' gave values that are not finite at time " +
                        $"{observation.Time:g6} for {lost}.";
        return "";
    }

    // From one step that a term uses to the next.
    private WindowLinearisation Linearised(WindowTrajectory<State> trajectory)
    {
        var window = trajectory.Window;
        var used = Priors.Select(prior => TermSteps.Of(prior, window)).Concat(Terms.Select(term => TermSteps.Of(term, window)));
        return model.Linearise(trajectory, [.. used.SelectMany(steps => steps.Steps).Append(0).Distinct().Order()]);
    }

    private ControlVector Gradient(WindowLinearisation linearisation, ControlVector control)
    {
        using var scope = NewDisposeScope();
        var contributions = new WindowContributions<Sensitivity>(linearisation.At.Window);
        foreach (var term in Terms) term.AddGradient(linearisation.At, contributions.Of(TermSteps.Of(term, contributions.Window)));
        return new(Combined(linearisation.At.Window, control, linearisation.Adjoint(contributions)).Values.MoveToOuterDisposeScope());
    }

    private ControlVector HessianProduct(WindowLinearisation linearisation, ControlVector vector)
    {
        using var scope = NewDisposeScope();
        var contributions = Weighted(linearisation.At, linearisation.TangentLinear(Increments(linearisation.At.Window, vector)));
        return new(Combined(linearisation.At.Window, vector, linearisation.Adjoint(contributions)).Values.MoveToOuterDisposeScope());
    }

    // As many vectors at once as the memory limit allows.
    private Tensor HessianProducts(WindowLinearisation linearisation, Tensor vectors)
    {
        using var scope = NewDisposeScope();
        var window = linearisation.At.Window;
        long each = linearisation.StatesPerVector * window.Background.Values.numel() * window.Background.Values.element_size();
        long atOnce = Math.Max(1, BlockBytes / each);
        var result = empty_like(vectors);
        for (long first = 0; first < vectors.size(1); first += atOnce)
        {
            using var inner = NewDisposeScope();
            long count = Math.Min(atOnce, vectors.size(1) - first);
            result.narrow(1, first, count)
                .copy_(BlockProduct(linearisation,
                    [.. vectors.narrow(1, first, count).unbind(1).Select(vector => new ControlVector(vector))]));
        }
        return result.MoveToOuterDisposeScope();
    }

    // The terms take one vector after the other, the model takes all of them.
    private Tensor BlockProduct(WindowLinearisation linearisation, ControlVector[] vectors)
    {
        var (at, window) = (linearisation.At, linearisation.At.Window);
        var forcing = new WindowContributions<Increment>(window);
        var increments = vectors.Select(vector => Increments(window, vector)).ToList();
        var contributions = new WindowContributions<Sensitivity>(window);
        for (int step = 0; step <= window.Steps; step++)
            if (Stacked(increments.Select(each => each[step]?.Values)) is { } values) forcing.Add(step, new Increment(values));
        var along = linearisation.TangentLinear(forcing, vectors.Length);
        var weighted = vectors.Select((_, i) =>
            Weighted(at, Array.ConvertAll(along, step => step is { } all ? new Increment(all.Values.select(1, i)) : (Increment?)null)))
            .ToList();
        for (int step = 0; step <= window.Steps; step++)
            if (Stacked(weighted.Select(each => each[step]?.Values)) is { } values) contributions.Add(step, new Sensitivity(values));
        var back = linearisation.Adjoint(contributions, vectors.Length);
        return stack(vectors.Select((vector, i) => Combined(window, vector,
            Array.ConvertAll(back, step => step is { } all ? new Sensitivity(all.Values.select(1, i)) : (Sensitivity?)null)).Values), 1);

        Tensor? Stacked(IEnumerable<Tensor?> values)
        {
            var given = values.ToList();
            return given.All(value => value is null) ? null : stack(given.Select(value => value ?? window.Zeros(window.Dimension)), 1);
        }
    }

    // The terms' Hessians times an increment.
    private WindowContributions<Sensitivity> Weighted(WindowTrajectory<State> at, Increment?[] increments)
    {
        var contributions = new WindowContributions<Sensitivity>(at.Window);
        foreach (var term in Terms)
        {
            var steps = TermSteps.Of(term, at.Window);
            term.AddHessianProduct(at, new(at.Window, increments, steps), contributions.Of(steps));
        }
        return contributions;
    }

    // C v plus L^T of the sensitivities to the states.
    private ControlVector Combined(AssimilationWindow window, ControlVector control, Sensitivity?[] sensitivities) =>
        new(cat([.. Parts(window, control).Select(part => (part.Term.HessianProduct(part.Control)
            + part.Term.Adjoint(window, new(window, sensitivities, TermSteps.Of(part.Term, window)))).Values)], -1));

    private WindowContributions<Increment> Increments(AssimilationWindow window, ControlVector control)
    {
        var increments = new WindowContributions<Increment>(window);
        foreach (var (term, part) in Parts(window, control)) term.AddIncrements(window, part, increments.Of(TermSteps.Of(term, window)));
        return increments;
    }

    // Each prior term with its part of the control vector.
    private IEnumerable<(IPriorTerm Term, ControlVector Control)> Parts(AssimilationWindow window, ControlVector control)
    {
        Require.Shape(control.Values, "The control vector", window.Batch, ControlDimension(window));
        long first = 0;
        foreach (var prior in Priors)
        {
            long size = prior.ControlDimension(window);
            yield return (prior, new(control.Values.narrow(-1, first, size)));
            first += size;
        }
    }
}
