using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The weak digital-filter constraint, J_c = 1/2 |sum_k h_k x_k - x_{K/2}|^2 in C^-1 (Gauthier and Thepaut 2001, Mon. Wea. Rev. 129,
/// 2089-2102): it penalises the part that a low-pass filter over the window removes from the state at its middle. The filter is the ideal
/// one cut to the window by the Lanczos window, h_k ~ sin(k theta) / (k pi) sin(k pi / (m + 1)) / (k pi / (m + 1)) for k = -m .. m (Lynch
/// and Huang 1992, Mon. Wea. Rev. 120, 1019-1034), scaled to a sum of one.
/// </summary>
/// <param name="cutoffPeriod">Oscillations of a shorter period are penalised, in the model's unit of time; theta = 2 pi h / cutoffPeriod
/// for the time step h.</param>
/// <param name="allowed">C, the covariance allowed for such oscillations.</param>
[Component("digital-filter-term")]
public sealed class DigitalFilterTerm(double cutoffPeriod, IErrorCovariance allowed) : ICostTerm
{
    /// <inheritdoc/>
    public string Name => "Jc";

    /// <summary>The period below which oscillations are penalised.</summary>
    public double CutoffPeriod { get; } = Require.Positive(cutoffPeriod);

    /// <summary>C</summary>
    public IErrorCovariance Allowed { get; } = allowed.Invertible("The covariance C of allowed oscillations", "J_c weights them by C^-1",
        "Give every component a variance above zero; a small one suppresses its oscillations.");

    /// <summary>The filter's weights h_k of the K + 1 times of a window; their sum is one.</summary>
    /// <exception cref="ArgumentException">The window has no middle step, or the cut-off is shorter than two time steps.</exception>
    public IReadOnlyList<double> Weights(AssimilationWindow window)
    {
        if (window.Steps == 0 || window.Steps % 2 != 0)
            throw new ArgumentException($"A digital filter needs a window of an even number of steps, at least two; given: {window.Steps}.",
                nameof(window));
        double theta = 2 * Math.PI * window.TimeStep / CutoffPeriod;
        if (!(theta <= Math.PI))
            throw new ArgumentException(
                $"A digital filter cannot cut off at a period of {CutoffPeriod:g6}: the shortest that time steps of " +
                    $"{window.TimeStep:g6} resolve is {2 * window.TimeStep:g6}.", nameof(window));
        int half = window.Steps / 2;
        double[] weights = [.. Enumerable.Range(-half, window.Steps + 1).Select(k => k == 0 ? theta / Math.PI
            : Math.Sin(k * theta) / (k * Math.PI) * Math.Sin(k * Math.PI / (half + 1)) / (k * Math.PI / (half + 1)))];
        double sum = weights.Sum();
        return [.. weights.Select(weight => weight / sum)];
    }

    /// <inheritdoc/>
    public Tensor Value(WindowTrajectory<State> trajectory) =>
        0.5 * Allowed.Whiten(Filtered(trajectory.Window, [.. trajectory.Steps.Select(state => state.Values)])).square().sum(-1);

    /// <inheritdoc/>
    public void AddGradient(WindowTrajectory<State> trajectory, WindowContributions<Sensitivity> gradient) =>
        Add(trajectory.Window, [.. trajectory.Steps.Select(state => state.Values)], gradient);

    /// <inheritdoc/>
    public void AddHessianProduct(WindowTrajectory<State> trajectory, WindowTrajectory<Increment> increment,
        WindowContributions<Sensitivity> product) =>
        Add(trajectory.Window, [.. increment.Steps.Select(step => step.Values)], product);

    // sum_k h_k x_k - x_{K/2}
    private Tensor Filtered(AssimilationWindow window, Tensor[] states)
    {
        var weights = Weights(window);
        var sum = -states[window.Steps / 2];
        for (int step = 0; step <= window.Steps; step++) sum = sum.add(states[step], weights[step]);
        return sum;
    }

    private void Add(AssimilationWindow window, Tensor[] states, WindowContributions<Sensitivity> to)
    {
        var weighted = new Sensitivity(Allowed.ApplyInverse(Filtered(window, states)));
        var weights = Weights(window);
        for (int step = 0; step <= window.Steps; step++) to.Add(step, weights[step] * weighted);
        to.Add(window.Steps / 2, -weighted);
    }
}
