using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>The analyzer of one state while its network learns: gradients flow, and batch normalisation follows the mode of the network.</summary>
/// <param name="name">What to call it.</param>
/// <param name="network">As <see cref="LearnedAnalyzer"/> has it.</param>
/// <param name="observing">H and R.</param>
internal sealed class LearnedAnalyzerInTraining(string name, nn.Module<Tensor, Tensor, Tensor> network, IObservationNetwork observing) : IAnalyzer<StateMemory>
{
    private readonly ScalarType precision = network.parameters().Select(parameter => parameter.dtype).FirstOrDefault(ScalarType.Float32);

    public string Name => name;
    public bool TakesErrorScale => true;

    public StateMemory Analyze(StateMemory forecast, Observation observation, RandomStream random) =>
        new(LearnedAnalyzer.Update(network, precision, observing.Operator, observing.Error, forecast.State, observation));
}
