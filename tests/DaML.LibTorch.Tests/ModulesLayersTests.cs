using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace DaML.Tests;

/// <summary>
/// Each layer's value against the same thing written out in plain operators, in single and double precision, and its
/// gradient, to input and weights, against central differences.
/// </summary>
public sealed class ModulesLayersTests
{
    private sealed record Layer(Func<nn.Module<Tensor, Tensor>> Make, long[] Shape, Func<nn.Module, Tensor, Tensor> Formula);

    private static Tensor W(nn.Module m) => m.get_parameter("weight")!;
    private static Tensor B(nn.Module m) => m.get_parameter("bias")!;

    private static readonly Dictionary<string, Layer> Layers = new()
    {
        ["Linear"] = new(() => nn.Linear(4, 3), [5, 4], (m, x) => x.matmul(W(m).t()) + B(m)),
        ["Linear, no bias, 3 dimensions"] = new(() => nn.Linear(4, 3, hasBias: false), [2, 5, 4], (m, x) => x.matmul(W(m).t())),

        ["Conv1d"] = new(() => nn.Conv1d(2, 4, 3), [3, 2, 9], (m, x) => Conv(x, W(m), B(m))),
        ["Conv1d, unbatched"] = new(() => nn.Conv1d(2, 4, 3), [2, 9], (m, x) => Conv(x.unsqueeze(0), W(m), B(m)).squeeze(0)),
        ["Conv1d, zeros"] = new(() => nn.Conv1d(2, 4, 5, padding: 2), [3, 2, 9], (m, x) => Conv(Zeros(x, 2), W(m), B(m))),
        ["Conv1d, circular"] = new(() => nn.Conv1d(2, 4, 5, padding: 2, padding_mode: PaddingModes.Circular), [3, 2, 9], (m, x) => Conv(Circular(x, 2), W(m), B(m))),
        ["Conv1d, reflected"] = new(() => nn.Conv1d(2, 4, 5, padding: 2, padding_mode: PaddingModes.Reflect), [3, 2, 9], (m, x) => Conv(Reflected(x, 2), W(m), B(m))),
        ["Conv1d, replicated"] = new(() => nn.Conv1d(2, 4, 5, padding: 2, padding_mode: PaddingModes.Replicate), [3, 2, 9], (m, x) => Conv(Replicated(x, 2), W(m), B(m))),
        ["Conv1d, same"] = new(() => nn.Conv1d(2, 4, 3, Padding.Same), [3, 2, 9], (m, x) => Conv(Zeros(x, 1), W(m), B(m))),
        ["Conv1d, same, circular"] = new(() => nn.Conv1d(2, 4, 5, Padding.Same, padding_mode: PaddingModes.Circular), [3, 2, 9], (m, x) => Conv(Circular(x, 2), W(m), B(m))),
        ["Conv1d, strided, dilated, grouped, no bias"] = new(() => nn.Conv1d(4, 6, 3, stride: 2, dilation: 2, groups: 2, bias: false), [3, 4, 11], (m, x) => Conv(x, W(m), null, 2, 2, 2)),

        ["Conv2d"] = new(() => nn.Conv2d(2, 3, 3, padding: 1), [2, 2, 5, 6], (m, x) => Conv2(Zeros(Zeros(x, 1).transpose(2, 3), 1).transpose(2, 3), W(m), B(m))),
        ["Conv2d, circular, oblong"] = new(() => nn.Conv2d(2, 3, (3L, 5L), padding: (1L, 2L), padding_mode: PaddingModes.Circular), [2, 2, 5, 6], (m, x) => Conv2(Circular(Circular(x, 2).transpose(2, 3), 1).transpose(2, 3), W(m), B(m))),
        ["Conv2d, same"] = new(() => nn.Conv2d(2, 3, (1L, 3L), Padding.Same), [2, 2, 5, 6], (m, x) => Conv2(Zeros(x, 1), W(m), B(m))),

        ["BatchNorm1d"] = new(() => nn.BatchNorm1d(3), [6, 3, 4], (m, x) => Normal(x, [0, 2]) * W(m).view(-1, 1) + B(m).view(-1, 1)),
        ["BatchNorm1d, 2 dimensions, not affine"] = new(() => nn.BatchNorm1d(3, affine: false), [6, 3], (m, x) => Normal(x, [0])),
        ["BatchNorm2d"] = new(() => nn.BatchNorm2d(3), [4, 3, 2, 5], (m, x) => Normal(x, [0, 2, 3]) * W(m).view(-1, 1, 1) + B(m).view(-1, 1, 1)),
        ["LayerNorm"] = new(() => nn.LayerNorm(5), [3, 4, 5], (m, x) => Normal(x, [2]) * W(m) + B(m)),
        ["LayerNorm, 2 dimensions"] = new(() => nn.LayerNorm([4, 5]), [3, 4, 5], (m, x) => Normal(x, [1, 2]) * W(m) + B(m)),
        ["LayerNorm, no affine"] = new(() => nn.LayerNorm(5, elementwise_affine: false), [3, 5], (m, x) => Normal(x, [1])),
        ["GroupNorm"] = new(() => nn.GroupNorm(2, 4), [3, 4, 5], (m, x) => Normal(x.view(3, 2, 2, 5), [2, 3]).view(3, 4, 5) * W(m).view(-1, 1) + B(m).view(-1, 1)),

        ["ReLU"] = new(() => nn.ReLU(), [4, 5], (_, x) => x * (x > 0)),
        ["LeakyReLU"] = new(() => nn.LeakyReLU(0.2), [4, 5], (_, x) => torch.where(x > 0, x, 0.2 * x)),
        ["ELU"] = new(() => nn.ELU(1.5), [4, 5], (_, x) => torch.where(x > 0, x, 1.5 * (x.exp() - 1))),
        ["SELU"] = new(() => nn.SELU(), [4, 5], (_, x) => 1.0507009873554805 * torch.where(x > 0, x, 1.6732632423543772 * (x.exp() - 1))),
        ["GELU"] = new(() => nn.GELU(), [4, 5], (_, x) => x * (1 + (x / Math.Sqrt(2)).erf()) / 2),
        ["GELU, tanh"] = new(() => nn.GELU(GELU.Approximate.tanh), [4, 5], (_, x) => 0.5 * x * (1 + (Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x.pow(3))).tanh())),
        ["SiLU"] = new(() => nn.SiLU(), [4, 5], (_, x) => x / (1 + (-x).exp())),
        ["Mish"] = new(() => nn.Mish(), [4, 5], (_, x) => x * (1 + x.exp()).log().tanh()),
        ["Tanh"] = new(() => nn.Tanh(), [4, 5], (_, x) => (x.exp() - (-x).exp()) / (x.exp() + (-x).exp())),
        ["Sigmoid"] = new(() => nn.Sigmoid(), [4, 5], (_, x) => 1 / (1 + (-x).exp())),
        ["LogSigmoid"] = new(() => nn.LogSigmoid(), [4, 5], (_, x) => -(1 + (-x).exp()).log()),
        ["Softplus"] = new(() => nn.Softplus(2), [4, 5], (_, x) => (1 + (2 * x).exp()).log() / 2),
        ["Softmax"] = new(() => nn.Softmax(1), [4, 5], (_, x) => x.exp() / x.exp().sum(1, keepdim: true)),
        ["LogSoftmax"] = new(() => nn.LogSoftmax(0), [4, 5], (_, x) => x - x.exp().sum(0, keepdim: true).log()),

