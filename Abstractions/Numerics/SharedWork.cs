using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Loops over independent pieces of work, shared among threads if that pays. No result depends on the number of threads: a piece is
/// computed by one thread, from its own numbers alone.
/// </summary>
internal static class SharedWork
{
    /// <summary>
    /// The time of one floating-point operation of a vectorised loop on one thread, in nanoseconds: an estimate for
    /// <see cref="ForEach"/>.
    /// </summary>
    public const double Operation = 0.25;

    // The one threshold: nanoseconds of work that each thread must have. On an AMD EPYC (Zen 4, 2.6 GHz, two cores) a loop shared by two
    // threads took 3 microseconds more than its work, and up to 20 while other programs held the cores: a fifth of a share at most.
    private const double WorthAThread = 100_000;

    // The number of shares for each thread: a delayed thread leaves its work to the others.
    private const int SharesPerThread = 8;

    /// <summary>
    /// The number of threads that pays for the work: at least one, and at most as many as libtorch would use for an operator.
    /// </summary>
    /// <param name="pieces">The number of pieces.</param>
    /// <param name="nanoseconds">The time that a piece takes on one thread, estimated.</param>
    public static int Threads(long pieces, double nanoseconds)
    {
        double worth = Math.Min(pieces, pieces * nanoseconds / WorthAThread);
        return worth < 2 ? 1 : (int)Math.Min(worth, get_num_threads());
    }

    /// <summary>Does pieces 0 to <paramref name="pieces"/> - 1 on as many threads as pay.</summary>
    /// <param name="pieces">The number of pieces.</param>
    /// <param name="nanoseconds">The time that a piece takes on one thread, estimated.</param>
    /// <param name="share">Does the pieces from its first argument up to its second.</param>
    public static void ForEach(long pieces, double nanoseconds, Action<long, long> share)
    {
        int threads = Threads(pieces, nanoseconds);
        if (threads == 1)
        {
            share(0, pieces);
            return;
        }
        long shares = Math.Min(pieces, SharesPerThread * (long)threads);
        Parallel.For(0, shares, new ParallelOptions { MaxDegreeOfParallelism = threads }, part =>
            share(pieces * part / shares, pieces * (part + 1) / shares));
    }
}
