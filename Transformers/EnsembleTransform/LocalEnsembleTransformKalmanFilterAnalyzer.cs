using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The analysis of the local ensemble transform Kalman filter (Hunt, Kostelich and Szunyogh 2007, Physica D 230, 112-126): every
/// component of the state gets its own ensemble transform, from the observations near it, whose precisions R^-1 are multiplied by a taper
/// of their distance. A few members are enough for a large state, since they need to span only its local dimension.
/// </summary>
[Component("local-ensemble-transform-kalman-filter")]
public sealed class LocalEnsembleTransformKalmanFilterAnalyzer : EnsembleAnalyzer, ISideBySideAnalyzer<EnsembleMemory>
{
    // The number of values that the local ensembles of one chunk hold in the tensor form.
    private const long ChunkNumbers = 1 << 23;

    private readonly Localisation localisation;
    private readonly LocalDomains domains;
    private readonly double[] deviations;
    private readonly bool ascending; // the components that observations are the values of

    /// <summary>Makes an analyzer.</summary>
    /// <param name="observationOperator">H, which may be nonlinear.</param>
    /// <param name="observationError">R, of the operator's observation dimension; a variance or a diagonal, so that observations can be
    /// left out and weighted individually.</param>
    /// <param name="localisation">The positions of components and observations, and the reach of an observation.</param>
    /// <param name="inflation">The inflation (default: none). A factor of the prior enters as the weight of the prior precision.</param>
    /// <param name="rotation">The rotation of the analysis (default: none); one rotation serves all local analyses, so that neighbours
    /// stay alike.</param>
    /// <exception cref="ArgumentException">Operator, error covariance and localisation do not match, or R is a full matrix.</exception>
    public LocalEnsembleTransformKalmanFilterAnalyzer([Saved("operator")] IObservationOperator observationOperator,
        [Saved("error")] IErrorCovariance observationError, Localisation localisation,
        Inflation? inflation = null, EnsembleRotation rotation = EnsembleRotation.None)
        : base(observationOperator, observationError, inflation, rotation)
    {
        this.localisation = localisation;
        deviations = observationError is ScalarErrorCovariance scalar ? [1 / Math.Sqrt(scalar.Variance)] // one for all takes no memory
            : InverseDeviations.Of(observationError)
            ?? throw new ArgumentException(
                $"Local analyses weight each observation by itself, which needs uncorrelated errors: a {nameof(ScalarErrorCovariance)} " +
                    $"or a {nameof(DiagonalErrorCovariance)}; given: {observationError.GetType().Name}. " +
                                           "Observations with correlated errors can be whitened by a linear operator before they are " +
                                               "assimilated.", nameof(observationError));
        domains = localisation.Domains(observationOperator);
        Selected = (observationOperator as IPointObservationOperator) is { IsSelection: true, ObservedComponents: { } components }
            ? components : null;
        ascending = Selected is not null && IsAscending(Selected);
    }

    /// <summary>The observations that reach each component.</summary>
    internal LocalDomains Domains => domains;

    /// <summary>1 / sigma of each observation, or one for all.</summary>
    internal double[] Deviations => deviations;

    /// <summary>The component that each observation is the value of; null if observations are not such.</summary>
    internal IReadOnlyList<long>? Selected { get; }

    /// <inheritdoc/>
    public override string Name => "LETKF";

