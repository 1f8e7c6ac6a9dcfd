using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The increments of a method's analyzer for chosen innovations, all from one forecast.</summary>
/// <param name="method">The method.</param>
/// <param name="network">H and R, of the method's observations.</param>
internal sealed class AnalyzerIncrements<TMemory>(SequentialAssimilation<TMemory> method, IObservationNetwork network)
    where TMemory : IMemory<TMemory>
{
    /// <summary>The forecast's state, <c>[batch, n]</c>.</summary>
    public Tensor StateOf(TMemory forecast) => method.Triple.Procoder.Decode(forecast).Mean;

    /// <summary>Computes the analyses of y = H(x) + delta minus the forecast x.</summary>
    /// <param name="forecast">The memory before the observation is used.</param>
    /// <param name="state">x, <c>[batch, n]</c></param>
    /// <param name="innovations">delta, <c>[batch, count, p]</c>; zero for components that are not observed.</param>
    /// <param name="mask">The observations that exist, boolean <c>[batch, p]</c>; null = all.</param>
    /// <param name="time">The time, for an analyzer that asks for it.</param>
    /// <param name="random">The stream that the analyzer draws from.</param>
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
