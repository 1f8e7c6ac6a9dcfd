using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The result of an estimator of autoregressive models: a <see cref="Dynamics"/> on lagged states, ready for every filter and variational
/// method. As a transformer it adds the forecast of each cycle made one application earlier. The first cycles, which have none, are left
/// out of the view.
/// </summary>
[Component("autoregressive-model")]
public sealed class AutoregressiveModel : ITransformer
{
    private readonly Column values, forecast;

    /// <summary>Makes a model.</summary>
    /// <param name="dynamics">The model of lagged states, newest first, <c>[W r]</c>.</param>
    /// <param name="valueCount">r, the number of values at each time; it divides the dimension of the dynamics.</param>
    /// <param name="leads">D, the number of values that one step of the dynamics advances, at most W.</param>
    /// <param name="values">The column it reads, <c>[r]</c>.</param>
    /// <param name="forecast">The column it adds, <c>[r]</c>.</param>
    /// <exception cref="ArgumentException">The dimension is not a multiple of r, or there are more leads than the state
    /// holds.</exception>
    public AutoregressiveModel(IDynamics dynamics, long valueCount, int leads, Column values, Column forecast)
    {
        (Dynamics, this.values, this.forecast) = (dynamics, values, forecast);
        (ValueCount, Leads) = (Require.AtLeast(valueCount, 1), (int)Require.AtLeast(leads, 1));
        if (dynamics.Dimension % valueCount != 0 || leads > dynamics.Dimension / valueCount)
            throw new ArgumentException($"The states of {dynamics.Name}, of dimension {dynamics.Dimension}, must hold a whole number of " +
                $"values of {valueCount} components, at least {leads} of them.", nameof(dynamics));
        Contract = new([new(values, valueCount)], [new(forecast, valueCount)]);
    }

    /// <inheritdoc/>
    public string Name => Dynamics.Name;

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <summary>The model of lagged states z = (c(t), c(t - h), ...), <c>[W r]</c>.</summary>
    public IDynamics Dynamics { get; }

    /// <summary>r, the number of values at each time.</summary>
    public long ValueCount { get; }

    /// <summary>W, the number of values that a state holds.</summary>
    public int Window => (int)(Dynamics.Dimension / ValueCount);

    /// <summary>D, the number of values that one step of the dynamics advances.</summary>
    public int Leads { get; }

    /// <summary>
    /// Makes the network on lagged states from one of single values: it observes the newest D, which a step adds, newest first.
    /// </summary>
    /// <param name="network">The network on single values of r components, with its error; the same at every time.</param>
    /// <exception cref="ArgumentException">The network observes states of another dimension.</exception>
    public IObservationNetwork Observed(IObservationNetwork network)
    {
        if (network.Operator.StateDimension != ValueCount)
            throw new ArgumentException($"{network.Operator.Name} observes states of dimension {network.Operator.StateDimension}; " +
                $"the values of {Name} have {ValueCount} components.", nameof(network));
        return new ObservationNetwork(new LaggedObservationOperator(network.Operator, Leads, Window),
            Leads == 1 ? network.Error : ErrorCovariance.Blocks([.. Enumerable.Repeat(network.Error, Leads)]));
    }

    /// <summary>Makes the step that gathers the observations of D cycles, the length of one step of the dynamics, into one.</summary>
    public ObservationBlocks Gathered => new(Leads);

    /// <summary>Makes the step that adds lagged states, <c>[W r]</c>, from which the dynamics continues.</summary>
    /// <param name="lagged">The column that is added.</param>
    public LaggedStates Lagged(Column lagged) => new(values, lagged, Window);

    /// <summary>Makes the step that adds the forecast of each cycle made some cycles earlier.</summary>
    /// <param name="output">The column that is added, <c>[r]</c>.</param>
    /// <param name="lead">The lead in cycles, at least 1.</param>
    public AutoregressiveForecast Forecast(Column output, int lead) => new(this, values, output, lead);

    /// <summary>Computes the coming values, one after another.</summary>
    /// <param name="lagged">Lagged states, <c>[rows, W r]</c>.</param>
    /// <param name="leads">The number of values.</param>
    /// <param name="time">The time of the newest value; it matters only to models that depend on it (default: 0).</param>
    /// <returns><c>[rows, leads, r]</c></returns>
    public Tensor Run(Tensor lagged, int leads, double time = 0)
    {
        Require.Shape(lagged, $"The lagged states that {Name} goes on from", ColumnDefinition.AnySize, Dynamics.Dimension);
        Require.AtLeast(leads, 1);
        using var scope = NewDisposeScope();
        var coming = new List<Tensor>();
        var state = lagged;
        for (int k = 0; coming.Count * Leads < leads; k++)
        {
            state = Dynamics.Advance(state, new TimeInterval(time + k * Dynamics.TimeStep, time + (k + 1) * Dynamics.TimeStep));
            var newest = state.reshape(-1, Window, ValueCount).narrow(1, 0, Leads);
            coming.Add(Leads == 1 ? newest : newest.flip(1));
        }
        return cat([.. coming], 1).narrow(1, 0, leads).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public ITrajectoryView Transform(ITrajectoryView input) => Forecast(forecast, Leads).Transform(input);
}
