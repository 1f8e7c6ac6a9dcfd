using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The start of a learned method's optimiser step: the loss of some cycles, its gradient, and the point where both were computed.
/// </summary>
/// <param name="Loss">The mean cost of a cycle and trajectory.</param>
/// <param name="Gradients">The gradient by each parameter that learns.</param>
/// <param name="Weights">All parameters and buffers of the network before.</param>
/// <param name="Start">The tensors of the memory before the first cycle.</param>
internal sealed record TrainingGradient(double Loss, IReadOnlyDictionary<string, Tensor> Gradients,
    IReadOnlyDictionary<string, Tensor> Weights, IReadOnlyList<Tensor> Start);

/// <summary>An estimator that gives the gradient it would learn by.</summary>
internal interface ITrainingGradient
{
    /// <summary>Computes loss and gradient over the first cycles of a view.</summary>
    /// <param name="data">The training view.</param>
    /// <param name="cycles">The number of unrolled cycles.</param>
    /// <param name="at">The point of the gradient, of any precision (default: null, drawn weights and memory, with no weight equal to
    /// zero).</param>
    TrainingGradient Gradient(ITrajectoryView data, long cycles, TrainingGradient? at = null);
}
