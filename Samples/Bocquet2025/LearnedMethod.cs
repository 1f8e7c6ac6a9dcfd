using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>A learned analysis of the paper.</summary>
/// <param name="Name">What tables call it.</param>
/// <param name="Create">Makes its network from the constants of the training data, the context, and a stream to draw weights from.</param>
internal sealed record LearnedMethod(string Name,
    Func<AnalysisStatistics, DataAssimilationContext, RandomStream, nn.Module<Tensor, Tensor, Tensor>> Create)
{
    /// <summary>The network of section 4.1 with the term alpha of eq. 22.</summary>
    public const string Casual = "casual network";

    /// <summary>The larger network of section 4.1.</summary>
    public const string Boosted = "boosted network";

    /// <summary>The network that does not see the forecast, and so cannot know the errors of the day.</summary>
    public const string Blind = "blind network";

    /// <summary>The network without activations.</summary>
    public const string Linear = "linear network";

    /// <summary>The network that maps the forecast to P^a and is linear in the innovation (section 3.1, appendix B).</summary>
    public const string InnovationLinear = "linear in the innovation";

    /// <summary>The methods along the sweep of the update step with their values, the casual one first.</summary>
    public static IEnumerable<(LearnedMethod Method, IReadOnlyList<double> Intervals)> AlongUpdateStep(Bocquet2025Plan plan)
    {
        yield return (Convolution(Casual, plan.Network), plan.Intervals);
        if (plan.BoostedNetwork is { } boosted) yield return (Convolution(Boosted, boosted), plan.Intervals);
        yield return (new LearnedMethod(InnovationLinear,
            (statistics, context, random) =>
                new InnovationLinearNetwork(plan.InnovationLinear, statistics, context.Options.NetworkPrecision, random)),
                plan.InnovationLinearIntervals);
        yield return (Convolution(Blind, plan.Network with { Inputs = AnalysisInputs.InnovationOnly }), plan.DegradedIntervals);
        yield return (Convolution(Linear, plan.Network with { Activation = NetworkActivation.None }), plan.DegradedIntervals);
    }

    /// <summary>A residual convolutional network.</summary>
    public static LearnedMethod Convolution(string name, ResidualConvolutionOptions size) =>
        new(name, (statistics, context, random) =>
            new ResidualConvolutionNetwork(size, statistics, context.Options.NetworkPrecision, random));

    /// <summary>The estimator of this method in a setting.</summary>
    /// <param name="name">What to call what is learned; its random stream is named after it.</param>
    /// <param name="setting">Model and observations.</param>
    /// <param name="training">How it is trained.</param>
    /// <param name="first">A network of the same shape whose weights it begins with; null to draw them.</param>
    public LearnedAnalysisEstimator<StateMemory> Estimator(string name, TwinSetting setting, TrainingOptions training, nn.Module? first) =>
        setting.Context.Analysis.Learned(name, setting.OnAttractor, (statistics, random) =>
        {
            var network = Create(statistics, setting.Context, random);
            if (first is not null)
            {
                using var noGradients = no_grad();
                network.load_state_dict(first.state_dict());
            }
            return network;
        }, training);
}
