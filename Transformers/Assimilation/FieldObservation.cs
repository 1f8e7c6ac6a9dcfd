using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Observes a column of a view through a network: a real field becomes the truth of an observing-system experiment. It adds
/// <see cref="Columns.Observation"/> <c>[p]</c> and, if observations may be missing, <see cref="Columns.ObservationMask"/>.
/// </summary>
[Component("field-observation")]
public sealed class FieldObservation : ITransformer
{
    private readonly DataAssimilationContext context;
    private readonly IObservationNetwork network;
    private readonly Column field;
    private readonly string stream;

    /// <summary>Creates the step.</summary>
    /// <param name="context">The context whose seed the errors follow.</param>
    /// <param name="network">The operator on the field, the error and the pattern of missing values.</param>
    /// <param name="field">The column that is observed, <c>[n]</c>.</param>
    /// <param name="stream">The name of the random stream that errors and masks are drawn from; the same for every cursor.</param>
    public FieldObservation(DataAssimilationContext context, IObservationNetwork network, Column field, string stream = "observations")
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(stream);
        (this.context, this.network, this.field, this.stream) = (context, network, field, stream);
        long p = network.Operator.ObservationDimension;
        Contract = new SchemaContract([new(field, network.Operator.StateDimension)],
            network.HasMask ? [new(Columns.Observation, p), new(Columns.ObservationMask, p)] : [new(Columns.Observation, p)]);
    }

    /// <inheritdoc/>
    public string Name => $"observation of '{this.field}'";

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">While it is read: a value of the field is missing.</exception>
    public ITrajectoryView Transform(ITrajectoryView input)
    {
        bool masked = input.Schema.Has(Columns.MaskOf(field));
        return new TrajectoryView(Contract.Apply(input.Schema, Name), input, source => new Cursor(this, masked, source));
    }

    private sealed class Cursor(FieldObservation step, bool masked, ITrajectoryCursor source) : TrajectoryCursor(source)
    {
        private readonly RandomStream random = step.context.Random(step.stream);

        protected override bool Compute(long cycle)
        {
            if (masked) Source!.RequireComplete(step.field, step.Name);
            var observation = step.network.Observe(Source![step.field], Time, random);
            Set(Columns.Observation, observation.Values);
            if (observation.Mask is not null) Set(Columns.ObservationMask, observation.Mask);
            return true;
        }

        protected override void DisposeState() => random.Dispose();
    }
}
