using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// What an optimiser step of a learned method begins with: the loss of some cycles, its gradient, and where both were taken.
/// </summary>
/// <param name="Loss">The mean cost of a cycle and trajectory.</param>
/// <param name="Gradients">Its gradient by each parameter that learns.</param>
/// <param name="Weights">All parameters and buffers of the network before.</param>
/// <param name="Start">The tensors of the memory before the first cycle.</param>
internal sealed record TrainingGradient(double Loss, IReadOnlyDictionary<string, Tensor> Gradients,
    IReadOnlyDictionary<string, Tensor> Weights, IReadOnlyList<Tensor> Start);

/// <summary>An estimator that tells the gradient it would learn by.</summary>
internal interface ITrainingGradient
{
    /// <summary>Loss and gradient over the first cycles of a view.</summary>
    /// <param name="data">The training view.</param>
    /// <param name="cycles">How many cycles are unrolled.</param>
    /// <param name="at">Where the gradient is taken, of any precision; null = at weights and a memory that are drawn, no weight of which is
    /// zero.</param>
    TrainingGradient Gradient(ITrajectoryView data, long cycles, TrainingGradient? at = null);
}
