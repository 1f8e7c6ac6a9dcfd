namespace DaML.LibTorch;

/// <summary>
/// How often values of tensors were asked for: as numbers, as arrays, or by a move to the processor. Each makes the processor
/// wait for a device, and none is possible in work that is recorded (<see cref="CudaGraph"/>).
/// </summary>
public static class HostReads
{
    [ThreadStatic] private static long count;

    /// <summary>Number of times so far, on this thread.</summary>
    public static long OfThisThread => count;

    internal static void Note() => count++;
}
