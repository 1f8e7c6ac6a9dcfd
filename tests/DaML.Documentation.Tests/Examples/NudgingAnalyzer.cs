using DaML;
using TorchSharp;
using static TorchSharp.torch;

/// <summary>Nudging (Hoke and Anthes 1976): x_a = x_f + g H^T R^-1 (y - H(x_f)).</summary>
public sealed class NudgingAnalyzer(IObservationNetwork network, double gain) : IAnalyzer<StateMemory>
{
    public string Name => "nudging";

    public StateMemory Analyze(StateMemory forecast, Observation observation, RandomStream random)
    {
        var x = forecast.State;                                                  // [batch, n]
        var innovation = observation.Values - network.Operator.Apply(x);         // [batch, p]
        var weighted = network.Error.ApplyInverse(innovation, observation.Mask);  // missing ones count zero
        return new StateMemory(x + gain * network.Operator.Adjoint(x, weighted));
    }
}
