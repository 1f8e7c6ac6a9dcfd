using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The input of a network that maps a state to a Hessian. It is the state at the window's beginning, where the model is linearised, as
/// standardised channels and, if requested, the window's observations: for each of their times the channels H'^T R^-1 1, which are zero
/// for unobserved components, in units of their largest value.
/// </summary>
[Component("hessian-inputs")]
public sealed class HessianInputs
{
    private readonly ConstantTensor mean, deviation;
    private readonly ObservationTerm? observations;
    private readonly int observationTimes;
    private readonly double largestWeight;

    private HessianInputs(FieldLayout layout, Tensor mean, IReadOnlyList<double> deviations, ObservationTerm? observations,
        int observationTimes, double largestWeight)
    {
        (Layout, this.observations, this.observationTimes, this.largestWeight) = (layout, observations, observationTimes, largestWeight);
        Deviations = [.. deviations.Select(value => Require.Positive(value, "deviation"))];
        Require.Shape(mean, "The mean of a network's inputs", layout.Dimension);
        using var scope = NewDisposeScope();
        (this.mean, deviation) = (new ConstantTensor(mean), new ConstantTensor(layout.Spread(Deviations, mean.dtype, mean.device)));
    }

    /// <summary>The layout of states on the grid.</summary>
    public FieldLayout Layout { get; }

    /// <summary>The standard deviation of each field, the divisor of its channels.</summary>
    public IReadOnlyList<double> Deviations { get; }

    /// <summary>The number of channels: the fields, and again for each time of observation if observations are requested.</summary>
    public int Channels => Layout.Fields.Count * (1 + observationTimes);

    /// <summary>Makes inputs with constants from the states of some windows.</summary>
    /// <param name="layout">The layout of states on the grid.</param>
    /// <param name="windows">Windows with altogether at least two states.</param>
    /// <param name="observations">The observation term whose operator and errors are channels too (default: null, the state
    /// alone).</param>
    /// <exception cref="ArgumentException">A state has another dimension, a field never changes, or the windows have different
    /// numbers of observations.</exception>
    public static HessianInputs Measure(FieldLayout layout, IReadOnlyList<AssimilationWindow> windows, ObservationTerm? observations)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var states = cat([.. windows.Select(window => window.Background.Values)]).to_type(ScalarType.Float64);
        Require.LastDimension(states, layout.Dimension, "The states of linearisation");
        if (states.size(0) < 2)
            throw new ArgumentException($"The constants of a network's inputs need at least two states; given: {states.size(0)}.");
        var mean = states.mean([0]);
        var squares = layout.ToFields((states - mean).square());
        var deviations = new double[layout.Fields.Count];
        for (int i = 0; i < deviations.Length; i++)
        {
            var field = layout.Fields[i];
            deviations[i] = Math.Sqrt(squares.select(1, i).sum().ToDouble() / (states.size(0) * field.Rows * field.Columns));
            if (!(deviations[i] > 0))
                throw new ArgumentException(
                    $"Field {i} of the states of linearisation never changes, so it cannot be standardised. Leave it out.");
        }
        int times = observations is null ? 0 : windows[0].Observations.Count;
        double largest = observations is null ? 1
            : windows.Max(window => Weights(observations, layout, window, times).abs().max().ToDouble());
        return new(layout, mean, deviations, observations, times, largest > 0 ? largest : 1);
    }

    /// <summary>Computes the inputs for each trajectory of a window.</summary>
    /// <param name="at">The trajectory of linearisation.</param>
    /// <param name="precision">The network's precision.</param>
    /// <returns><c>[batch, channels, grid...]</c></returns>
    public Tensor Of(WindowTrajectory<State> at, ScalarType precision)
    {
        using var scope = NewDisposeScope();
        var states = at.Start.Values;
        var channels = Layout.ToFields((states - mean.Like(states)) / deviation.Like(states));
        if (observations is not null)
            channels = cat([channels, Weights(observations, Layout, at.Window, observationTimes) / largestWeight], 1);
        return channels.to_type(precision).MoveToOuterDisposeScope();
    }

    // [batch, fields * times, grid...]
    private static Tensor Weights(ObservationTerm term, FieldLayout layout, AssimilationWindow window, int times)
    {
        if (window.Observations.Count != times)
            throw new ArgumentException(
                $"The network reads the observations of {times} times; the window has {window.Observations.Count}.");
        return cat([.. window.Observations.Select(observation =>
            layout.ToFields(term.OperatorOf(observation)
                .Adjoint(window.Background.Values,
                    term.ErrorOf(observation).ApplyInverse(ones_like(observation.Values), observation.Mask))))], 1);
    }

    private Tensor Mean => mean.Value;
}