        ["Identity"] = new(() => nn.Identity(), [4, 5], (_, x) => x.clone()),
        ["Flatten"] = new(() => nn.Flatten(), [4, 5, 2], (_, x) => x.reshape(4, 10)),
        ["Unflatten"] = new(() => nn.Unflatten(1, [5, 2]), [4, 10], (_, x) => x.reshape(4, 5, 2)),

        ["MaxPool1d"] = new(() => nn.MaxPool1d(2), [2, 3, 8], (_, x) => x.unfold(2, 2, 2).amax([-1], false)),
        ["MaxPool1d, strided"] = new(() => nn.MaxPool1d(3, stride: 1), [2, 3, 8], (_, x) => x.unfold(2, 3, 1).amax([-1], false)),
        ["MaxPool2d"] = new(() => nn.MaxPool2d(2), [2, 3, 4, 6], (_, x) => x.unfold(2, 2, 2).unfold(3, 2, 2).amax([-1, -2], false)),
        ["AvgPool1d"] = new(() => nn.AvgPool1d(2), [2, 3, 8], (_, x) => x.unfold(2, 2, 2).mean([-1])),
        ["AvgPool1d, padded"] = new(() => nn.AvgPool1d(3, stride: 1, padding: 1), [2, 3, 8], (_, x) => Zeros(x, 1).unfold(2, 3, 1).mean([-1])),
        ["AvgPool2d"] = new(() => nn.AvgPool2d((2L, 3L)), [2, 3, 4, 6], (_, x) => x.unfold(2, 2, 2).unfold(3, 3, 3).mean([-1, -2])),
        ["AdaptiveAvgPool1d"] = new(() => nn.AdaptiveAvgPool1d(2), [2, 3, 8], (_, x) => x.unfold(2, 4, 4).mean([-1])),
        ["AdaptiveAvgPool2d"] = new(() => nn.AdaptiveAvgPool2d((2L, 3L)), [2, 3, 4, 6], (_, x) => x.unfold(2, 2, 2).unfold(3, 2, 2).mean([-1, -2])),
        ["AdaptiveMaxPool1d"] = new(() => nn.AdaptiveMaxPool1d(2), [2, 3, 8], (_, x) => x.unfold(2, 4, 4).amax([-1], false)),

