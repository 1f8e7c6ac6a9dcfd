using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Networks and optimizers on the device, held against the processor; and moving as such, which needs no device.</summary>
public sealed class ModulesCudaTests
{
    private static Sequential Net()
    {
        manual_seed(3);
        return nn.Sequential(
            ("conv", nn.Conv1d(2, 6, 5, padding: 2, padding_mode: PaddingModes.Circular)), ("norm", nn.BatchNorm1d(6)), ("mish", nn.Mish()),
            ("flat", nn.Flatten()), ("linear", nn.Linear(48, 3))).@double();
    }

    [Fact]
    public void Moving_replaces_every_parameter_and_buffer()
    {
        using var scope = NewDisposeScope();
        using var net = Net();
        var conv = (Conv1d)net[0];
        var before = conv.weight;
        Assert.Same(net, net.to(META));
        Assert.All(net.parameters(), p => Assert.True(p.is_meta && p.is_leaf && p.requires_grad));
        Assert.All(net.buffers(), b => Assert.True(b.is_meta));
        Assert.Same(conv.weight, net.get_parameter("conv.weight"));
        Assert.True(before.IsInvalid);
        Assert.Equal(ScalarType.Int64, net.get_buffer("norm.num_batches_tracked")!.dtype);
        Assert.Equal([4, 3], net[4].call(randn(4, 48, dtype: float64, device: META)).shape);
        net.to(META, ScalarType.Float32);
        Assert.All(net.parameters(), p => Assert.Equal(ScalarType.Float32, p.dtype));
        if (!cuda.is_available()) Assert.Throws<InvalidOperationException>(() => Net().cuda());
    }

    [CudaFact]
    public void Training_there_is_training_here()
    {
        using var scope = NewDisposeScope();
        foreach (var make in new Func<IEnumerable<Parameter>, optim.Optimizer>[]
        {
            p => optim.Adam(p, 0.01, weight_decay: 0.1, amsgrad: true), p => optim.AdamW(p, 0.01, weight_decay: 0.1, maximize: true),
            p => optim.SGD(p, 0.01, 0.9, nesterov: true), p => optim.RMSProp(p, 0.01, momentum: 0.5, centered: true),
        })
        {
            using var here = Net();
            using var there = Net().cuda();
            using var one = make(here.parameters());
            using var other = make(there.parameters());
            manual_seed(1);
            var x = randn(16, 2, 8, dtype: float64);
            var y = randn(16, 3, dtype: float64);
            for (var i = 0; i < 10; i++)
            {
                one.zero_grad();
                other.zero_grad();
                nn.functional.mse_loss(here.call(x), y).backward();
                nn.functional.mse_loss(there.call(x.cuda()), y.cuda()).backward();
                Assert.Equal(nn.utils.clip_grad_norm_(here.parameters(), 0.5), nn.utils.clip_grad_norm_(there.parameters(), 0.5), 1e-9);
                one.step();
                other.step();
            }
            foreach (var (name, t) in here.state_dict()) Assert.True(there.state_dict()[name].cpu().allclose(t, 1e-9, 1e-9), name);
        }
    }

    [CudaFact]
    public void State_travels_between_devices()
    {
        using var scope = NewDisposeScope();
        using var here = Net();
        using var there = Net().cuda();
        there.load_state_dict(here.state_dict());
        using var stream = new MemoryStream();
        there.save(stream);
        stream.Position = 0;
        using var again = Net().cuda();
        again.load(stream);
        foreach (var (name, t) in here.state_dict())
        {
            Assert.True(again.state_dict()[name].is_cuda);
            Assert.True(again.state_dict()[name].cpu().equal(t).all().ToBoolean(), name);
        }
        using var adam = optim.Adam(there.parameters());
        there.call(randn(4, 2, 8, dtype: float64, device: CUDA)).sum().backward();
        adam.step();
        using var bytes = new MemoryStream();
        using (var writer = new BinaryWriter(bytes, System.Text.Encoding.UTF8, true)) adam.save_state_dict(writer);
        bytes.Position = 0;
        using var copy = optim.Adam(again.parameters());
        using (var reader = new BinaryReader(bytes)) copy.load_state_dict(reader);
        Assert.True(adam.state_dict().State[0].ApproximatelyEquals(copy.state_dict().State[0]));
    }

    [CudaFact]
    public void Recurrent_networks_there_are_those_here()
    {
        using var scope = NewDisposeScope();
        using var lstm = nn.LSTM(3, 4, numLayers: 2, bidirectional: true, dtype: float64);
        using var gru = nn.GRU(3, 4, dtype: float64);
        var x = randn(5, 2, 3, dtype: float64);
        var (a, b) = (lstm.call(x).Item1, gru.call(x).Item1);
        lstm.cuda();
        gru.cuda();
        Assert.True(lstm.call(x.cuda()).Item1.cpu().allclose(a, 1e-9, 1e-9));
        Assert.True(gru.call(x.cuda()).Item1.cpu().allclose(b, 1e-9, 1e-9));
    }
}
