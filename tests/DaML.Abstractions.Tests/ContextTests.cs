using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public class ContextTests
{
    [Theory, InlineData("gpu"), InlineData(""), InlineData("cuda:"), InlineData("cuda:-1"), InlineData("cuda:x"), InlineData("CPU")]
    public void An_unknown_kind_of_device_is_refused_by_name(string device)
    {
        var refused = Assert.Throws<ArgumentException>(() => new DataAssimilationContext(new DataAssimilationOptions { Device = device }));
        Assert.Contains($"'{device}'", refused.Message);
    }

    [Fact]
    public void A_device_that_is_not_there_is_refused_by_name()
    {
        var refused = Assert.Throws<DeviceNotAvailableException>(() =>
            new DataAssimilationContext(new DataAssimilationOptions { Device = "cuda:99" }));
        Assert.Contains("cuda:99", refused.Message);
        if (Devices.WhyNoCuda is { } reason) Assert.Contains(reason, refused.Message);
    }

    [Fact]
    public void What_is_missing_for_a_device_is_said_with_what_to_do()
    {
        Assert.Contains("build with -p:TorchDevice=cuda", Devices.Missing(["libtorch_cpu.so", "libc10.so"]));
        foreach (string library in (string[])["libtorch_cuda.so", "torch_cuda.dll"])
            Assert.Contains("nvidia-smi", Devices.Missing(["libtorch_cpu.so", library]));
    }

    [Theory, InlineData(ScalarType.Int64), InlineData(ScalarType.Float16), InlineData(ScalarType.Bool)]
    public void A_precision_that_is_neither_single_nor_double_is_refused(ScalarType precision)
    {
        Assert.Contains(precision.ToString(),
            Assert.Throws<ArgumentException>(() =>
                new DataAssimilationContext(new DataAssimilationOptions { Precision = precision })).Message);
        Assert.Throws<ArgumentException>(() => new DataAssimilationContext(new DataAssimilationOptions { NetworkPrecision = precision }));
    }

    [Fact]
    public void A_matrix_precision_that_the_processor_does_not_have_is_refused()
    {
        var refused = Assert.Throws<ArgumentException>(() =>
            new DataAssimilationContext(new DataAssimilationOptions { MatrixPrecision = MatrixPrecision.TensorFloat32 }));
        Assert.Contains("TensorFloat32", refused.Message);
        Assert.Contains("'cpu'", refused.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new DataAssimilationContext(new DataAssimilationOptions { MatrixPrecision = (MatrixPrecision)7 }));
    }

    [CudaFact]
    public void A_context_on_a_device_multiplies_in_full_precision_unless_told_otherwise()
    {
        using var scope = NewDisposeScope();
        _ = new DataAssimilationContext(new DataAssimilationOptions { Device = "cuda", MatrixPrecision = MatrixPrecision.TensorFloat32 });
        Assert.True(backends.cuda.matmul.allow_tf32 && backends.cudnn.allow_tf32);
        _ = new DataAssimilationContext(new DataAssimilationOptions { Device = "cuda" });
        Assert.False(backends.cuda.matmul.allow_tf32 || backends.cudnn.allow_tf32);
        var there = new Device(DeviceType.CUDA, 0);
        Tensor a = randn(256, 256), b = randn(256, 256);
        var exact = a.to(ScalarType.Float64).matmul(b.to(ScalarType.Float64));
        Assert.True((a.to(there).matmul(b.to(there)).cpu() - exact).abs().max().ToDouble() < 1e-4);
        Tensor x = randn(64, 40, 40), w = randn(40, 40, 5) / 14;
        var convolved = nn.functional.conv1d(x.to(ScalarType.Float64), w.to(ScalarType.Float64));
        Assert.True((nn.functional.conv1d(x.to(there), w.to(there)).cpu() - convolved).abs().max().ToDouble() < 1e-5);
    }

    [Fact]
    public void Classical_methods_compute_in_double_and_networks_in_single_precision_unless_told_otherwise()
    {
        var context = new DataAssimilationContext(3);
        Assert.Equal(ScalarType.Float64, context.Precision);
        Assert.Equal(ScalarType.Float32, context.Options.NetworkPrecision);
        Assert.Equal(DeviceType.CPU, context.Device.type);
        Assert.Equal(3, context.Options.Seed);
        Assert.Same(context, context.Data.Context);
    }

    [Theory]
    [InlineData(0, 1, 0.05, 20)]
    [InlineData(7.3, 7.3, 0.05, 0)]
    [InlineData(1e6, 1e6 + 0.05, 0.05, 1)]
    public void An_interval_counts_its_steps(double from, double to, double step, long expected) =>
        Assert.Equal(expected, new TimeInterval(from, to).Steps(step));

    [Theory, InlineData(0, 0.07, 0.05), InlineData(1, 0.95, 0.05), InlineData(0, double.NaN, 0.05),
        InlineData(0, double.PositiveInfinity, 0.05)]
    public void An_interval_that_is_no_whole_number_of_steps_is_refused(double from, double to, double step)
    {
        var refused = Assert.Throws<ArgumentException>(() => new TimeInterval(from, to).Steps(step));
        Assert.Contains("0.05", refused.Message);
    }

    [Fact]
    public void Bad_numbers_are_refused_by_name()
    {
        double inflation = -1;
        Assert.Contains("'inflation'", Assert.Throws<ArgumentOutOfRangeException>(() => Require.Positive(inflation)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => Require.Positive(0.0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Require.Positive(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => Require.Positive(double.PositiveInfinity));
        Assert.Throws<ArgumentOutOfRangeException>(() => Require.NotNegative(double.NaN));
        Assert.Equal(0, Require.NotNegative(0.0));
        long members = 1;
        Assert.Contains("'members' must be at least 2; given: 1",
            Assert.Throws<ArgumentOutOfRangeException>(() => Require.AtLeast(members, 2)).Message);
    }

    [Fact]
    public void Tensors_are_refused_with_both_shapes()
    {
        using var scope = NewDisposeScope();
        var refused = Assert.Throws<ArgumentException>(() => Require.LastDimension(zeros(3, 39), 40, "The state"));
        Assert.Contains("40", refused.Message);
        Assert.Contains("[3, 39]", refused.Message);
        Assert.Throws<ArgumentException>(() => Require.LastDimension(tensor(1.0), 1, "The state"));
        Assert.Contains("[any, 40]",
            Assert.Throws<ArgumentException>(() => Require.Shape(zeros(40), "The state", ColumnDefinition.AnySize, 40)).Message);
        foreach (double bad in (double[])[double.NaN, double.PositiveInfinity, double.NegativeInfinity])
            Assert.Contains("1 of its 3 values",
                Assert.Throws<ArgumentException>(() => Require.Finite(tensor([1, bad, 2]), "The observation")).Message);
    }

    [Fact]
    public void A_divergence_says_method_cycle_and_time()
    {
        var divergence = new DivergenceException("ETKF", 17, 0.85, double.NaN);
        Assert.Contains("ETKF diverged in cycle 17 (time 0.85)", divergence.Message);
        Assert.Equal(17, divergence.Cycle);
    }
}
