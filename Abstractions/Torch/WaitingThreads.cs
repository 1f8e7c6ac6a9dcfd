namespace DaML.Components;

/// <summary>
/// The way the threads of libtorch's OpenMP library wait for work: they spin for a thousand turns, some microseconds, and then sleep.
/// Without a limit they spin for milliseconds, which starves other programs on the same cores (docs/performance.md).
/// </summary>
internal static class WaitingThreads
{
    private const string Spins = "GOMP_SPINCOUNT", Policy = "OMP_WAIT_POLICY";

    /// <summary>Sets the limit if the user has not chosen one; GNU's OpenMP library reads it when it is loaded.</summary>
    /// <param name="get">Reads an environment variable; null if it is not set.</param>
    /// <param name="set">Sets an environment variable for this process.</param>
    public static void Apply(Func<string, string?> get, Action<string, string> set)
    {
        if (get(Policy) is null && get(Spins) is null) set(Spins, "1000");
    }
}
