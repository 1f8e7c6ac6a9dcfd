using DaML.LibTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The device: there, or refused with a reason.</summary>
public class CudaTests
{
    [Fact]
    public void Where_there_is_no_device_it_says_so()
    {
        Assert.Equal(cuda.device_count() > 0, cuda_is_available());
        Assert.Equal(cuda_is_available(), TryInitializeDeviceType(DeviceType.CUDA));
        Assert.Equal(DeviceType.CPU, InitializeDevice(null).type);
        if (cuda.is_available()) return;
        Assert.Null(CudaMemory.Of());
        Assert.Throws<InvalidOperationException>(() => InitializeDeviceType(DeviceType.CUDA));
        using var a = ones(2);
        Assert.Throws<InvalidOperationException>(() => a.cuda());
        Assert.Throws<InvalidOperationException>(() => device("cuda"));
        Assert.Throws<InvalidOperationException>(() => CUDA);
        Assert.Throws<InvalidOperationException>(() => ones(2, device: new Device("cuda")));
        Assert.Throws<TorchException>(() => cuda.synchronize());
        cuda.manual_seed_all(1);
    }

    [CudaFact]
    public void Tensors_go_there_and_come_back()
    {
        using var scope = NewDisposeScope();
        var a = randn(64, 64, dtype: float64);
        var b = a.cuda();
        Assert.True(b.is_cuda);
        Assert.Equal("cuda:0", b.device.ToString());
        Assert.True(b.matmul(b).cpu().allclose(a.matmul(a)));
        Assert.Equal(a[0, 0].item<double>(), b[0, 0].item<double>());
        Assert.Equal(a[0].data<double>().ToArray(), b[0].data<double>().ToArray());
        Assert.True(ones(2, device: CUDA).is_cuda);
        Assert.True(tensor([1.0], device: "cuda").is_cuda);
        cuda.synchronize();
    }

    [CudaFact]
    public void The_same_seed_gives_the_same_numbers()
    {
        using var scope = NewDisposeScope();
        using var g = new Generator(9, CUDA);
        var a = randn([1000], device: CUDA, generator: g);
        var state = g.get_state();
        var b = randn([1000], device: CUDA, generator: g);
        g.set_state(state);
        Assert.True(b.Equals(randn([1000], device: CUDA, generator: g)));
        Assert.True(a.Equals(randn([1000], device: CUDA, generator: new Generator(9, CUDA))));
        manual_seed(4);
        var c = randn([10], device: CUDA);
        manual_seed(4);
        Assert.True(c.Equals(randn([10], device: CUDA)));
    }

    [CudaFact]
    public void Gradients_factorisations_transforms_and_custom_functions()
    {
        using var scope = NewDisposeScope();
        var x = randn(8, 8, dtype: float64);
        var here = x.clone().requires_grad_();
        var there = x.cuda().requires_grad_();
        foreach (var t in (Tensor[])[here, there])
        {
            var s = t.matmul(t.mT) + eye(8, dtype: float64, device: t.device);
            var loss = linalg.eigvalsh(s).log().sum() + linalg.cholesky(s).sum() + fft.rfft(t).abs().sum() + AutogradFunctionTests.Cube.apply(t).sum();
            loss.backward();
        }
        Assert.True(there.grad!.cpu().allclose(here.grad!, 1e-7, 1e-8));
        var e = Assert.Throws<FormatException>(() => AutogradFunctionTests.Throws.apply(there).sum().backward());
        Assert.Same(AutogradFunctionTests.Throws.What, e);
    }

    [CudaFact]
    public void Memory_is_given_back()
    {
        using (NewDisposeScope())
        {
            var t = ones(1 << 22, device: CUDA);
            if (CudaMemory.Of() is { } m) Assert.True(m.Allocated >= 16 << 20);
        }
        CudaMemory.EmptyCache();
        CudaMemory.ResetPeaks();
        if (CudaMemory.Of() is { } after) Assert.True(after.PeakAllocated <= after.Reserved);
        // forgotten tensors do not fill the device
        for (var i = 0; i < 400; i++) _ = ones(1 << 28, device: CUDA);
    }
}
