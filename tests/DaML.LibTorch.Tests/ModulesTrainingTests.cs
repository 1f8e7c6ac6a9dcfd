using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A small convolutional network of the kind the project trains, from construction to a falling loss.</summary>
[Collection(nameof(ThreadCountTests))]
public sealed class ModulesTrainingTests
{
    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly Conv1d conv;
        private readonly BatchNorm1d norm;
        private readonly Mish act;

        public Block(long channels) : base(nameof(Block))
        {
            conv = nn.Conv1d(channels, channels, 5, padding: 2, padding_mode: PaddingModes.Circular);
            norm = nn.BatchNorm1d(channels);
            act = nn.Mish();
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var y = conv.call(x);
            using var z = norm.call(y);
            using var a = act.call(z);
            return a + x;
        }
    }

    private sealed class Network : nn.Module<Tensor, Tensor>
    {
        private readonly Conv1d first;
        private readonly ModuleList<Block> blocks;
        private readonly Sequential last;

        public Network(long channels, int depth) : base(nameof(Network))
        {
            first = nn.Conv1d(1, channels, 5, padding: 2, padding_mode: PaddingModes.Circular);
            blocks = nn.ModuleList(Enumerable.Range(0, depth).Select(_ => new Block(channels)).ToArray());
            last = nn.Sequential(nn.Mish(), nn.Conv1d(channels, 1, 1));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            var y = first.call(x);
            foreach (var block in blocks)
            {
                var z = block.call(y);
                y.Dispose();
                y = z;
            }
            using (y) return last.call(y);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    public void A_training_run_lowers_the_loss_and_holds_its_memory(ScalarType type)
    {
        // On a busy machine convolutions of this size wait for their second thread longer than they compute.
        var threads = get_num_threads();
        set_num_threads(1);
        try
        {
            TrainAndCheck(type);
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    private static void TrainAndCheck(ScalarType type)
    {
        manual_seed(1);
        using var net = new Network(4, 1).to(type);
        using var adam = optim.AdamW(net.parameters(), lr: 3e-3, weight_decay: 1e-4);
        var loss = nn.MSELoss();
        using var x = randn([8, 1, 12], dtype: type);
        using var target = roll(x, 1L, 2L) * 0.5;

        double Step()
        {
            using var scope = NewDisposeScope();
            adam.zero_grad();
            var l = loss.call(net.call(x), target);
            l.backward();
            nn.utils.clip_grad_norm_(net.parameters(), 1.0);
            adam.step();
            return l.ToDouble();
        }

        var before = Step();
        for (var i = 0; i < 50; i++) Step();
        var live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        GC.Collect();
        var resident = Environment.WorkingSet;
        double after = 0;
        for (var i = 0; i < 1000; i++) after = Step();

        Assert.True(after < before / 5, $"loss {before} -> {after}");
        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.True(Environment.WorkingSet - resident < 64 << 20, $"the process grew by {(Environment.WorkingSet - resident) >> 20} MB in 1000 steps");
    }
}
