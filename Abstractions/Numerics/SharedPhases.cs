namespace DaML.Components;

/// <summary>
/// Runs work in phases over several threads: the pieces of a phase are independent, and a phase begins when the one before has ended.
/// Whichever thread is free takes the next piece, so a delayed thread delays one piece only. Between phases threads wait without
/// sleeping, for some microseconds.
/// </summary>
internal sealed class SharedPhases
{
    private readonly long pieces, end;
    private readonly Action<int, int> work;
    private long taken, done;
    private Exception? failure;

    private SharedPhases(int phases, int pieces, Action<int, int> work) =>
        (this.pieces, end, this.work) = (pieces, (long)phases * pieces, work);

    /// <summary>Runs all phases.</summary>
    /// <param name="threads">The largest number of threads that share the work, the caller's included.</param>
    /// <param name="phases">Number of phases.</param>
    /// <param name="pieces">Number of pieces of each phase.</param>
    /// <param name="work">Does a piece: (phase, piece).</param>
    public static void Run(int threads, int phases, int pieces, Action<int, int> work)
    {
        threads = Math.Min(threads, pieces);
        if (threads <= 1)
        {
            for (int phase = 0; phase < phases; phase++)
                for (int piece = 0; piece < pieces; piece++) work(phase, piece);
            return;
        }
        var shared = new SharedPhases(phases, pieces, work);
        var helpers = new Task[threads - 1];
        for (int i = 0; i < helpers.Length; i++) helpers[i] = Task.Run(shared.Help);
        shared.Help();
        // A helper that has not begun finds nothing to do; nothing here outlives the call because of it.
        Task.WaitAll(helpers);
        if (shared.failure is { } failed) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failed);
    }

    // The pieces of all phases are one sequence. A thread takes the next and waits until all before its phase are done.
    private void Help()
    {
        long next;
        while ((next = Interlocked.Increment(ref taken) - 1) < end)
        {
            long before = next - next % pieces;
            var wait = new SpinWait();
            while (Volatile.Read(ref done) < before) wait.SpinOnce(sleep1Threshold: -1);
            try { if (Volatile.Read(ref failure) is null) work((int)(next / pieces), (int)(next % pieces)); }
            catch (Exception e) { Interlocked.CompareExchange(ref failure, e, null); }
            Interlocked.Increment(ref done);
        }
        var last = new SpinWait();
        while (Volatile.Read(ref done) < end) last.SpinOnce(sleep1Threshold: -1);
    }
}
