using System.Runtime.InteropServices;
using DaML.LibTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>An error says which operator failed and what it was given.</summary>
public class TensorErrorTests
{
    [Fact]
    public void Operator_shapes_and_types_are_named()
    {
        using var scope = NewDisposeScope();
        var e = Assert.Throws<TorchException>(() => ones(2, 3).matmul(ones(2, 3, dtype: float64)));
        Assert.IsAssignableFrom<ExternalException>(e);
        Assert.Equal("matmul", e.Operator);
        Assert.Contains("matmul(Float32[2, 3], Float64[2, 3])", e.Message);
        Assert.DoesNotContain("Exception raised from", e.Message);   // no C++ back-trace
    }

    [Fact]
    public void Lists_options_and_indices_are_named()
    {
        using var scope = NewDisposeScope();
        var e = Assert.Throws<TorchException>(() => cat([ones(2, 3), ones(4)], 1));
        Assert.Contains("cat([Float32[2, 3], Float32[4]], 1)", e.Message);
        e = Assert.Throws<TorchException>(() => ones(2, 3)[5, 0]);
        Assert.Contains("index(Float32[2, 3], [5, 0])", e.Message);
        e = Assert.Throws<TorchException>(() => ones(2, 3)[.., 0] = ones(5));
        Assert.Contains("Float32[5]", e.Message);
        e = Assert.Throws<TorchException>(() => linalg.cholesky(-eye(2)));
        Assert.Contains("linalg_cholesky(Float32[2, 2])", e.Message);
        Assert.Contains("not positive-definite", e.Message);
    }

    [Fact]
    public void An_operator_this_libtorch_lacks_is_named()
    {
        var e = Assert.Throws<TorchException>(() => Ops.Call("no_such_operator", 1));
        Assert.Contains("no_such_operator", e.Message);
        Assert.False(Ops.Exists("no_such_operator"));
        Assert.True(Ops.Exists("add.Tensor"));
    }

    [Fact]
    public void A_disposed_tensor_is_refused()
    {
        var t = ones(2);
        t.Dispose();
        Assert.Throws<InvalidOperationException>(() => t + 1);
        using var u = ones(2);
        Assert.Throws<InvalidOperationException>(() => u + t);
    }

    [Fact]
    public void Numbers_of_the_wrong_type_or_count_are_refused()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => ones(1).item<double>());
        Assert.Throws<ArgumentException>(() => ones(2).item<float>());
        Assert.Throws<ArgumentException>(() => ones(2).data<long>());
        Assert.Throws<ArgumentException>(() => tensor(new double[3], [2, 2]));
        Assert.Throws<NotImplementedException>(() => { _ = ones(2, 3).T.bytes.Length; });
        Assert.Throws<ArgumentException>(() => device("gpu"));
    }

    [Fact]
    public void An_error_costs_little()
    {
        using var scope = NewDisposeScope();
        var a = ones(2);
        var b = ones(3);
        Fail();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        for (var i = 0; i < 50; i++) Fail();
        Assert.True(watch.Elapsed.TotalMilliseconds / 50 < 10, $"{watch.Elapsed.TotalMilliseconds / 50:F1} ms an error");

        void Fail() => Assert.Throws<TorchException>(() => a + b);
    }
}
