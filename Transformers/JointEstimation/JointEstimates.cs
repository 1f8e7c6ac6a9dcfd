using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Splits the estimates of a joint model: <see cref="Columns.Forecast"/>, <see cref="Columns.Analysis"/> and their spread become those of
/// the model's state, <c>[n]</c>, and <see cref="Columns.Parameters"/> and their spread <c>[q]</c> are added.
/// </summary>
[Component("joint-estimates")]
public sealed class JointEstimates : ITransformer
{
    private readonly long stateDimension, parameters;
    private readonly bool hasSpread;

    /// <summary>Makes the step that follows a method on a joint model.</summary>
    /// <param name="stateDimension">n</param>
    /// <param name="parameters">q</param>
    /// <param name="hasSpread">Whether the method gives its spread.</param>
    public JointEstimates(long stateDimension, long parameters, bool hasSpread)
    {
        this.stateDimension = Require.AtLeast(stateDimension, 1);
        this.parameters = Require.AtLeast(parameters, 1);
        this.hasSpread = hasSpread;
        Column[] estimates = hasSpread ? [Columns.Forecast, Columns.Analysis, Columns.ForecastSpread, Columns.AnalysisSpread]
            : [Columns.Forecast, Columns.Analysis];
        Column[] values = hasSpread ? [Columns.Parameters, Columns.ParametersSpread] : [Columns.Parameters];
        Contract = new SchemaContract(
            [.. estimates.Select(column => new ColumnDefinition(column, stateDimension + parameters))],
            [.. estimates.Select(column => new ColumnDefinition(column, stateDimension)),
                .. values.Select(column => new ColumnDefinition(column, parameters))]);
    }

    /// <inheritdoc/>
    public string Name => "estimates of state and parameters";

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <inheritdoc/>
    public ITrajectoryView Transform(ITrajectoryView input) =>
        new TrajectoryView(Contract.Apply(input.Schema, Name), input, source => new Cursor(this, source));

    private sealed class Cursor(JointEstimates step, ITrajectoryCursor source) : TrajectoryCursor(source)
    {
        public override IObservationNetwork? Network => Source!.Network is JointObservationNetwork joint ? joint.OfState : Source!.Network;

        protected override bool Compute(long cycle)
        {
            OfState(Columns.Forecast);
            OfState(Columns.Analysis);
            OfParameters(Columns.Parameters, Columns.Analysis);
            if (!step.hasSpread) return true;
            OfState(Columns.ForecastSpread);
            OfState(Columns.AnalysisSpread);
            OfParameters(Columns.ParametersSpread, Columns.AnalysisSpread);
            return true;
        }

        private void OfState(Column column) => SetOnDemand(column, () => Source![column].narrow(-1, 0, step.stateDimension));

        private void OfParameters(Column column, Column of) =>
            SetOnDemand(column, () => Source![of].narrow(-1, step.stateDimension, step.parameters));
    }
}
