using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Adds an autoregressive model's forecast for each cycle, started some cycles earlier from the values there and before. The first
/// cycles, which have no such forecast, are left out of the view.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="values">The column that forecasts start from, <c>[r]</c>.</param>
/// <param name="output">The column it adds, <c>[r]</c>.</param>
/// <param name="lead">The lead of a forecast in cycles, at least 1.</param>
[Component("autoregressive-forecast")]
public sealed class AutoregressiveForecast(AutoregressiveModel model, Column values, Column output, int lead) : ITransformer
{
    private static readonly Column Start = new("autoregressive-forecast-start");
    private readonly int lead = (int)Require.AtLeast(lead, 1);

    /// <inheritdoc/>
    public string Name => $"{model.Name}, {lead} ahead";

    /// <inheritdoc/>
    public SchemaContract Contract { get; } = new([new(values, model.ValueCount)], [new(output, model.ValueCount)]);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The view has no more cycles than the model's window and the lead need; or, during reading,
    /// cycles are not the model's interval apart.</exception>
    public ITrajectoryView Transform(ITrajectoryView input)
    {
        var schema = Contract.Apply(input.Schema, Name);
        int lost = model.Window - 1 + lead;
        if (input.CycleCount <= lost)
            throw new ArgumentException($"{Name} needs a view of more than {lost} cycles, {model.Window} to start from and {lead} ahead; " +
                $"given: {input.CycleCount}.", nameof(input));
        var lagged = new LaggedStates(values, Start, model.Window).Transform(input);
        return new TrajectoryView(schema, input.CycleCount - lost, input.StartTime,
            () => new Cursor(model, output, lead, lagged.OpenCursor()));
    }

    private sealed class Cursor(AutoregressiveModel model, Column output, int lead, ITrajectoryCursor source) : TrajectoryCursor(source)
    {
        private readonly Queue<Tensor> forecasts = new();
        private readonly EvenSpacing spacing = new(model.Dynamics.TimeStep / model.Leads);

        protected override bool Compute(long cycle)
        {
            while (forecasts.Count < lead)
            {
                Remember();
                if (!Source!.MoveNext()) return false;
            }
            Set(output, forecasts.Dequeue(), handsOver: true);
            Remember();
            return true;
        }

        protected override void DisposeState()
        {
            while (forecasts.TryDequeue(out var kept)) kept.Dispose();
        }

        private void Remember()
        {
            if (spacing.Gap(Source!.Time) is var (passed, interval))
                throw new ArgumentException($"{model.Name} gives values {interval:g6} apart; the cycle at {Source.Time:g9} comes " +
                    $"{passed:g6} after the one before. Give a view with the model's interval, or learn the model from one like this.");
            using var scope = NewDisposeScope();
            forecasts.Enqueue(model.Run(Source[Start], lead, Source.Time)[.., lead - 1].clone().DetachFromDisposeScope());
        }
    }
}
