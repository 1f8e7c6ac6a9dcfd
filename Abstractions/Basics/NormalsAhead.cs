using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The next normal numbers of a stream, drawn by another thread while the caller uses those before: a generator goes through its numbers
/// one by one, on one core. Numbers that are not asked for are withdrawn, and the generator is where it was.
/// </summary>
internal sealed class NormalsAhead
{
    // Below the first, a draw takes less than a hundred microseconds; above the second, a second set takes memory.
    private const long Fewest = 1 << 13, Most = 1 << 21;

    private readonly Generator generator;
    private readonly Tensor before;
    private readonly Task<Tensor> draw;

    private NormalsAhead(Generator generator, long[] shape, ScalarType dtype)
    {
        this.generator = generator;
        before = generator.get_state().DetachFromDisposeScope();
        draw = Task.Run(() => randn(shape, dtype: dtype, generator: generator));
    }

    /// <summary>Whether drawing ahead pays for such numbers: they are many, on the processor, which more than one thread may use.</summary>
    public static bool Pays(long[] shape, Device device) =>
        device.type == DeviceType.CPU && shape.Aggregate(1L, (product, size) => product * size) is >= Fewest and <= Most
        && get_num_threads() > 1;

    /// <summary>Begins to draw. Nothing else may use the generator until the numbers are taken or withdrawn.</summary>
    public static NormalsAhead Begin(Generator generator, long[] shape, ScalarType dtype) => new(generator, [.. shape], dtype);

    /// <summary>The numbers, in the dispose scope of the caller.</summary>
    public Tensor Take()
    {
        before.Dispose();
        using var numbers = draw.GetAwaiter().GetResult();
        return numbers.alias();
    }

    /// <summary>Puts the generator back to where it was.</summary>
    public void Withdraw()
    {
        using (before)
        using (draw.GetAwaiter().GetResult()) generator.set_state(before);
    }
}
