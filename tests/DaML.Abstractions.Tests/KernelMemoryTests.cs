using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class KernelMemoryTests
{
    [Fact]
    public void Kernels_take_what_is_in_one_precision_and_is_not_tracked()
    {
        using var scope = NewDisposeScope();
        Tensor doubles = ones(3, dtype: ScalarType.Float64), singles = ones(3, dtype: ScalarType.Float32),
            whole = ones(3, dtype: ScalarType.Int64);
        var tracked = doubles.clone().requires_grad_();
        Assert.True(KernelMemory.Serves(doubles, doubles) && KernelMemory.Serves(singles) && KernelMemory.Holds(doubles, tracked));
        Assert.False(KernelMemory.Holds(doubles, singles) || KernelMemory.Holds(whole));
        Assert.False(KernelMemory.Serves(tracked) || KernelMemory.Serves(doubles, tracked));
        using var noGradients = no_grad();
        Assert.True(KernelMemory.Serves(doubles, tracked));
    }

    [Fact]
    public void Elements_are_those_of_the_tensor()
    {
        using var scope = NewDisposeScope();
        var tensor = arange(6, dtype: ScalarType.Float64).view(2, 3);
        Assert.Equal([0, 1, 2, 3, 4, 5], KernelMemory.Elements<double>(tensor).ToArray());
        KernelMemory.Elements<double>(tensor)[4] = -1;
        Assert.Equal(-1, tensor[1, 1].ToDouble());
        Assert.Equal([0, 3, 1, -1, 2, 5], KernelMemory.Elements<double>(KernelMemory.Contiguous(tensor.mT)).ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Every_piece_of_work_is_done_once_however_long_it_takes(int pieces)
    {
        foreach (double nanoseconds in new[] { 0, 10, 1e5, 1e9 })
        {
            var done = new int[pieces];
            SharedWork.ForEach(pieces, nanoseconds, (first, end) =>
            {
                for (long i = first; i < end; i++) Interlocked.Increment(ref done[i]);
            });
            Assert.All(done, times => Assert.Equal(1, times));
        }
    }

    [Fact]
    public void Threads_are_as_many_as_there_is_work_for()
    {
        Assert.Equal(1, SharedWork.Threads(1000, 100));
        Assert.Equal(1, SharedWork.Threads(1, 1e9));
        Assert.Equal(Math.Min(2, get_num_threads()), SharedWork.Threads(1000, 200));
        Assert.Equal(get_num_threads(), SharedWork.Threads(1_000_000, 1e9));
    }
}
