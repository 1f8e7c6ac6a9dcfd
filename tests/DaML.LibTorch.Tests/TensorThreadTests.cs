using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Defaults that apply to all threads, and tensors shared between them.</summary>
[Collection("the default generator")]
public class TensorThreadTests
{
    [Fact]
    public void Tensors_are_made_shared_and_forgotten_on_many_threads()
    {
        using var shared = ones(100, dtype: float64);
        var sums = new double[200];
        Parallel.For(0, sums.Length, i =>
        {
            using var scope = NewDisposeScope();
            sums[i] = (shared * i).sum().item<double>();
            _ = (shared + 1).DetachFromDisposeScope();   // left to the finalizer
        });
        for (var i = 0; i < sums.Length; i++) Assert.Equal(100.0 * i, sums[i]);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(100.0, shared.sum().item<double>());
    }

    [Fact]
    public void The_default_device_is_the_processor()
    {
        Assert.Equal(DeviceType.CPU, get_default_device().type);
        Assert.Equal(ScalarType.Float32, get_default_dtype());
        Assert.Throws<ArgumentException>(() => set_default_dtype(int64));
        set_default_dtype(float32);
        set_default_device("cpu");
        Assert.Equal("cpu", get_default_device().ToString());
    }
}
