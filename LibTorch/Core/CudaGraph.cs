using static TorchSharp.torch;

namespace DaML.LibTorch;

/// <summary>
/// Work of a CUDA device that is recorded once and then played again by a single call (a CUDA graph, as PyTorch's
/// <c>torch.cuda.CUDAGraph</c>): what would be thousands of launches costs one. Playing repeats the same kernels on the same
/// addresses, so the work must read what changes from tensors that stay, write its results into tensors that stay, and
/// neither ask for a value on the host nor draw from a generator.
/// </summary>
public sealed unsafe class CudaGraph : IDisposable
{
    private nint handle;

    /// <summary>Makes an empty recording.</summary>
    /// <param name="device">The device's number.</param>
    /// <exception cref="NotSupportedException">This libtorch, or this build of the binding, cannot record.</exception>
    public CudaGraph(int device = 0)
    {
        if (!IsSupported) throw new NotSupportedException("Work is recorded on CUDA devices only, by a binding that was compiled with CUDA's headers.");
        nint created;
        Throw.IfFailed(Native.daml_cuda_graph_create(device, &created));
        handle = created;
    }

    /// <summary>The recording goes with its last reference, and its memory pool with it.</summary>
    ~CudaGraph() => Free();

    /// <summary>Whether there is a device, and a binding that can record its work.</summary>
    public static bool IsSupported => cuda.is_available() && Native.daml_cuda_graphs() != 0;

    /// <summary>Does work on the stream on which it would be recorded, and waits for it: a rehearsal, in which libraries and caches get ready there.</summary>
    public void Rehearse(Action work) => OnSideStream(work);

    /// <summary>Records work, without doing it. Its temporary tensors live in a pool of the recording's own.</summary>
    /// <exception cref="TorchException">Something in it cannot be recorded; nothing was done then, and this object is of no more use.</exception>
    public void Record(Action work)
    {
        // What finalizers would give back while a recording is under way is given back before.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        OnSideStream(() =>
        {
            Throw.IfFailed(Native.daml_cuda_graph_begin(handle));
            try { work(); }
            catch
            {
                _ = Native.daml_cuda_graph_end(handle);   // it fails too, for the same reason, and takes the stream out of recording
                throw;
            }
            Throw.IfFailed(Native.daml_cuda_graph_end(handle));
        });
    }

    /// <summary>Does what was recorded, without waiting for it.</summary>
    public void Replay()
    {
        ObjectDisposedException.ThrowIf(handle == 0, this);
        Throw.IfFailed(Native.daml_cuda_graph_replay(handle));
        GC.KeepAlive(this);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void OnSideStream(Action work)
    {
        ObjectDisposedException.ThrowIf(handle == 0, this);
        Throw.IfFailed(Native.daml_cuda_graph_enter(handle));
        try { work(); }
        finally { _ = Native.daml_cuda_graph_leave(handle); }
        GC.KeepAlive(this);
    }

    private void Free()
    {
        if (Interlocked.Exchange(ref handle, 0) is var owned and not 0) Native.daml_cuda_graph_free(owned);
    }
}
