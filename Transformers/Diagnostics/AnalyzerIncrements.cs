using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The increments with which a method's analyzer answers innovations of one's own choice, from one forecast.</summary>
/// <param name="method">The method.</param>
/// <param name="network">H and R, of the method's observations.</param>
internal sealed class AnalyzerIncrements<TMemory>(SequentialAssimilation<TMemory> method, IObservationNetwork network)
    where TMemory : IMemory<TMemory>
{
    /// <summary>The forecast's state, <c>[batch, n]</c>.</summary>
    public Tensor StateOf(TMemory forecast) => method.Triple.Procoder.Decode(forecast).Mean;

    /// <summary>The analyses of y = H(x) + delta less the forecast x.</summary>
    /// <param name="forecast">The memory before the observation was used.</param>
    /// <param name="state">x, <c>[batch, n]</c></param>
    /// <param name="innovations">delta, <c>[batch, count, p]</c>; zero where nothing is observed.</param>
    /// <param name="mask">Which observations there are, boolean <c>[batch, p]</c>; null = all.</param>
    /// <param name="time">When, for an analyzer that asks.</param>
    /// <param name="random">What the analyzer draws from.</param>
    /// <returns><c>[batch, count, n]</c></returns>
    public Tensor Of(TMemory forecast, Tensor state, Tensor innovations, Tensor? mask, double time, RandomStream random)
    {
        using var scope = NewDisposeScope();
        long batch = state.size(0), count = innovations.size(1);
        Tensor Repeated(Tensor tensor) =>
            tensor.unsqueeze(1).expand([batch, count, .. tensor.Sizes()[1..]]).reshape([batch * count, .. tensor.Sizes()[1..]]);
        var values = (network.Operator.Apply(state).unsqueeze(1) + innovations).reshape(batch * count, innovations.size(2));
        var analysis = method.Triple.Analyzer.Analyze(forecast.Map(Repeated),
            new Observation(values, mask is null ? null : Repeated(mask), time), random);
        return (method.Triple.Procoder.Decode(analysis).Mean.reshape(batch, count, state.size(1)) - state.unsqueeze(1))
            .MoveToOuterDisposeScope();
    }
}
