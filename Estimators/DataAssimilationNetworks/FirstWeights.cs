using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The initial weights of a data assimilation network.</summary>
public enum FirstWeights
{
    /// <summary>
    /// All are drawn (<see cref="ModuleState.DrawWeights"/>), so the first memory is a random mixture that soon forgets, as in the paper.
    /// </summary>
    Drawn,

    /// <summary>
    /// The memory starts as running averages of the standardised observations, the i-th number being h_i &lt;- (1 - g) h_i + g y_(i mod
    /// p), from the last observation alone (g = 1) to an average over about twenty cycles (g = 0.05). The propagater keeps the averages,
    /// and the procoder does not read them yet: its densities are the climatology. Drawn weights of a fiftieth of their usual size are
    /// added, too small for the memory to grow by itself. The layers before the last, whose skips start closed, are drawn as usual. This
    /// uses nothing of model or observation operator. The information in the observations stays in the memory from the first step on, so
    /// that a truncated gradient sees it without back-propagation through time.
    /// </summary>
    RunningAverages,
}

/// <summary>Sets the initial weights of networks.</summary>
internal static class FirstWeightsOfNetworks
{
    private const double SlowestGain = 0.05, DrawnShare = 0.02;

    /// <summary>
    /// Turns the last layers of analyzer and propagater, whose weights are drawn, into running averages, and the procoder into the
    /// climatology.
    /// </summary>
    /// <param name="analyzer">The analyzer's last layer, [m, m + p ...].</param>
    /// <param name="propagater">The propagater's last layer, [m, m].</param>
    /// <param name="procoder">The procoder's layer.</param>
    /// <param name="observations">p</param>
    public static void SetRunningAverages(Linear analyzer, Linear propagater, Linear procoder, long observations)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        foreach (var parameter in analyzer.parameters().Concat(propagater.parameters())) parameter.mul_(DrawnShare);
        foreach (var parameter in procoder.parameters()) parameter.zero_();
        long m = propagater.weight!.size(0), averages = (m + observations - 1) / observations;
        double Gain(long average) => averages == 1 ? 1 : Math.Pow(SlowestGain, average / (averages - 1.0));
        var gains = tensor(Enumerable.Range(0, (int)m).Select(i => Gain(i / observations)).ToArray())
            .to(propagater.weight.dtype, propagater.weight.device);
        var read = zeros([m, observations], dtype: gains.dtype, device: gains.device);
        read.scatter_(1, (arange(m, device: gains.device) % observations).unsqueeze(1), gains.unsqueeze(1));
        propagater.weight.add_(eye(m, dtype: gains.dtype, device: gains.device));
        analyzer.weight!.narrow(1, 0, m).add_((1 - gains).diag());
        analyzer.weight.narrow(1, m, observations).add_(read);
    }
}