        ["Upsample"] = new(() => nn.Upsample(scale_factor: [2]), [2, 3, 4], (_, x) => x.repeat_interleave(2, 2)),
        ["Upsample, 2 dimensions, one factor"] = new(() => nn.Upsample(scale_factor: [2]), [2, 3, 4, 5], (_, x) => x.repeat_interleave(2, 2).repeat_interleave(2, 3)),
        ["Upsample, linear, to the corners"] = new(() => nn.Upsample(size: [7], mode: UpsampleMode.Linear, align_corners: true), [2, 3, 4], (_, x) => x.matmul(Hats(4, 7).to(x.dtype))),
        ["Upsample, bilinear, to the corners"] = new(() => nn.Upsample(size: [7, 9], mode: UpsampleMode.Bilinear, align_corners: true), [2, 3, 4, 5], (_, x) => Hats(4, 7).t().to(x.dtype).matmul(x).matmul(Hats(5, 9).to(x.dtype))),

        ["ConstantPad1d"] = new(() => nn.ConstantPad1d((1L, 2L), 7), [2, 3, 4], (_, x) => cat([full_like(x.narrow(2, 0, 1), 7), x, full_like(x.narrow(2, 0, 2), 7)], 2)),
        ["ZeroPad2d"] = new(() => nn.ZeroPad2d(1), [2, 3, 4, 5], (_, x) => Zeros(Zeros(x, 1).transpose(2, 3), 1).transpose(2, 3)),
        ["ReflectionPad1d"] = new(() => nn.ReflectionPad1d(2), [2, 3, 4], (_, x) => Reflected(x, 2)),
        ["ReplicationPad1d"] = new(() => nn.ReplicationPad1d(2), [2, 3, 4], (_, x) => Replicated(x, 2)),
        ["ReplicationPad2d"] = new(() => nn.ReplicationPad2d(1), [2, 3, 4, 5], (_, x) => Replicated(Replicated(x, 1).transpose(2, 3), 1).transpose(2, 3)),

