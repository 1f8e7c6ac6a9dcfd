using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

[Collection(nameof(ThreadCounts))]
public sealed class ShallowWaterThreadTests
{
    /// <summary>Neither the number of threads, nor of kept states, nor the company of other vectors changes a bit.</summary>
    [Fact]
    public void Threads_kept_states_and_blocks_change_no_bit()
    {
        using var scope = NewDisposeScope();
        var model = new ShallowWater(new ShallowWaterOptions { CellsX = 30, CellsY = 22, WindStress = 0.1 });
        var large = new ShallowWater(new ShallowWaterOptions { CellsX = 200, CellsY = 180, TimeStep = 600, WindStress = 0.1 });
        var interval = new TimeInterval(0, 11 * model.TimeStep);
        Tensor x = ShallowWaters.Random(model, 1, 6), block = ShallowWaters.Random(model, 2, 6, 21), field = ShallowWaters.Random(large, 3);
        List<byte[]>? expected = null;
        foreach (int threads in (int[])[1, 2, 4])
            foreach (int kept in (int[])[1, 4, 100])
                ThreadCounts.With(threads, () =>
                {
                    using var linear = model.Linearise(x, interval, new() { KeptStates = kept });
                    List<byte[]> found = [model.Advance(x, interval).Bits(), large.Advance(field, new TimeInterval(0, 3 * 600)).Bits(),
                        linear.TangentLinear(block).Bits(), linear.Adjoint(block).Bits()];
                    expected ??= found;
                    for (int i = 0; i < found.Count; i++) Assert.Equal(expected[i], found[i]);
                    Assert.Equal(linear.TangentLinear(block.select(1, 3)).Bits(), linear.TangentLinear(block).select(1, 3).Bits());
                    Assert.Equal(linear.Adjoint(block.select(1, 17)).Bits(), linear.Adjoint(block).select(1, 17).Bits());
                    Assert.Equal(model.Advance(x[5], interval).Bits(), linear.End[5].Bits());
                    return 0;
                });
    }
}
