using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Each optimizer's steps against the same steps taken by hand, in double, and its state saved and read back.</summary>
public sealed class OptimizersTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    // ---- by hand ----

    private delegate void Rule(double[] p, double[] g, int t);

    private static Rule AdamByHand(double lr, double b1, double b2, double eps, double decay, bool decoupled, bool amsgrad, bool maximize, int n)
    {
        double[] m = new double[n], v = new double[n], peak = new double[n];
        return (p, g, t) =>
        {
            for (var i = 0; i < n; i++)
            {
                var d = maximize ? -g[i] : g[i];
                if (decoupled) p[i] *= 1 - lr * decay;
                else d += decay * p[i];
                m[i] = b1 * m[i] + (1 - b1) * d;
                v[i] = b2 * v[i] + (1 - b2) * d * d;
                peak[i] = Math.Max(peak[i], v[i]);
                var root = Math.Sqrt((amsgrad ? peak[i] : v[i]) / (1 - Math.Pow(b2, t)));
                p[i] -= lr * m[i] / (1 - Math.Pow(b1, t)) / (root + eps);
            }
        };
    }

    private static Rule SgdByHand(double lr, double momentum, double dampening, double decay, bool nesterov, bool maximize, int n)
    {
        var b = new double[n];
        return (p, g, t) =>
        {
            for (var i = 0; i < n; i++)
            {
                var d = (maximize ? -g[i] : g[i]) + decay * p[i];
                b[i] = t == 1 ? d : momentum * b[i] + (1 - dampening) * d;
                p[i] -= lr * (momentum == 0 ? d : nesterov ? d + momentum * b[i] : b[i]);
            }
        };
    }

    private static Rule RmsByHand(double lr, double alpha, double eps, double decay, double momentum, bool centered, int n)
    {
        double[] v = new double[n], mean = new double[n], b = new double[n];
        return (p, g, t) =>
        {
            for (var i = 0; i < n; i++)
            {
                var d = g[i] + decay * p[i];
                v[i] = alpha * v[i] + (1 - alpha) * d * d;
                mean[i] = alpha * mean[i] + (1 - alpha) * d;
                var root = Math.Sqrt(centered ? v[i] - mean[i] * mean[i] : v[i]) + eps;
                b[i] = momentum * b[i] + d / root;
                p[i] -= lr * b[i];
            }
        };
    }

    private const int N = 37; // no multiple of a vector's width

    private static readonly Dictionary<string, (Func<IEnumerable<Parameter>, optim.Optimizer> Make, Func<int, Rule> ByHand)> Cases = new()
    {
        ["SGD"] = (p => optim.SGD(p, 0.1), n => SgdByHand(0.1, 0, 0, 0, false, false, n)),
        ["SGD, momentum, dampened, decaying"] = (p => optim.SGD(p, learningRate: 0.1, momentum: 0.9, dampening: 0.2, weight_decay: 0.05), n => SgdByHand(0.1, 0.9, 0.2, 0.05, false, false, n)),
        ["SGD, Nesterov, maximizing"] = (p => optim.SGD(p, 0.01, 0.5, weight_decay: 0.05, nesterov: true, maximize: true), n => SgdByHand(0.01, 0.5, 0, 0.05, true, true, n)),
        ["Adam"] = (p => optim.Adam(p, 0.05), n => AdamByHand(0.05, 0.9, 0.999, 1e-8, 0, false, false, false, n)),
        ["Adam, all options"] = (p => optim.Adam(p, 0.05, 0.8, 0.99, 1e-6, 0.1, amsgrad: true, maximize: true), n => AdamByHand(0.05, 0.8, 0.99, 1e-6, 0.1, false, true, true, n)),
        ["AdamW"] = (p => optim.AdamW(p, 0.05, weight_decay: 0.1), n => AdamByHand(0.05, 0.9, 0.999, 1e-8, 0.1, true, false, false, n)),
        ["AdamW, all options"] = (p => optim.AdamW(p, 0.05, 0.8, 0.99, 1e-6, 0.1, amsgrad: true, maximize: true), n => AdamByHand(0.05, 0.8, 0.99, 1e-6, 0.1, true, true, true, n)),
        ["RMSProp"] = (p => optim.RMSProp(p, 0.02), n => RmsByHand(0.02, 0.99, 1e-8, 0, 0, false, n)),
        ["RMSProp, all options"] = (p => optim.RMSProp(p, 0.02, 0.9, 1e-6, 0.1, 0.8, true), n => RmsByHand(0.02, 0.9, 1e-6, 0.1, 0.8, true, n)),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    private static Parameter Start(ScalarType type, int n = N)
    {
        manual_seed(9);
        return nn.Parameter(randn([n], dtype: float64).to(type));
    }

    // A loss whose gradient is known and not linear: sum of cosh.
    private static double[] GradientOf(double[] p) => Array.ConvertAll(p, Math.Sinh);

    [Theory]
    [MemberData(nameof(Names))]
    public void Steps_are_those_taken_by_hand(string name)
    {
        foreach (var (type, tolerance) in new[] { (ScalarType.Float64, 1e-13), (ScalarType.Float32, 2e-5) })
        {
            using var p = Start(type);
            using var optimizer = Cases[name].Make([p]);
            var rule = Cases[name].ByHand(N);
            var byHand = p.@double().data<double>().ToArray();
            for (var t = 1; t <= 10; t++)
            {
                optimizer.zero_grad();
                p.cosh().sum().backward();
                Assert.Null(optimizer.step());
                rule(byHand, GradientOf(byHand), t);
            }
            var difference = (p.@double() - tensor(byHand)).abs().max().ToDouble();
            Assert.True(difference < tolerance, $"{type}: {difference}");
            Assert.True(p.is_leaf);
        }
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Adam_by_operators_is_Adam_in_one_pass(bool decoupled, bool amsgrad)
    {
        // A gradient that is not contiguous takes the way of the operators.
        Parameter[] Make() => [nn.Parameter(arange(12, dtype: float64).view(3, 4) / 7), nn.Parameter(ones([5], dtype: float64))];
        var (a, b) = (Make(), Make());
        optim.Optimizer Optimizer(Parameter[] p) => decoupled ? optim.AdamW(p, 0.1, weight_decay: 0.1, amsgrad: amsgrad, maximize: true) : optim.Adam(p, 0.1, weight_decay: 0.1, amsgrad: amsgrad);
        using var one = Optimizer(a);
        using var other = Optimizer(b);
        for (var t = 0; t < 5; t++)
        {
            manual_seed(t);
            var (g, h) = (randn(3, 4, dtype: float64), randn(5, dtype: float64));
            a[0].grad = g.clone();
            a[1].grad = h.clone();
            b[0].grad = g.t().contiguous().t();
            b[1].grad = cat([h, h]).view(2, 5).t().contiguous().t()[0];
            Assert.False(b[0].grad!.is_contiguous());
            one.step();
            other.step();
        }
        Assert.True(a[0].allclose(b[0], 1e-13, 1e-13) && a[1].allclose(b[1], 1e-13, 1e-13));
    }

    [Fact]
    public void A_large_parameter_is_shared_among_threads()
    {
        manual_seed(3);
        var start = randn(300_001);
        using var p = nn.Parameter(start.clone());
        using var q = nn.Parameter(start[..1001].clone());
        using var optimizer = optim.Adam([p, q]);
        for (var t = 0; t < 3; t++)
        {
            manual_seed(t);
            var g = randn(300_001);
            p.grad = g;
            q.grad = g[..1001].clone();
            optimizer.step();
        }
        Assert.True(p[..1001].equal(q).all().ToBoolean());
        Assert.False(p[^1].equal(start[^1]).ToBoolean());
    }

    [Fact]
    public void A_graph_that_saved_a_parameter_learns_that_it_was_changed()
    {
        using var p = nn.Parameter(ones(3));
        using var optimizer = optim.Adam([p], 0.1);
        var loss = p.exp().mul(p).sum();
        p.grad = ones(3);
        optimizer.step();
        Assert.ThrowsAny<Exception>(() => loss.backward());
    }

    [Fact]
    public void Parameters_without_gradients_stay()
    {
        using var p = nn.Parameter(ones(3));
        using var q = nn.Parameter(ones(3));
        foreach (var o in new optim.Optimizer[] { optim.Adam([p, q]), optim.SGD([p, q], 0.1), optim.RMSProp([p, q]) })
        {
            q.grad = ones(3);
            o.step();
            Assert.Equal(3.0, p.sum().ToDouble());
        }
        Assert.True(q.sum().ToDouble() < 2.8);
    }

    [Fact]
    public void A_closure_is_evaluated_with_gradients_on()
    {
        using var p = nn.Parameter(full([2], 2.0, dtype: float64));
        using var sgd = optim.SGD([p], 0.25);
        var loss = sgd.step(() =>
        {
            sgd.zero_grad();
            var l = p.square().sum();
            l.backward();
            return l;
        });
        Assert.Equal(8.0, loss.ToDouble());
        Assert.Equal([1.0, 1.0], p.data<double>().ToArray());
    }

    // ---- groups ----

    [Fact]
    public void Groups_have_their_own_settings()
    {
        using var p = nn.Parameter(ones([2], dtype: float64));
        using var q = nn.Parameter(ones([2], dtype: float64));
        using var sgd = optim.SGD([new SGD.ParamGroup { Parameters = [p] }, new SGD.ParamGroup([q], lr: 0.5)], 0.1);
        Assert.Equal([0.1, 0.5], sgd.ParamGroups.Select(g => g.LearningRate));
        p.grad = ones([2], dtype: float64);
        q.grad = ones([2], dtype: float64);
        sgd.step();
        Assert.Equal(0.9, p[0].ToDouble(), 1e-15);
        Assert.Equal(0.5, q[0].ToDouble(), 1e-15);
        foreach (var g in sgd.ParamGroups) g.LearningRate *= 2;
        sgd.step();
        Assert.Equal(0.7, p[0].ToDouble(), 1e-15);
        Assert.Equal([0.1, 0.5], sgd.ParamGroups.Select(g => g.InitialLearningRate));

        using var r = nn.Parameter(ones([2], dtype: float64));
        sgd.add_param_group(new SGD.ParamGroup([r], lr: 1));
        Assert.Equal(3, sgd.parameters().Count());
        Assert.Throws<ArgumentException>(() => sgd.add_param_group(new SGD.ParamGroup([r], lr: 1)));
        using var adam = optim.Adam([("r", r)]);
        adam.Betas = (0.5, 0.6);
        Assert.Equal((0.5, 0.6), ((optim.IBetas)adam.ParamGroups.Single()).Betas);
    }

    [Fact]
    public void Settings_that_make_no_sense_are_refused()
    {
        using var p = nn.Parameter(ones(1));
        Assert.Throws<ArgumentException>(() => optim.Adam([p], -1));
        Assert.Throws<ArgumentException>(() => optim.Adam([p], beta1: 1));
        Assert.Throws<ArgumentException>(() => optim.AdamW([p], weight_decay: -1));
        Assert.Throws<ArgumentException>(() => optim.SGD([p], 0.1, nesterov: true));
        Assert.Throws<ArgumentException>(() => optim.RMSProp([p], alpha: -1));
        Assert.Throws<ArgumentException>(() => optim.LBFGS([p], history_size: 0));
    }

    // ---- state ----

    [Theory]
    [MemberData(nameof(Names))]
    public void A_run_resumed_from_its_saved_state_continues_to_the_bit(string name)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.Float64 })
        {
            using var p = Start(type);
            using var a = Cases[name].Make([p]);
            void Step(optim.Optimizer o, Parameter x)
            {
                o.zero_grad();
                x.cosh().sum().backward();
                o.step();
            }
            for (var t = 0; t < 4; t++) Step(a, p);

            using var q = nn.Parameter(p.detach().clone());
            using var r = nn.Parameter(p.detach().clone());
            using var b = Cases[name].Make([q]);
            using var c = Cases[name].Make([r]);
            using var stream = new MemoryStream();
            using (var writer = new BinaryWriter(stream, System.Text.Encoding.UTF8, true)) ((OptimizerHelper)a).save_state_dict(writer);
            stream.Position = 0;
            using (var reader = new BinaryReader(stream)) ((OptimizerHelper)b).load_state_dict(reader);
            ((OptimizerHelper)c).load_state_dict(((OptimizerHelper)a).state_dict());
            var (sa, sb) = (((OptimizerHelper)a).state_dict(), ((OptimizerHelper)b).state_dict());
            Assert.True(sa.State[0].ApproximatelyEquals(sb.State[0]));
            for (var t = 0; t < 4; t++)
            {
                Step(a, p);
                Step(b, q);
                Step(c, r);
            }
            Assert.True(p.equal(q).all().ToBoolean());
            Assert.True(p.equal(r).all().ToBoolean());
        }
    }

    [Fact]
    public void A_foreign_state_is_refused()
    {
        using var p = nn.Parameter(ones(2));
        using var adam = optim.Adam([p]);
        using var sgd = optim.SGD([p], 0.1);
        var path = Path.GetTempFileName();
        try
        {
            adam.save_state_dict(path);
            Assert.Throws<InvalidDataException>(() => sgd.load_state_dict(path));
            using var q = nn.Parameter(ones(3));
            using var two = optim.Adam([p, q]);
            Assert.Throws<ArgumentException>(() => two.load_state_dict(path));
            using var other = optim.Adam([q]);
            Assert.Throws<ArgumentException>(() => other.load_state_dict(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    // ---- L-BFGS ----

    [Theory]
    [InlineData(ScalarType.Float64, 1e-7)]
    [InlineData(ScalarType.Float32, 2e-3)]
    public void Lbfgs_finds_the_minimum_of_a_quadratic(ScalarType type, double tolerance)
    {
        manual_seed(1);
        var a = randn(6, 6, dtype: float64);
        var spd = (a.matmul(a.t()) / 6 + eye(6, dtype: float64)).to(type);
        var b = randn(6, dtype: float64).to(type);
        using var p = nn.Parameter(zeros([2], dtype: type));
        using var q = nn.Parameter(zeros([2, 2], dtype: type));
        using var lbfgs = optim.LBFGS([p, q], lr: 1, max_iter: 50, tolerange_grad: 1e-9, tolerance_change: 1e-14);
        var first = lbfgs.step(() =>
        {
            lbfgs.zero_grad();
            var x = cat([p, q.flatten()]);
            var loss = 0.5 * x.dot(spd.matmul(x)) - b.dot(x);
            loss.backward();
            return loss;
        });
        Assert.Equal(0.0, first.ToDouble(), 1e-12);
        var solution = linalg.solve(spd, b);
        Assert.True(cat([p.detach(), q.detach().flatten()]).allclose(solution, tolerance, tolerance));
    }

    [Fact]
    public void Lbfgs_takes_the_steps_of_its_recursion()
    {
        // On x²/2 summed with weights: first step -min(1, 1/|g|_1) lr g, second from s and y.
        var w = new[] { 1.0, 3.0 };
        using var p = nn.Parameter(tensor([1.0, 1.0]));
        using var lbfgs = optim.LBFGS([p], lr: 0.5, max_iter: 2, max_eval: 10);
        lbfgs.step(() =>
        {
            lbfgs.zero_grad();
            var loss = (p.square() * tensor(w)).sum() / 2;
            loss.backward();
            return loss;
        });
        double[] x = [1, 1];
        double[] g = [w[0] * x[0], w[1] * x[1]];
        var t = Math.Min(1, 1 / (Math.Abs(g[0]) + Math.Abs(g[1]))) * 0.5;
        double[] s = [-t * g[0], -t * g[1]];
        double[] x1 = [x[0] + s[0], x[1] + s[1]];
        double[] g1 = [w[0] * x1[0], w[1] * x1[1]];
        double[] y = [g1[0] - g[0], g1[1] - g[1]];
        var (ys, yy) = (y[0] * s[0] + y[1] * s[1], y[0] * y[0] + y[1] * y[1]);
        var alpha = -(s[0] * g1[0] + s[1] * g1[1]) / ys;
        double[] r = [(-g1[0] - alpha * y[0]) * ys / yy, (-g1[1] - alpha * y[1]) * ys / yy];
        var beta = (y[0] * r[0] + y[1] * r[1]) / ys;
        double[] d = [r[0] + s[0] * (alpha - beta), r[1] + s[1] * (alpha - beta)];
        Assert.Equal(x1[0] + 0.5 * d[0], p[0].ToDouble(), 1e-14);
        Assert.Equal(x1[1] + 0.5 * d[1], p[1].ToDouble(), 1e-14);
    }

    [Fact]
    public void Lbfgs_minimises_Rosenbrocks_function()
    {
        using var p = nn.Parameter(tensor([-1.0, 1.5]));
        using var lbfgs = optim.LBFGS([p], lr: 0.2, max_iter: 20, tolerange_grad: 1e-10, tolerance_change: 1e-14);
        Tensor Closure()
        {
            lbfgs.zero_grad();
            var loss = (1 - p[0]).square() + 100 * (p[1] - p[0].square()).square();
            loss.backward();
            return loss;
        }
        for (var i = 0; i < 40; i++) lbfgs.step(Closure);
        Assert.Equal(1.0, p[0].ToDouble(), 1e-5);
        Assert.Throws<ArgumentNullException>(() => lbfgs.step(null!));
        Assert.Equal(0.2, lbfgs.LearningRate);
        lbfgs.ParamGroups.Single().LearningRate = 0.1;
        Assert.Equal(0.1, lbfgs.LearningRate);
    }
}
