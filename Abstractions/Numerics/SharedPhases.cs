namespace DaML.Components;

/// <summary>
/// Runs work in phases over several threads: the pieces of a phase are independent, and a phase begins when the one before has ended.
/// Whichever thread is free takes the next piece, so a delayed thread delays one piece only. Between phases threads wait without
/// sleeping, for some microseconds.
/// </summary>
internal static class SharedPhases
{
    /// <summary>Runs all phases.</summary>
    /// <param name="threads">The largest number of threads that share the work, the caller's included.</param>
    /// <param name="pieces">Number of pieces of each phase.</param>
    /// <param name="work">Does a piece: (phase, piece).</param>
    public static void Run(int threads, IReadOnlyList<int> pieces, Action<int, int> work)
    {
        threads = Math.Min(threads, pieces.Max());
        if (threads <= 1)
        {
            for (int phase = 0; phase < pieces.Count; phase++)
                for (int piece = 0; piece < pieces[phase]; piece++) work(phase, piece);
            return;
        }
        var taken = new int[pieces.Count];
        var done = new int[pieces.Count];
        Exception? failure = null;

        void Worker()
        {
            for (int phase = 0; phase < pieces.Count; phase++)
            {
                int piece;
                while ((piece = Interlocked.Increment(ref taken[phase]) - 1) < pieces[phase])
                {
                    try { if (Volatile.Read(ref failure) is null) work(phase, piece); }
                    catch (Exception e) { Interlocked.CompareExchange(ref failure, e, null); }
                    Interlocked.Increment(ref done[phase]);
                }
                var wait = new SpinWait();
                while (Volatile.Read(ref done[phase]) < pieces[phase]) wait.SpinOnce(sleep1Threshold: -1);
            }
        }

        var helpers = new Task[threads - 1];
        for (int i = 0; i < helpers.Length; i++) helpers[i] = Task.Run(Worker);
        Worker();
        // A helper that has not begun finds nothing to do; nothing here outlives the call because of it.
        Task.WaitAll(helpers);
        if (failure is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }
}
