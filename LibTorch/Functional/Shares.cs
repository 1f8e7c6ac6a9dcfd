using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>Loops over elements, shared among as many threads as libtorch may use.</summary>
internal static class Shares
{
    // Below this many elements a thread has not enough to do.
    private const int Grain = 1 << 15;

    /// <summary>Runs <paramref name="body"/> on ranges [from, to) that together are [0, n).</summary>
    internal static void Run(long n, Action<long, long> body)
    {
        var threads = (int)Math.Min(n / Grain, get_num_threads());
        if (threads <= 1)
        {
            body(0, n);
            return;
        }
        // Whole cache lines each, whatever the element.
        var share = ((n + threads - 1) / threads + 63) / 64 * 64;
        Parallel.For(0, threads, i => body(Math.Min(n, i * share), Math.Min(n, (i + 1) * share)));
    }
}