    /// <inheritdoc/>
    public override EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random)
    {
        EnsembleStatistics.Check(forecast.Members);
        bool served = LocalEnsembleTransformKernel.Serves(forecast.Members, observation);
        // as in EnsembleTransform
        using var scope = served && Inflation is MultiplicativeInflation && Rotation == EnsembleRotation.None ? null : NewDisposeScope();
        var members = Inflation.BeforeUpdate(forecast.Members, random);
        Check(members, observation);
        var turn = Turn(members.size(0), members.size(1), random, members.dtype);
        using var observed = ObservationOperator.Apply(members);
        Tensor analysis;
        if (served && KernelMemory.Serves(members, observed))
        {
            analysis = empty(members.Sizes(), dtype: members.dtype);
            LocalEnsembleTransformKernel.Analyze(members, observed, observation, deviations, domains, Zeta(members.size(1)),
                Inflation.PosteriorFactor, turn, analysis);
        }
        else
            analysis = InTensors(ObservedEnsemble.Of(members, observed, observation, ObservationError), Zeta(members.size(1)), turn);
        analysis = Inflation.AfterUpdate(members, analysis, random);
        if (Inflation is not MultiplicativeInflation) analysis = where(InReach(observation, members), analysis, forecast.Members);
        return new(scope?.MoveToOuter(analysis) ?? analysis);
    }

    /// <summary>
    /// Does the same in the memory of the forecast, which becomes the analysis, to the bit. Beside the ensemble it needs a fifth of its
    /// memory where every component is observed (N = 20, double precision). That holds for contiguous tensors on the processor, a
    /// multiplicative inflation, and observations that are values of components in ascending order. Nonlinear and interpolated ones are
    /// held as well, <c>[batch, N, p]</c>; in all other cases the analysis is made beside the forecast and copied.
    /// </summary>
    /// <param name="memory">The forecast; holds the analysis afterwards.</param>
    /// <param name="observation">y, <c>[batch, p]</c>, with its mask.</param>
    /// <param name="random">The stream of inflation and rotation.</param>
    /// <exception cref="ArgumentException">As for <see cref="Analyze"/>; the members are then as they were.</exception>
    public void AnalyzeInPlace(EnsembleMemory memory, Observation observation, RandomStream random)
    {
        var members = EnsembleStatistics.Check(memory.Members);
        using var scope = NewDisposeScope();
        if (!LocalEnsembleTransformKernel.Serves(members, observation) || Inflation is not MultiplicativeInflation
            || !members.is_contiguous())
        {
            members.copy_(Analyze(memory, observation, random).Members);
            return;
        }
        Check(members, observation);
        var turn = Turn(members.size(0), members.size(1), random, members.dtype);
        if (ascending)
        {
            LocalEnsembleTransformKernel.Analyze(members, Selected!, observation, deviations, domains, Zeta(members.size(1)),
                Inflation.PosteriorFactor, turn);
            return;
        }
        var observed = ObservationOperator.Apply(members);
        if (observed.is_contiguous() && KernelMemory.Overlap(observed, members)) observed = observed.clone(); // a part of the state itself
        if (!KernelMemory.Serves(members, observed))
            throw new ArgumentException($"{ObservationOperator.Name} must give observations of the members' type on their device; given: " +
                $"{observed.dtype} on {observed.device}; the members are {members.dtype}.");
        LocalEnsembleTransformKernel.Analyze(members, observed, observation, deviations, domains, Zeta(members.size(1)),
            Inflation.PosteriorFactor, turn, members);
    }

    ICyclesSideBySide<EnsembleMemory>? ISideBySideAnalyzer<EnsembleMemory>.SideBySide(IPropagater<EnsembleMemory> propagater,
        EnsembleMemory start) =>
        EnsembleCyclesSettings.CyclesOf(propagater, start, ObservationOperator, ObservationError,
            PriorWeight.Fixed(Zeta(start.Members.size(1))), Inflation, Rotation, domains);

    private void Check(Tensor members, Observation observation)
    {
        long batch = members.size(0), p = ObservationOperator.ObservationDimension;
        Require.LastDimension(members, ObservationOperator.StateDimension, $"The members that {Name} analyses");
        Require.Shape(observation.Values, "The observations of an ensemble", batch, p);
        if (observation.Mask is not null
            && Require.Shape(observation.Mask, "The mask of an ensemble's observations", batch, p).dtype != ScalarType.Bool)
            throw new ArgumentException($"An observation mask must be boolean, true = observed; given: {observation.Mask.dtype}.",
                nameof(observation));
    }

    /// <summary>Draws the rotation of a cycle, <c>[batch, N, N]</c>; null for none.</summary>
    internal Tensor? Turn(long batch, long members, RandomStream random, ScalarType dtype) =>
        Rotation == EnsembleRotation.None ? null : RandomRotation.MeanPreserving(batch, members, random, dtype);

    /// <summary>The weight of the prior of so many members.</summary>
    internal double Zeta(long members) => (members - 1) / (Inflation.PriorFactor * Inflation.PriorFactor);

    private static bool IsAscending(IReadOnlyList<long> components)
    {
        for (int i = 1; i < components.Count; i++)
            if (components[i] < components[i - 1]) return false;
        return true;
    }

    // Whether an existing observation is near a component, [batch or 1, 1, n]: elsewhere the effect of an inflation is undone.
    private Tensor InReach(Observation observation, Tensor members)
    {
        using var scope = NewDisposeScope();
        var (indices, tapers) = domains.Of(0, domains.Points, members.dtype, members.device);
        var near = tapers > 0;                                                                            // [n, width]
        if (observation.Mask is { } mask)
            near = near.logical_and(mask.index_select(-1, indices.reshape(-1)).reshape(-1, domains.Points, near.size(1)));
        return near.any(-1).reshape(-1, 1, domains.Points).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the same tensor by tensor, for other devices, for gradients, and as the reference for the kernel.</summary>
    internal Tensor InTensors(ObservedEnsemble ensemble, double weight, Tensor? turn)
    {
        var (mean, anomalies, y, d) = ensemble;
        long batch = anomalies.size(0), members = anomalies.size(1);
        int n = domains.Points, width = Math.Max(domains.Largest, 1),
            chunk = (int)Math.Clamp(ChunkNumbers / (batch * members * width), 1, n);
        using var zeta = tensor(weight, dtype: mean.dtype, device: mean.device);
        var parts = new List<Tensor>();
        for (int first = 0; first < n; first += chunk)
        {
            using var scope = NewDisposeScope();
            int points = Math.Min(chunk, n - first);
            var (indices, tapers) = domains.Of(first, points, mean.dtype, mean.device);
            var root = tapers.sqrt();
            // [batch, N, points, width] -> one ensemble for each trajectory and component
            var local = y.index_select(-1, indices.reshape(-1)).reshape(batch, members, points, width) * root;
            var innovation = d.index_select(-1, indices.reshape(-1)).reshape(batch, points, width) * root;
            var rows = EnsembleTransform.Of(local.transpose(1, 2).reshape(batch * points, members, width),
                innovation.reshape(batch * points, width))
                .Apply(mean.narrow(1, first, points).reshape(batch * points, 1),
                    anomalies.narrow(2, first, points).transpose(1, 2).reshape(batch * points, members, 1), zeta, Inflation.PosteriorFactor,
                    turn?.unsqueeze(1).expand(batch, points, members, members).reshape(batch * points, members, members));
            parts.Add(rows.reshape(batch, points, members).transpose(1, 2).MoveToOuterDisposeScope());
        }
        return cat(parts, -1);
    }

    /// <inheritdoc/>
    public override IAnalyzer<EnsembleMemory> For(IObservationNetwork network) =>
        new LocalEnsembleTransformKalmanFilterAnalyzer(network.Operator, network.Error, localisation.At(network.Places), Inflation,
            Rotation);
}
