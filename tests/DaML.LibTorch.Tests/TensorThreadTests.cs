using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The number of threads, defaults that apply to all of them, and tensors shared between them.</summary>
[Collection("the default generator")]
public class TensorThreadTests
{
    [Fact]
    public void The_thread_count_is_the_machines_unless_said_otherwise()
    {
        var before = get_num_threads();
        if (Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null) Assert.Equal(Environment.ProcessorCount, before);
        set_num_threads(1);
        Assert.Equal(1, get_num_threads());
        set_num_threads(before);
        Assert.True(get_num_interop_threads() >= 1);
    }

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
