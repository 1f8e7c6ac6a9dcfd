using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The bias of an analyzer (Bocquet et al. 2024, eq. 6): b_k = |a(x_k, 0)| / sqrt(n), the distance by which it moves the forecast of
/// cycle k although the observations confirm it. Reported are its mean b and its standard deviation s over the cycles. Published for the
/// learned analysis of Lorenz-96: b = 5e-3, s = 1e-3; zero for every analysis that is linear in the innovation. It is applied to the
/// output of <see cref="KalmanGainRegression{TMemory}"/>, and costs one additional analysis in a cycle.
/// </summary>
public sealed class AnalysisBiasScore() : Score("analysis bias", Bias), IScore<AnalysisBias>
{
    /// <summary>The column of b_k, one value per trajectory, in the state's unit.</summary>
    public static Column Bias { get; } = new("analysis-bias");

    /// <summary>b_k and its square.</summary>
    public override Tensor Of(ScoredCycle cycle) => stack([cycle[Bias], cycle[Bias].square()], 1);

    /// <inheritdoc/>
    public AnalysisBias Summarise(ScoreFigures figures) =>
        new(figures[0], figures.Function(means => Math.Sqrt(Math.Max(0, means[1] - means[0] * means[0]))));
}

/// <summary>Measures how far an analyzer moves forecasts that the observations confirm.</summary>
/// <param name="Mean">b, in the state's unit.</param>
/// <param name="StandardDeviation">s, the standard deviation of b_k over cycles and trajectories, in the state's unit; the standard error
/// is that of its linearisation, and not a number if s is zero.</param>
public sealed record AnalysisBias(TimeAverage Mean, TimeAverage StandardDeviation);
