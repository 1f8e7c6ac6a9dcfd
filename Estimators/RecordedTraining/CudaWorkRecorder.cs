#if DAML_LIBTORCH
using DaML.LibTorch;

namespace DaML;

/// <summary>A CUDA graph.</summary>
internal sealed class CudaWorkRecorder(int device) : IWorkRecorder
{
    private readonly CudaGraph graph = new(device);

    public void Rehearse(Action work) => graph.Rehearse(work);

    public void Record(Action work) => graph.Record(work);

    public void Replay() => graph.Replay();

    public void Dispose() => graph.Dispose();
}
#endif
