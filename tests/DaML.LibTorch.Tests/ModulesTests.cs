using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>What a module is: what it registers, its state, saving, moving, hooks, the end of its life.</summary>
public sealed class ModulesTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    private abstract class Base : nn.Module<Tensor, Tensor>
    {
        private readonly Linear hidden = nn.Linear(2, 2);

        protected Base(string name) : base(name)
        {
        }

        public Linear Hidden => hidden;
    }

    private sealed class Derived : Base
    {
        public readonly Parameter scale = nn.Parameter(ones(2));
        internal Tensor offset = arange(2L, dtype: float32);
        private readonly object boxed = nn.Linear(2, 2, hasBias: false);
        private readonly nn.IModule<Tensor, Tensor> asInterface = nn.ReLU();
        private readonly Linear[] array = [nn.Linear(2, 2)];
        private readonly List<Linear> list = [nn.Linear(2, 2)];
        private readonly Linear? absent = null;

        [ComponentName(Name = "other")]
        private readonly Linear renamed = nn.Linear(2, 3);

        public Linear Auto { get; } = nn.Linear(1, 1);

        public int Forwards;

        public Derived() : base(nameof(Derived))
        {
            register_buffer("volatile_buffer", zeros(1), persistent: false);
            RegisterComponents();
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            Forwards++;
            GC.KeepAlive((boxed, asInterface, array, list, absent));
            return renamed.call(x * scale + offset);
        }
    }

    [Fact]
    public void Fields_are_registered_base_classes_and_names_included_lists_not()
    {
        using var m = new Derived();
        Assert.Equal(["<Auto>k__BackingField", "asInterface", "boxed", "hidden", "other"], m.named_children().Select(c => c.name).Order(StringComparer.Ordinal));
        Assert.Contains("scale", m.named_parameters(false).Select(p => p.name));
        Assert.Equal(["offset", "volatile_buffer"], m.named_buffers().Select(b => b.name).Order());
        Assert.Equal(["offset"], m.named_buffers(include_nonpersistent: false).Select(b => b.name));
        var keys = m.state_dict().Keys.ToList();
        Assert.Equal("scale", keys[0]);
        Assert.Contains("hidden.weight", keys);
        Assert.Contains("other.bias", keys);
        Assert.Equal("offset", keys[^1]);
        Assert.DoesNotContain("volatile_buffer", keys);
        Assert.Equal(8, m.parameters().Count());
    }

    [Fact]
    public void Names_are_checked_and_taken_once()
    {
        using var m = new Derived();
        Assert.Throws<ArgumentException>(() => m.register_module("a.b", nn.ReLU()));
        Assert.Throws<ArgumentException>(() => m.register_module("", nn.ReLU()));
        Assert.Throws<InvalidOperationException>(() => m.register_module("hidden", nn.ReLU()));
        Assert.Throws<InvalidOperationException>(() => m.register_parameter("scale", nn.Parameter(ones(1))));
        Assert.Throws<InvalidOperationException>(() => m.register_buffer("offset", ones(1)));
        m.add_module("late", nn.Linear(1, 1));
        Assert.True(m.has_parameter("late.weight"));
        Assert.Throws<InvalidOperationException>(() => nn.ReLU().register_parameter("w", nn.Parameter(ones(1))));
    }

    [Fact]
    public void A_shared_module_counts_once()
    {
        var shared = nn.Linear(3, 3);
        using var list = nn.ModuleList(shared, shared, nn.Linear(3, 3));
        Assert.Equal(4, list.parameters().Count());
        Assert.Equal(["0.weight", "0.bias", "2.weight", "2.bias"], list.named_parameters().Select(p => p.name));
    }

    [Fact]
    public void Paths_lead_to_parameters_and_buffers()
    {
        using var m = nn.Sequential(("a", nn.Linear(2, 2)), ("b", nn.Sequential(nn.BatchNorm1d(2))));
        Assert.Equal([2, 2], m.get_parameter("a.weight")!.shape);
        Assert.True(m.has_buffer("b.0.running_var"));
        Assert.Null(m.get_parameter("a.nothing"));
        Assert.Null(m.get_buffer("c.x"));
        Assert.Equal(["a", "b", "b.0"], m.named_modules().Select(c => c.name));
    }

    [Fact]
    public void Training_and_evaluating_reach_the_leaves()
    {
        using var m = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout()));
        Assert.All(m.modules(), c => Assert.True(c.training));
        m.eval();
        Assert.False(m.training);
        Assert.All(m.modules(), c => Assert.False(c.training));
        m.train();
        Assert.All(m.modules(), c => Assert.True(c.training));
        var visited = new List<string>();
        m.apply(c => visited.Add(c.GetName()));
        Assert.Equal(["Linear", "Dropout", "Sequential", "Sequential"], visited);
    }

    // ---- state ----

    private static Sequential Net(ScalarType type = ScalarType.Float32) =>
        nn.Sequential(nn.Conv1d(1, 4, 3, padding: 1), nn.BatchNorm1d(4), nn.Mish(), nn.Conv1d(4, 1, 1)).to(type);

    private static void AssertSame(nn.Module a, nn.Module b)
    {
        var (x, y) = (a.state_dict(), b.state_dict());
        Assert.Equal(x.Keys, y.Keys);
        foreach (var key in x.Keys)
        {
            Assert.Equal(x[key].dtype, y[key].dtype);
            Assert.True(Bytes(x[key]).SequenceEqual(Bytes(y[key])), key);
        }
    }

    private static byte[] Bytes(Tensor t) => t.detach().cpu().contiguous().bytes.ToArray();

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    public void State_goes_from_one_module_to_another(ScalarType type)
    {
        using var a = Net(type);
        using var b = Net(type);
        a.call(randn(3, 1, 8, dtype: type));
        var (missing, unexpected) = b.load_state_dict(a.state_dict());
        Assert.Empty(missing);
        Assert.Empty(unexpected);
        AssertSame(a, b);
        // The values are live: what is written to them is written to the module.
        using (no_grad()) a.state_dict()["0.weight"].zero_();
        Assert.Equal(0.0, a.get_parameter("0.weight")!.abs().sum().ToDouble());
    }

    [Fact]
    public void A_state_that_does_not_fit_is_refused()
    {
        using var m = nn.Linear(2, 3);
        var state = nn.Linear(2, 3).state_dict();
        state.Remove("bias");
        state["extra"] = ones(1);
        var e = Assert.Throws<InvalidOperationException>(() => m.load_state_dict(state));
        Assert.Contains("bias", e.Message);
        Assert.Contains("extra", e.Message);
        var (missing, unexpected) = m.load_state_dict(state, strict: false);
        Assert.Equal(["bias"], missing);
        Assert.Equal(["extra"], unexpected);
        m.load_state_dict(state, skip: ["bias", "extra"]);
        var wrong = nn.Linear(2, 1).state_dict();
        Assert.Contains("'weight' has shape [1, 2]", Assert.Throws<InvalidOperationException>(() => m.load_state_dict(wrong)).Message);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    public void Saved_and_loaded_to_the_bit(ScalarType type)
    {
        using var a = Net(ScalarType.Float32);
        a.call(randn(3, 1, 8));
        a.to(type);
        using var stream = new MemoryStream();
        a.save(stream);
        stream.Position = 0;
        using var b = Net(type);
        var loaded = new Dictionary<string, bool>();
        b.load(stream, loadedParameters: loaded);
        AssertSame(a, b);
        Assert.All(loaded.Values, Assert.True);

        var path = Path.GetTempFileName();
        try
        {
            a.save(path);
            using var c = Net(type);
            c.load(path);
            AssertSame(a, c);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void The_stream_is_TorchSharps()
    {
        using var m = nn.Linear(2, 1, hasBias: false);
        using (no_grad()) m.weight.copy_(tensor([1f, -2f]).view(1, 2));
        using var stream = new MemoryStream();
        m.save(stream);
        // one entry, its name (length, UTF-8), Float32 = 6, two dimensions, 1 and 2, then the elements
        byte[] expected = [1, 6, .. "weight"u8, 6, 2, 1, 2, .. BitConverter.GetBytes(1f), .. BitConverter.GetBytes(-2f)];
        Assert.Equal(expected, stream.ToArray());

        using var big = new MemoryStream();
        zeros(300).Save(big);
        Assert.Equal([6, 1, 0xAC, 0x02], big.ToArray()[..4]);
        big.Position = 0;
        Assert.Equal([300], Tensor.Load(big).shape);
    }

    [Fact]
    public void What_is_skipped_is_neither_saved_nor_loaded()
    {
        using var a = Net();
        using var b = Net();
        using var stream = new MemoryStream();
        a.save(stream, skip: ["0.weight"]);
        stream.Position = 0;
        var before = Bytes(b.get_parameter("0.weight")!);
        var loaded = new Dictionary<string, bool>();
        b.load(stream, strict: false, loadedParameters: loaded);
        Assert.Equal(before, Bytes(b.get_parameter("0.weight")!));
        Assert.False(loaded["0.weight"]);
        Assert.True(loaded["3.weight"]);
        Assert.Equal(Bytes(a.get_parameter("3.weight")!), Bytes(b.get_parameter("3.weight")!));
    }

    [Fact]
    public void Damaged_streams_are_refused_and_cost_no_memory()
    {
        using var a = Net();
        using var stream = new MemoryStream();
        a.save(stream);
        var good = stream.ToArray();
        for (var n = 0; n < good.Length; n += 7)
        {
            Assert.ThrowsAny<Exception>(() => Net().load(new MemoryStream(good[..n])));
        }
        Assert.Contains("0.weight", Assert.Throws<InvalidDataException>(() => nn.Sequential(nn.Conv1d(1, 4, 5), nn.BatchNorm1d(4), nn.Mish(), nn.Conv1d(4, 1, 1)).load(new MemoryStream(good))).Message);
        // a tensor of 2^40 doubles in eleven bytes
        Assert.Throws<EndOfStreamException>(() => Tensor.Load(new MemoryStream([7, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 1, 2, 3])));
        Assert.Throws<InvalidDataException>(() => Tensor.Load(new MemoryStream([99, 1, 1, 0])));
    }

    // ---- moving ----

    [Fact]
    public void Conversion_keeps_fields_and_registry_together()
    {
        using var m = new Derived();
        var before = m.scale;
        (m.scale * 3).sum().backward();
        var same = m.@double();
        Assert.Same(m, same);
        Assert.NotSame(before, m.scale);
        Assert.Same(m.scale, m.get_parameter("scale"));
        Assert.Same(m.offset, m.get_buffer("offset"));
        Assert.All(m.state_dict().Values, t => Assert.Equal(ScalarType.Float64, t.dtype));
        Assert.Equal([3.0, 3.0], m.scale.grad!.data<double>().ToArray());
        Assert.True(m.scale.is_leaf && m.scale.requires_grad);
        Assert.Equal(ScalarType.Float64, m.call(ones(1, 2, dtype: float64)).dtype);
        Assert.Equal(ScalarType.Float64, m.Hidden.weight.dtype);
        Assert.Throws<ArgumentException>(() => m.@int());
    }

    [Fact]
    public void Integer_buffers_stay_what_they_are()
    {
        using var m = nn.BatchNorm1d(2).@double();
        Assert.Equal(ScalarType.Int64, m.num_batches_tracked!.dtype);
        Assert.Equal(ScalarType.Float64, m.running_mean!.dtype);
        Assert.Same(m, m.cpu());
        Assert.Same(m.weight, m.get_parameter("weight"));
    }

    [Fact]
    public void Layers_outlive_the_scope_they_were_made_in_and_parameters_of_ones_own_do_not()
    {
        Linear layer;
        LSTM lstm;
        Parameter own;
        using (NewDisposeScope())
        {
            layer = nn.Linear(2, 2);
            lstm = nn.LSTM(2, 2);
            own = nn.Parameter(ones(1));
        }
        Assert.False(layer.weight.IsInvalid);
        Assert.All(lstm.parameters(), p => Assert.False(p.IsInvalid));
        Assert.True(own.IsInvalid);
    }

    [Fact]
    public void A_parameter_takes_the_tensor_over()
    {
        var t = ones(2);
        var p = new Parameter(t);
        Assert.True(t.IsInvalid);
        Assert.True(p.requires_grad);
        var kept = ones(2).DetachFromDisposeScope();
        using var free = new Parameter(kept, requires_grad: false);
        Assert.False(free.requires_grad);
        using (var inner = NewDisposeScope())
        {
            var outside = p.detach().MoveToOuterDisposeScope();
            var q = new Parameter(outside);
            Assert.False(inner.Contains(q));
        }
        Assert.Same(p, p.AsParameter());
    }

    [Fact]
    public void A_disposed_module_has_disposed_its_parts()
    {
        var m = new Derived();
        var parts = m.parameters().ToList<Tensor>().Concat(m.buffers()).ToList();
        m.Dispose();
        m.Dispose();
        Assert.All(parts, p => Assert.True(p.IsInvalid));
    }

    [Fact]
    public void Gradients_are_cleared()
    {
        using var m = nn.Linear(2, 2);
        m.call(ones(1, 2)).sum().backward();
        Assert.NotNull(m.weight.grad);
        m.zero_grad(set_to_none: false);
        Assert.Equal(0.0, m.weight.grad!.abs().sum().ToDouble());
        m.zero_grad();
        Assert.Null(m.weight.grad);
    }

    // ---- hooks ----

    [Fact]
    public void Hooks_run_in_order_and_can_change_what_passes()
    {
        using var m = new Derived();
        var seen = new List<string>();
        m.register_forward_pre_hook(_ => seen.Add("before"));
        m.register_forward_hook(_ => seen.Add("after"));
        var pre = m.register_forward_pre_hook((_, x) => x * 0);
        var post = m.register_forward_hook((_, _, y) => y + 1);
        var x = randn(1, 2);
        var changed = m.call(x);
        Assert.Equal(["before", "after"], seen);
        pre.remove();
        post.remove();
        var plain = m.call(zeros(1, 2));
        Assert.True(changed.allclose(plain + 1));
        Assert.Equal(2, m.Forwards);
        m.forward(x);
        Assert.Equal(4, seen.Count);
    }

    // ---- containers ----

    [Fact]
    public void A_sequential_disposes_what_lies_between_and_gives_parts()
    {
        using var m = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3));
        var x = randn(5, 2);
        using (var inner = NewDisposeScope())
        {
            var y = m.call(x);
            Assert.Equal(1, inner.DisposablesCount);
            Assert.Equal([5, 3], y.shape);
        }
        Assert.False(x.IsInvalid);
        Assert.Equal(2, m[..2].Count);
        Assert.Equal([5, 4], m[..^1].call(x).shape);
        Assert.Equal(1, m[(1, 2)].Count);
        Assert.Same(m[1], m[1..2][0]);
        Assert.Equal([5, 2], nn.Sequential().call(x).shape);
        m.append("last", nn.Tanh());
        Assert.Equal("last", m.named_children().Last().name);
    }

    [Fact]
    public void Lists_and_dictionaries_of_modules_and_parameters_register_their_members()
    {
        using var list = nn.ModuleList(nn.Linear(1, 1), nn.Linear(1, 1));
        list.Add(nn.Linear(1, 2));
        Assert.Equal("2.bias", list.named_parameters().Last().name);
        list.RemoveAt(0);
        Assert.Equal(4, list.parameters().Count());

        using var dict = nn.ModuleDict(("u", nn.Linear(1, 1)), ("v", nn.Linear(1, 3)));
        Assert.Equal([3, 1], dict["v"].weight.shape);
        Assert.Equal(["u.weight", "u.bias", "v.weight", "v.bias"], dict.state_dict().Keys);
        Assert.Equal(["u", "v"], dict.keys());
        Assert.True(dict.Remove("u"));
        Assert.Single(dict);

        using var parameters = nn.ParameterList(nn.Parameter(ones(1)), nn.Parameter(zeros(2)));
        parameters.@double();
        Assert.Equal(ScalarType.Float64, parameters[1].dtype);
        Assert.Equal(["0", "1"], parameters.state_dict().Keys);

        using var named = nn.ParameterDict(("a", nn.Parameter(ones(1))));
        named["b"] = nn.Parameter(ones(2));
        named.@double();
        Assert.Equal(ScalarType.Float64, named["b"].dtype);
        Assert.Equal(["a", "b"], named.named_parameters(true).Select(p => p.name));

        using var holder = new Holder(list, named);
        Assert.Equal(["inner.0.weight", "inner.0.bias", "inner.1.weight", "inner.1.bias", "numbers.a", "numbers.b"], holder.state_dict().Keys);
    }

    private sealed class Holder : nn.Module
    {
        private readonly ModuleList<Linear> inner;
        private readonly ParameterDict numbers;

        public Holder(ModuleList<Linear> inner, ParameterDict numbers) : base(nameof(Holder))
        {
            (this.inner, this.numbers) = (inner, numbers);
            RegisterComponents();
            GC.KeepAlive((this.inner, this.numbers));
        }
    }

    [Fact]
    public void Modules_of_two_and_three_arguments_are_called_through_hooks_too()
    {
        using var two = new Two();
        two.register_forward_pre_hook((_, a, b) => (a, b * 2));
        Assert.Equal(3.0, two.call(tensor(1.0), tensor(1.0)).ToDouble());
        using var three = new Three();
        three.register_forward_hook((_, _, _, _, y) => -y);
        Assert.Equal(-6.0, three.call(tensor(1.0), 2, 3).ToDouble());
    }

    private sealed class Two() : nn.Module<Tensor, Tensor, Tensor>(nameof(Two))
    {
        public override Tensor forward(Tensor a, Tensor b) => a + b;
    }

    private sealed class Three() : nn.Module<Tensor, int, double, Tensor>(nameof(Three))
    {
        public override Tensor forward(Tensor a, int b, double c) => a * b * c;
    }
}
