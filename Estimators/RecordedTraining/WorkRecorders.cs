using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Who records the optimiser steps of a training, where anybody can.</summary>
internal static class WorkRecorders
{
    /// <summary>A recorder, or the reason why there is none.</summary>
    /// <param name="asked">What the training's options ask for.</param>
    /// <param name="device">Where it computes.</param>
    public static (IWorkRecorder? Recorder, string Execution) For(StepExecution asked, Device device)
    {
        if (asked == StepExecution.Eager) return (null, "operator by operator, as asked");
        if (device.type != DeviceType.CUDA) return (null, "operator by operator: they are recorded on CUDA devices");
#if DAML_LIBTORCH
        return LibTorch.CudaGraph.IsSupported ? (new CudaWorkRecorder(device.index), "") : (null, "operator by operator: the binding was compiled without CUDA's headers");
#else
        return (null, "operator by operator: they are recorded with DaML's own binding to libtorch");
#endif
    }
}
