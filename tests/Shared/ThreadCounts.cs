using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Tests that change the number of libtorch's threads run with no other beside them: it is the calling thread's, and that of
/// every thread that has not used libtorch yet; a thread that has keeps the number it began with.
/// </summary>
[CollectionDefinition(nameof(ThreadCounts), DisableParallelization = true)]
public sealed class ThreadCounts
{
    /// <summary>What the calling thread computes with so many threads.</summary>
    internal static T With<T>(int threads, Func<T> compute)
    {
        int before = get_num_threads();
        set_num_threads(threads);
        try { return compute(); }
        finally { set_num_threads(before); }
    }
}
