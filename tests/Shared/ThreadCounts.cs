using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The number of libtorch's threads is the process's: tests that change it run with no other beside them.</summary>
[CollectionDefinition(nameof(ThreadCounts), DisableParallelization = true)]
public sealed class ThreadCounts
{
    /// <summary>What is computed with so many threads.</summary>
    internal static T With<T>(int threads, Func<T> compute)
    {
        int before = get_num_threads();
        set_num_threads(threads);
        try { return compute(); }
        finally { set_num_threads(before); }
    }
}
