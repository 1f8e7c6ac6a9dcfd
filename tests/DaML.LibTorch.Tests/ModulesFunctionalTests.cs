using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace DaML.Tests;

/// <summary>Losses, interpolation, initial values, and the helpers for training, against their definitions.</summary>
public sealed class ModulesFunctionalTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    private static readonly Dictionary<string, (Func<nn.Reduction, nn.Module<Tensor, Tensor, Tensor>> Make, Func<Tensor, Tensor, Tensor> Formula)> Losses = new()
    {
        ["MSE"] = (r => nn.MSELoss(r), (x, t) => (x - t).square()),
        ["L1"] = (r => nn.L1Loss(r), (x, t) => (x - t).abs()),
        ["Huber"] = (r => nn.HuberLoss(0.7, r), (x, t) => torch.where((x - t).abs() < 0.7, (x - t).square() / 2, 0.7 * ((x - t).abs() - 0.35))),
        ["SmoothL1"] = (r => nn.SmoothL1Loss(r, 0.7), (x, t) => torch.where((x - t).abs() < 0.7, (x - t).square() / 1.4, (x - t).abs() - 0.35)),
        ["BCE with logits"] = (r => nn.BCEWithLogitsLoss(reduction: r), (x, t) => -(t * x.sigmoid().log() + (1 - t) * (1 - x.sigmoid()).log())),
        ["KL"] = (r => nn.KLDivLoss(true, r), (x, t) => t.exp() * (t - x)),
    };

    public static TheoryData<string> LossNames => [.. Losses.Keys];

    [Theory]
    [MemberData(nameof(LossNames))]
    public void Loss_is_that_of_the_formula(string name)
    {
        manual_seed(3);
        var (make, formula) = Losses[name];
        foreach (var (type, tolerance) in new[] { (ScalarType.Float64, 1e-11), (ScalarType.Float32, 1e-5) })
        {
            var x = randn(4, 5, dtype: type);
            var t = rand(4, 5, dtype: type);
            var each = formula(x, t);
            Assert.True(make(nn.Reduction.None).call(x, t).allclose(each, tolerance, tolerance));
            Assert.True(make(nn.Reduction.Mean).call(x, t).allclose(each.mean(), tolerance, tolerance));
            Assert.True(make(nn.Reduction.Sum).call(x, t).allclose(each.sum(), tolerance, tolerance));
        }
        var at = randn(3, 2, dtype: float64, requires_grad: true);
        var target = rand(3, 2, dtype: float64);
        make(nn.Reduction.Mean).call(at, target).backward();
        Gradients.Check(at, at.grad!, () => make(nn.Reduction.Mean).call(at, target));
    }

    [Fact]
    public void Gaussian_likelihood_is_that_of_the_formula()
    {
        var x = randn(4, 3, dtype: float64, requires_grad: true);
        var t = randn(4, 3, dtype: float64);
        var v = (rand(4, 3, dtype: float64) + 0.1).detach().requires_grad_();
        var expected = 0.5 * (v.log() + (x - t).square() / v + Math.Log(2 * Math.PI));
        Assert.True(F.gaussian_nll_loss(x, t, v, full: true, reduction: nn.Reduction.None).allclose(expected));
        Tensor Loss() => nn.GaussianNLLLoss(reduction: nn.Reduction.Sum).call(x, t, v);
        Loss().backward();
        Gradients.Check(x, x.grad!, Loss);
        Gradients.Check(v, v.grad!, Loss);
        Assert.True(F.gaussian_nll_loss(x, t, zeros_like(v), eps: 1e-3f).isfinite().ToBoolean());
        Assert.Throws<ArgumentException>(() => F.gaussian_nll_loss(x, t, -v));
    }

    [Fact]
    public void Classes()
    {
        var logits = randn(4, 3, dtype: float64);
        var classes = tensor([0L, 2L, 1L, 2L]);
        var logs = logits.log_softmax(1);
        var each = -logs.gather(1, classes.unsqueeze(1)).squeeze(1);
        Assert.True(nn.CrossEntropyLoss().call(logits, classes).allclose(each.mean()));
        Assert.True(F.nll_loss(logs, classes, reduction: nn.Reduction.Sum).allclose(each.sum()));
        Assert.True(nn.NLLLoss().call(logs, classes).allclose(each.mean()));
        var weight = tensor([1.0, 2.0, 3.0]);
        var w = weight.index_select(0, classes);
        Assert.True(nn.CrossEntropyLoss(weight).call(logits, classes).allclose((each * w).sum() / w.sum()));
        Assert.True(F.cross_entropy(logits, classes, ignore_index: 2).allclose((each[0] + each[2]) / 2));
        Assert.Equal([0L, 0L, 1L], F.one_hot(classes, 3)[1].data<long>().ToArray());
        var p = logits.sigmoid();
        Assert.True(nn.BCELoss().call(p, p).allclose(-(p * p.log() + (1 - p) * (1 - p).log()).mean()));
    }

    [Fact]
    public void Normalising_and_similarity()
    {
        var x = randn(4, 5, dtype: float64);
        Assert.True(F.normalize(x).allclose(x / x.square().sum(1, keepdim: true).sqrt()));
        Assert.True(F.normalize(x, 1, 0).allclose(x / x.abs().sum(0, keepdim: true)));
        Assert.Equal(0.0, F.normalize(zeros(2, 2)).sum().ToDouble());
        var y = randn(4, 5, dtype: float64);
        Assert.True(F.cosine_similarity(x, y).allclose((F.normalize(x) * F.normalize(y)).sum(1)));
        var (a, b, m) = (randn(4, 2, dtype: float64), randn(4, 3, dtype: float64), randn(6, 2, 3, dtype: float64));
        Assert.True(F.bilinear(a, b, m).allclose(einsum("ni,oij,nj->no", [a, m, b])));
        var z = randn(3, 2, 6, dtype: float64);
        var instance = F.instance_norm(z);
        Assert.True(instance.mean([2]).abs().max().ToDouble() < 1e-12);
    }

    [Fact]
    public void Interpolation_refuses_what_it_cannot_do()
    {
        var x = randn(1, 1, 4);
        Assert.Throws<ArgumentException>(() => F.interpolate(x));
        Assert.Throws<ArgumentException>(() => F.interpolate(x, [2], [0.5]));
        Assert.Throws<ArgumentException>(() => F.interpolate(x, [2], mode: InterpolationMode.Bilinear));
        Assert.Throws<ArgumentException>(() => F.interpolate(x, [2], align_corners: true));
        Assert.Throws<ArgumentException>(() => F.interpolate(x, [2, 3]));
        Assert.Equal([1, 1, 2], F.interpolate(x, scale_factor: [0.5], mode: InterpolationMode.Area).shape);
        Assert.True(F.interpolate(x, [2], mode: InterpolationMode.Area).allclose(F.avg_pool1d(x, 2)));
        Assert.True(F.upsample(x, [8]).allclose(x.repeat_interleave(2, 2)));
    }

    [Fact]
    public void Padding_by_every_overload()
    {
        var x = arange(4L, dtype: float64).view(1, 1, 4);
        Assert.Equal([3, 0, 1, 2, 3, 0], F.pad(x, 1, PaddingModes.Circular).data<double>().ToArray());
        Assert.Equal([9, 0, 1, 2, 3, 9, 9], F.pad(x, (1L, 2L), value: 9).data<double>().ToArray());
        Assert.Equal([1, 2], F.pad(x, new long[] { -1, -1 }).data<double>().ToArray());
        Assert.Equal([1, 3, 6], F.pad(x, (1L, 1L, 1L, 1L)).shape);
        Assert.Equal([0, 0, 1, 2, 3, 0], F.pad(x, 1, PaddingModes.Zeros).data<double>().ToArray());
    }

    // ---- initial values ----

    [Fact]
    public void Initial_values_have_their_moments()
    {
        manual_seed(1);
        var w = empty([200, 100, 3], dtype: float64);
        void Moments(Tensor t, double mean, double deviation)
        {
            Assert.Equal(mean, t.mean().ToDouble(), 0.05 * deviation);
            Assert.InRange(t.std().ToDouble(), 0.97 * deviation, 1.03 * deviation);
        }
        Assert.Equal((300L, 600L), nn.init.CalculateFanInAndFanOut(w));
        Assert.Same(w, nn.init.uniform_(w, -1, 3));
        Moments(w, 1, 4 / Math.Sqrt(12));
        Moments(nn.init.normal_(w, 2, 0.5), 2, 0.5);
        Moments(nn.init.xavier_uniform_(w, 2), 0, 2 * Math.Sqrt(2.0 / 900));
        Moments(nn.init.xavier_normal_(w), 0, Math.Sqrt(2.0 / 900));
        Moments(nn.init.kaiming_uniform_(w), 0, Math.Sqrt(2.0 / 300));
        Moments(nn.init.kaiming_normal_(w, mode: nn.init.FanInOut.FanOut, nonlinearity: nn.init.NonlinearityType.Tanh), 0, 5 / 3.0 / Math.Sqrt(600));
        nn.init.trunc_normal_(w, 0, 1, -1, 1);
        Assert.True(w.abs().max().ToDouble() <= 1);
        Moments(w, 0, 0.5396);
        Assert.Equal(0.0, nn.init.zeros_(w).abs().sum().ToDouble());
        Assert.Equal(7.0, nn.init.constant_(w, 7).mean().ToDouble());

        foreach (var shape in new long[][] { [5, 3], [3, 5], [4, 2, 2] })
        {
            var q = nn.init.orthogonal_(empty(shape, dtype: float64), 2).view(shape[0], -1);
            var gram = shape[0] <= q.shape[1] ? q.matmul(q.t()) : q.t().matmul(q);
            Assert.True(gram.allclose(4 * eye(gram.shape[0], dtype: float64), 1e-10, 1e-10));
        }
        Assert.True(nn.init.eye_(empty(2, 3)).equal(eye(2, 3)).all().ToBoolean());
        var dirac = nn.init.dirac_(empty(2, 3, 3));
        var x = randn(1, 3, 6);
        Assert.True(F.conv1d(x, dirac, padding: 1).allclose(x.narrow(1, 0, 2)));
        var sparse = nn.init.sparse_(empty(10, 4), 0.3);
        Assert.Equal([3L, 3L, 3L, 3L], (sparse == 0).sum(0L).data<long>().ToArray());
        Assert.Throws<ArgumentException>(() => nn.init.xavier_normal_(empty(3)));
    }

    [Fact]
    public void Drawing_is_not_recorded_and_follows_the_generator()
    {
        var p = nn.Parameter(empty(5));
        nn.init.uniform_(p);
        Assert.True(p.is_leaf);
        using var g = new Generator(4);
        var a = nn.init.normal_(empty(5), generator: g);
        g.manual_seed(4);
        Assert.True(a.equal(nn.init.normal_(empty(5), generator: g)).all().ToBoolean());
    }

    // ---- training helpers ----

    [Theory]
    [InlineData(ScalarType.Float32, 1e-5)]
    [InlineData(ScalarType.Float64, 1e-6)]
    public void Clipping_scales_all_gradients_by_one_factor(ScalarType type, double tolerance)
    {
        var p = nn.Parameter(zeros([3], dtype: type));
        var q = nn.Parameter(zeros([2, 2], dtype: type));
        var untouched = nn.Parameter(zeros([1], dtype: type));
        void Set()
        {
            p.grad = tensor([3.0, 0.0, 4.0]).to(type);
            q.grad = full([2, 2], 6.0, dtype: type);
        }
        Set();
        Assert.Equal(13, nn.utils.clip_grad_norm_([p, q, untouched], 26), tolerance);
        Assert.Equal(4.0, p.grad![2].ToDouble());
        Assert.Equal(13, nn.utils.clip_grad_norm_([p, q, untouched], 6.5), tolerance);
        Assert.Equal(2.0, p.grad![2].ToDouble(), tolerance);
        Assert.Equal(3.0, q.grad![1, 1].ToDouble(), tolerance);
        Assert.Null(untouched.grad);
        Set();
        Assert.Equal(6, nn.utils.clip_grad_norm_([p, q], 100, double.PositiveInfinity), tolerance);
        Assert.Equal(31, nn.utils.clip_grad_norm_([p, q], 100, 1), 10 * tolerance);
        nn.utils.clip_grad_value_([p, q, untouched], 3.5);
        Assert.Equal([3.0, 0.0, 3.5], p.grad!.@double().data<double>().ToArray());
        Assert.Equal(0.0, nn.utils.clip_grad_norm_([untouched], 1));
    }

    [Fact]
    public void Parameters_as_a_vector_and_back()
    {
        using var m = nn.Linear(2, 3);
        var v = nn.utils.parameters_to_vector(m.parameters());
        Assert.Equal([9], v.shape);
        nn.utils.vector_to_parameters(arange(9, dtype: float32), m.parameters());
        Assert.Equal([6f, 7f, 8f], m.bias!.data<float>().ToArray());
        Assert.True(m.bias!.is_leaf);
        Assert.Contains("9 entries", Assert.Throws<ArgumentException>(() => nn.utils.vector_to_parameters(ones(8), m.parameters())).Message);
        nn.utils.parameters_to_vector(m.parameters()).sum().backward();
        Assert.Equal(6.0, m.weight.grad!.sum().ToDouble());
    }
}
