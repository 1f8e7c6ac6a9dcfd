using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A cost that can unroll the cycles of an optimiser step in one piece, instead of operator by operator.</summary>
internal interface ICyclesInOnePiece<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>Runs from a memory over all cycles of a chunk; null if that cannot be in one piece.</summary>
    /// <param name="chunk">The cycles.</param>
    /// <param name="rows">The trajectories, null = all.</param>
    /// <param name="memory">Their memory before the first.</param>
    /// <param name="time">The memory's time.</param>
    /// <param name="waiting">The number of cycles during which each trajectory is not yet charged, <c>[batch]</c>, null = none.</param>
    UnrolledCycles<TMemory>? Along(TrajectoryChunk chunk, Tensor? rows, TMemory memory, double time, Tensor? waiting);

    /// <summary>Computes the gradient of the loss of the last <see cref="Along"/> into that of each parameter that learns.</summary>
    void BackPropagate(Tensor loss);
}
