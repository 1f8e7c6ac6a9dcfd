namespace DaML.LibTorch;

/// <summary>
/// Sees to it that large tensors nobody disposed are collected in time: the collector knows the wrappers (a hundred
/// bytes each), not the memory behind them. It is asked to look when what is held has grown by half, and by 256 MB at
/// least; programs that dispose never get there. (GC.AddMemoryPressure bounds the memory too, but asks for a full
/// collection every few megabytes, however promptly they are given back.)
/// </summary>
internal static class ForgottenMemory
{
    // Smaller tensors weigh little against their wrappers and are not counted.
    internal const long Smallest = 64 * 1024;
    private const long Step = 256L << 20;

    private static long held;
    private static long limit = Step;
    private static int collecting;

    internal static void Taken(long bytes)
    {
        var now = Interlocked.Add(ref held, bytes);
        if (now <= Volatile.Read(ref limit) || Interlocked.Exchange(ref collecting, 1) != 0) return;
        Volatile.Write(ref limit, Above(now));
        GC.Collect();
        Volatile.Write(ref collecting, 0);
    }

    internal static void GivenBack(long bytes, bool forgotten)
    {
        var now = Interlocked.Add(ref held, -bytes);
        if (forgotten) Volatile.Write(ref limit, Above(now));
    }

    private static long Above(long now) => now + Math.Max(Step, now / 2);
}