        ["Sequential"] = new(() => nn.Sequential(nn.Linear(4, 6), nn.Mish(), nn.Identity(), nn.Linear(6, 2)), [5, 4], (m, x) =>
        {
            var h = x.matmul(m.get_parameter("0.weight")!.t()) + m.get_parameter("0.bias")!;
            return (h * (1 + h.exp()).log().tanh()).matmul(m.get_parameter("3.weight")!.t()) + m.get_parameter("3.bias")!;
        }),
    };

    public static TheoryData<string> Names => [.. Layers.Keys];

    // ---- the same things by hand ----

    private static Tensor Zeros(Tensor x, long p)
    {
        var z = zeros_like(x.narrow(-1, 0, p));
        return cat([z, x, z], -1);
    }

    private static Tensor Circular(Tensor x, long p) => cat([x.narrow(-1, x.shape[^1] - p, p), x, x.narrow(-1, 0, p)], -1);
    private static Tensor Reflected(Tensor x, long p) => cat([x.narrow(-1, 1, p).flip(-1), x, x.narrow(-1, x.shape[^1] - 1 - p, p).flip(-1)], -1);

    private static Tensor Replicated(Tensor x, long p) =>
        cat([x.narrow(-1, 0, 1).repeat_interleave(p, -1), x, x.narrow(-1, x.shape[^1] - 1, 1).repeat_interleave(p, -1)], -1);

    // y[n, o, l] = b[o] + sum over i, k of w[o, i, k] x[n, i, stride l + dilation k]
    private static Tensor Conv(Tensor x, Tensor w, Tensor? b, long stride = 1, long dilation = 1, long groups = 1)
    {
        var kernel = w.shape[2];
        var length = (x.shape[2] - dilation * (kernel - 1) - 1) / stride + 1;
        var inputs = x.chunk(groups, 1);
        var weights = w.chunk(groups, 0);
        var parts = new List<Tensor>();
        for (var g = 0; g < groups; g++)
        {
            Tensor? sum = null;
            for (var k = 0L; k < kernel; k++)
            {
                var shifted = inputs[g].slice(2, k * dilation, k * dilation + stride * (length - 1) + 1, stride);
                var term = einsum("oi,nil->nol", [weights[g].select(2, k), shifted]);
                sum = sum is null ? term : sum + term;
            }
            parts.Add(sum!);
        }
        var y = cat(parts.ToArray(), 1);
        return b is null ? y : y + b.view(-1, 1);
    }

    private static Tensor Conv2(Tensor x, Tensor w, Tensor b)
    {
        long h = x.shape[2] - w.shape[2] + 1, l = x.shape[3] - w.shape[3] + 1;
        Tensor y = b.view(-1, 1, 1);
        for (var i = 0L; i < w.shape[2]; i++)
            for (var j = 0L; j < w.shape[3]; j++)
                y = y + einsum("oi,nihl->nohl", [w.select(3, j).select(2, i), x.narrow(2, i, h).narrow(3, j, l)]);
        return y;
    }

    private static Tensor Normal(Tensor x, long[] over)
    {
        var mean = x.mean(over, keepdim: true);
        var variance = (x - mean).square().mean(over, keepdim: true);
        return (x - mean) / (variance + 1e-5).sqrt();
    }

    // Piecewise linear interpolation as a matrix.
    private static Tensor Hats(long from, long to)
    {
        var place = linspace(0, from - 1, to, dtype: ScalarType.Float64);
        var node = arange(from, dtype: ScalarType.Float64).unsqueeze(1);
        return (1 - (place - node).abs()).clamp_min(0);
    }

    private static nn.Module<Tensor, Tensor> Made(Layer layer, ScalarType type)
    {
        manual_seed(7);
        var m = layer.Make().@double();
        // Ones and zeros, as norms begin with, would hide a mistake.
        using (no_grad())
            foreach (var p in m.parameters()) p.normal_(0.3, 0.8);
        return m.to(type);
    }

    private static Tensor Input(Layer layer, ScalarType type)
    {
        manual_seed(11);
        return randn(layer.Shape, dtype: ScalarType.Float64).to(type);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Value_is_that_of_the_formula(string name)
    {
        foreach (var (type, tolerance) in new[] { (ScalarType.Float64, 1e-11), (ScalarType.Float32, 2e-5) })
        {
            using var scope = NewDisposeScope();
            var layer = Layers[name];
            using var m = Made(layer, type);
            var x = Input(layer, type);
            var y = m.call(x);
            Assert.Equal(type, y.dtype);
            var expected = layer.Formula(m, x);
            Assert.Equal(expected.shape, y.shape);
            Assert.True(y.allclose(expected, tolerance, tolerance), $"{type}: largest difference {(y - expected).abs().max().ToDouble()}");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradient_is_that_of_central_differences(string name)
    {
        using var scope = NewDisposeScope();
        var layer = Layers[name];
        using var m = Made(layer, ScalarType.Float64);
        var x = Input(layer, ScalarType.Float64).requires_grad_();
        manual_seed(5);
        var weights = randn_like(m.call(x));
        Tensor Loss(Tensor at) => (m.call(at) * weights).sum();

        Loss(x).backward();
        Gradients.Check(x, x.grad!, () => Loss(x));
        foreach (var (parameter, p) in m.named_parameters()) Gradients.Check(p, p.grad!, () => Loss(x), parameter);

        // Single precision takes the same way.
        using var single = Made(layer, ScalarType.Float32);
        var xs = Input(layer, ScalarType.Float32).requires_grad_();
        (single.call(xs) * weights.@float()).sum().backward();
        Assert.True(xs.grad!.@double().allclose(x.grad!, 1e-3, 1e-4));
    }

    // ---- transposed convolutions: the adjoint of the convolution ----

    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(2, 1, 1)]
    [InlineData(2, 1, 2)]
    public void Transposed_convolution_is_the_adjoint(long stride, long padding, long dilation)
    {
        using var scope = NewDisposeScope();
        var t = nn.ConvTranspose1d(3, 2, 3, stride: stride, padding: padding, dilation: dilation, bias: false, dtype: float64);
        var y = randn(4, 3, 5, dtype: float64);
        var up = t.call(y);
        var x = randn_like(up);
        var down = F.conv1d(x, t.weight, null, stride, padding, dilation);
        Assert.Equal((up * x).sum().ToDouble(), (y * down).sum().ToDouble(), 1e-10);

        var t2 = nn.ConvTranspose2d(3, 2, (3L, 2L), stride: (stride, stride), padding: (padding, padding), dilation: (dilation, dilation), bias: true, dtype: float64);
        var y2 = randn(4, 3, 5, 6, dtype: float64);
        var up2 = t2.call(y2) - t2.bias!.view(-1, 1, 1);
        var x2 = randn_like(up2);
        var down2 = F.conv2d(x2, t2.weight, null, [stride, stride], [padding, padding], [dilation, dilation]);
        Assert.Equal((up2 * x2).sum().ToDouble(), (y2 * down2).sum().ToDouble(), 1e-9);
    }

    [Fact]
    public void Transposed_convolution_reaches_an_output_size()
    {
        using var scope = NewDisposeScope();
        var t = nn.ConvTranspose2d(1, 1, 3, stride: 2, padding: 1);
        var x = randn(1, 1, 4, 4);
        Assert.Equal([1, 1, 7, 7], t.call(x).shape);
        Assert.Equal([1, 1, 8, 7], t.forward(x, [8, 7]).shape);
        Assert.Throws<ArgumentException>(() => t.forward(x, [9, 7]));
    }

    // ---- batch norm's memory ----

    [Theory]
    [InlineData(ScalarType.Float32, 1e-5)]
    [InlineData(ScalarType.Float64, 1e-12)]
    public void Batch_norm_tracks_mean_and_unbiased_variance(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var bn = nn.BatchNorm1d(3, momentum: 0.25).to(type);
        var mean = zeros(3, dtype: float64);
        var variance = ones(3, dtype: float64);
        for (var i = 0; i < 4; i++)
        {
            var x = randn(5, 3, 7, dtype: type) * 2 + 1;
            bn.call(x);
            var flat = x.@double().transpose(0, 1).reshape(3, -1);
            mean = 0.75 * mean + 0.25 * flat.mean([1]);
            variance = 0.75 * variance + 0.25 * flat.var(1, unbiased: true);
        }
        Assert.True(bn.running_mean!.@double().allclose(mean, tolerance, tolerance));
        Assert.True(bn.running_var!.@double().allclose(variance, tolerance, tolerance));
        Assert.Equal(4, bn.num_batches_tracked!.ToInt64());
        Assert.Equal(ScalarType.Int64, bn.num_batches_tracked!.dtype);

        bn.eval();
        var y = randn(2, 3, 4, dtype: type);
        var expected = (y - bn.running_mean!.view(-1, 1)) / (bn.running_var!.view(-1, 1) + 1e-5).sqrt();
        Assert.True(bn.call(y).allclose(expected, tolerance, tolerance));
        Assert.Equal(4, bn.num_batches_tracked!.ToInt64());

        bn.reset_running_stats();
        Assert.Equal(0, bn.num_batches_tracked!.ToInt64());
        Assert.Equal(3.0, bn.running_var!.sum().ToDouble());
    }

    [Fact]
    public void Batch_norm_that_tracks_nothing_uses_the_batch_when_evaluating_too()
    {
        using var scope = NewDisposeScope();
        using var bn = nn.BatchNorm1d(3, track_running_stats: false);
        bn.eval();
        var x = randn(8, 3) * 3 + 2;
        Assert.True(bn.call(x).allclose(Normal(x, [0]), 1e-5, 1e-5));
        Assert.Empty(bn.buffers());
    }

    // ---- dropout ----

    [Fact]
    public void Dropout_keeps_the_expectation_and_rests_when_evaluating()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var d = nn.Dropout(0.25);
        var x = ones(100_000);
        var y = d.call(x);
        var kept = y[y > 0];
        Assert.True(kept.allclose(ones_like(kept) / 0.75));
        Assert.InRange(kept.numel() / 1e5, 0.74, 0.76);
        d.eval();
        Assert.True(d.call(x).equal(x).all().ToBoolean());

        var d2 = nn.Dropout2d(0.5);
        var z = d2.call(ones(20, 10, 3, 3));
        Assert.True((z.amax([2, 3], false) == z.amin([2, 3], false)).all().ToBoolean());
    }

    [Fact]
    public void In_place_activations_change_their_argument()
    {
        using var scope = NewDisposeScope();
        foreach (var m in new nn.Module<Tensor, Tensor>[] { nn.ReLU(true), nn.Mish(true), nn.Tanh(true), nn.Sigmoid(true), nn.SiLU(true), nn.LeakyReLU(inplace: true), nn.ELU(inplace: true), nn.GELU(true) })
        {
            var x = randn(10);
            var y = m.call(x);
            Assert.True(x.equal(y).all().ToBoolean(), m.GetName());
        }
    }

    [Fact]
    public void Embedding_looks_up_rows_and_gathers_their_gradients()
    {
        using var scope = NewDisposeScope();
        var e = nn.Embedding(5, 3, padding_idx: 0, dtype: float64);
        Assert.Equal(0.0, e.weight![0].abs().sum().ToDouble());
        var index = tensor([1L, 3L, 1L, 0L]);
        var y = e.call(index);
        Assert.True(y.allclose(e.weight.index_select(0, index)));
        y.sum().backward();
        Assert.Equal([0.0, 2.0, 0.0, 1.0, 0.0], e.weight.grad!.select(1, 0).data<double>().ToArray());
        var fixedTable = nn.Embedding_from_pretrained(randn(4, 2));
        Assert.False(fixedTable.weight!.requires_grad);
    }

    // ---- refusals and initial values ----

    [Fact]
    public void Inputs_of_the_wrong_shape_are_refused_by_name()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("Conv1d needs [N, 2, L]", Assert.Throws<ArgumentException>(() => nn.Conv1d(2, 3, 3).call(randn(4, 3, 9))).Message);
        Assert.Contains("[4, 3, 9, 9]", Assert.Throws<ArgumentException>(() => nn.Conv2d(2, 3, 3).call(randn(4, 3, 9, 9))).Message);
        Assert.Contains("BatchNorm2d", Assert.Throws<ArgumentException>(() => nn.BatchNorm2d(2).call(randn(4, 2, 9))).Message);
        Assert.Contains("LSTM needs [time, batch, 3]", Assert.Throws<ArgumentException>(() => nn.LSTM(3, 2).call(randn(4, 2, 9))).Message);
        Assert.Throws<ArgumentException>(() => nn.Conv1d(3, 4, 3, groups: 2));
        Assert.Throws<ArgumentException>(() => nn.GroupNorm(3, 4));
    }

    [Fact]
    public void Initial_weights_have_PyTorchs_bounds()
    {
        using var scope = NewDisposeScope();
        manual_seed(0);
        foreach (var (m, fanIn) in new (nn.Module, double)[] { (nn.Linear(50, 400), 50), (nn.Conv1d(10, 400, 5), 50), (nn.Conv2d(5, 200, (2L, 5L)), 50), (nn.Conv1d(20, 400, 5, groups: 2), 50) })
        {
            var bound = 1 / Math.Sqrt(fanIn);
            foreach (var p in m.parameters())
            {
                Assert.InRange(p.abs().max().ToDouble(), 0.95 * bound, bound);
                Assert.InRange(p.mean().ToDouble(), -0.2 * bound, 0.2 * bound);
            }
        }
    }
}

/// <summary>Gradients held against central differences.</summary>
internal static class Gradients
{
    internal static void Check(Tensor at, Tensor gradient, Func<Tensor> loss, string what = "input", double tolerance = 1e-6)
    {
        const double h = 1e-5;
        using var unrecorded = no_grad();
        using var data = at.detach();
        var cells = data.bytes;
        var n = (int)at.numel();
        var numbers = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(cells);
        var analytic = gradient.contiguous().data<double>().ToArray();
        for (var i = 0; i < n; i++)
        {
            var kept = numbers[i];
            numbers[i] = kept + h;
            var up = loss().ToDouble();
            numbers[i] = kept - h;
            var down = loss().ToDouble();
            numbers[i] = kept;
            var difference = (up - down) / (2 * h);
            Assert.True(Math.Abs(difference - analytic[i]) <= tolerance * (1 + Math.Abs(difference)), $"{what}[{i}]: gradient {analytic[i]}, central difference {difference}");
        }
    }
}
