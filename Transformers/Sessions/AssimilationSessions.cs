using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace DaML.Components;

/// <summary>
/// Sessions by name, of pipelines by name: each is begun or resumed when it is first used, written to its file as it advances, and leaves
/// the memory when others need its place. Uses of one session take turns; sessions run at once.
/// </summary>
public sealed partial class AssimilationSessions : IDisposable
{
    private readonly IReadOnlyDictionary<string, Lazy<ITransformer>> pipelines;
    private readonly AssimilationSessionOptions options;
    private readonly ConcurrentDictionary<(string Pipeline, string Name), Entry> entries = [];
    private readonly FileStream? holding;
    private long uses;
    private volatile bool disposed;

    /// <summary>Makes a pool.</summary>
    /// <param name="pipelines">The sequential methods, each made when it is first needed, by the names of their pipelines.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    /// <exception cref="ArgumentException">A setting is out of its range, or a pipeline's name cannot be the name of a folder.</exception>
    /// <exception cref="IOException">Another process uses the folder.</exception>
    public AssimilationSessions(IEnumerable<KeyValuePair<string, Func<ITransformer>>> pipelines, AssimilationSessionOptions? options = null)
    {
        this.options = options ?? new();
        Require.AtLeast(this.options.Capacity, 1, nameof(this.options.Capacity));
        Require.AtLeast(this.options.CheckpointEvery, 1, nameof(this.options.CheckpointEvery));
        Require.Finite(this.options.StartTime, nameof(this.options.StartTime));
        this.pipelines = pipelines.ToDictionary(pipeline => Valid(pipeline.Key, "pipeline"),
            pipeline => new Lazy<ITransformer>(pipeline.Value));
        if (this.options.Folder is not { } folder) return;
        Directory.CreateDirectory(folder);
        try { holding = new FileStream(Path.Combine(folder, "in-use"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None); }
        catch (IOException taken)
        {
            throw new IOException($"Another process uses the folder of sessions '{Path.GetFullPath(folder)}': {taken.Message}", taken);
        }
    }

    private sealed class Entry
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);
        public AssimilationSession? Session { get; set; }
        public long SavedCycles { get; set; }
        public string? SavedAttachment { get; set; }
        public long LastUse { get; set; }
        public bool Gone { get; set; }
        public bool IsSaved => Session is not { } session
            || session.Cycles == SavedCycles && session.Attachment == SavedAttachment;
    }

    /// <summary>The names of the pipelines.</summary>
    public IReadOnlyCollection<string> Pipelines => [.. pipelines.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The number of sessions in memory.</summary>
    public int InMemory => entries.Values.Count(entry => entry.Session is not null);

    /// <summary>The method of a pipeline.</summary>
    /// <param name="pipeline">The pipeline's name.</param>
    /// <exception cref="KeyNotFoundException">There is no such pipeline.</exception>
    public ITransformer Method(string pipeline) => pipelines.TryGetValue(pipeline, out var method) ? method.Value
        : throw new KeyNotFoundException($"There is no pipeline '{pipeline}'; there are: {string.Join(", ", Pipelines)}.");

    /// <summary>The sessions of a pipeline, in memory or in files.</summary>
    /// <param name="pipeline">The pipeline's name.</param>
    /// <exception cref="KeyNotFoundException">There is no such pipeline.</exception>
    public IReadOnlyList<string> Names(string pipeline)
    {
        Known(pipeline);
        var names = entries.Where(entry => entry.Key.Pipeline == pipeline && entry.Value.Session is not null)
            .Select(entry => entry.Key.Name);
        if (options.Folder is { } folder && Path.Combine(folder, pipeline) is var files && Directory.Exists(files))
            names = names.Concat(Directory.EnumerateFiles(files, "*.session").Select(file => Path.GetFileNameWithoutExtension(file)));
        return [.. names.Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>Whether a session was begun.</summary>
    /// <param name="pipeline">The pipeline's name.</param>
    /// <param name="name">The session's name.</param>
    /// <exception cref="KeyNotFoundException">There is no such pipeline.</exception>
    public bool Exists(string pipeline, string name)
    {
        Known(pipeline);
        return NameFormat().IsMatch(name)
            && (entries.TryGetValue((pipeline, name), out var entry) && entry.Session is not null || FileOf(pipeline, name) is { } file
                && File.Exists(file));
    }

    /// <summary>
    /// Uses a session, which nothing else uses meanwhile. Its file is written before the result is returned, if that is due or if only the
    /// attachment changed. If the use fails after or within a cycle, or the file cannot be written, the session goes back to where it was
    /// last written; without a folder, to its start.
    /// </summary>
    /// <param name="pipeline">The pipeline's name.</param>
    /// <param name="name">The session's name: letters of ASCII, digits, <c>.</c>, <c>_</c> and <c>-</c>, at most 64, the first a letter or
    /// a digit.</param>
    /// <param name="use">What to do with it.</param>
    /// <param name="cancellation">Cancels the wait for the session's turn.</param>
    /// <typeparam name="TResult">The result's type.</typeparam>
    /// <exception cref="KeyNotFoundException">There is no such pipeline.</exception>
    /// <exception cref="ArgumentException">The name is not of that form.</exception>
    /// <exception cref="InvalidOperationException">The memory is full, and there is no folder to write sessions to.</exception>
    /// <exception cref="ModelArchiveException">The session's file is damaged, or of another method.</exception>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public async Task<TResult> UseAsync<TResult>(string pipeline, string name, Func<AssimilationSession, TResult> use,
        CancellationToken cancellation = default)
    {
        var method = Method(pipeline);
        var key = (pipeline, Valid(name, "session"));
        while (true)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            var entry = entries.GetOrAdd(key, _ => new Entry());
            await entry.Gate.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                if (entry.Gone) continue;
                ObjectDisposedException.ThrowIf(disposed, this);
                try
                {
                    MakeRoom(entry);
                    Open(entry, method, pipeline, name);
                    return Used(entry, use, FileOf(pipeline, name));
                }
                finally
                {
                    if (entry.Session is null) Remove(key, entry);
                }
            }
            finally { entry.Gate.Release(); }
        }
    }

    /// <summary>Ends a session and deletes its file.</summary>
    /// <param name="pipeline">The pipeline's name.</param>
    /// <param name="name">The session's name.</param>
    /// <param name="cancellation">Cancels the wait for the session's turn.</param>
    /// <returns>Whether there was such a session.</returns>
    /// <exception cref="KeyNotFoundException">There is no such pipeline.</exception>
    public async Task<bool> EndAsync(string pipeline, string name, CancellationToken cancellation = default)
    {
        if (!Exists(pipeline, name)) return false;
        var entry = entries.GetOrAdd((pipeline, name), _ => new Entry());
        await entry.Gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            Leave(entry);
            Remove((pipeline, name), entry);
            if (FileOf(pipeline, name) is { } file) File.Delete(file);
            return true;
        }
        finally { entry.Gate.Release(); }
    }

    /// <summary>Writes every session that is ahead of its file, and releases all. A use in progress ends first.</summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        foreach (var ((pipeline, name), entry) in entries)
        {
            entry.Gate.Wait();
            try
            {
                if (!entry.IsSaved && FileOf(pipeline, name) is { } file) Save(entry, file);
                Leave(entry);
            }
            finally { entry.Gate.Release(); }
        }
        holding?.Dispose();
    }

    private void Known(string pipeline)
    {
        if (!pipelines.ContainsKey(pipeline)) Method(pipeline);
    }

    private string? FileOf(string pipeline, string name) =>
        options.Folder is { } folder ? Path.Combine(folder, pipeline, name + ".session") : null;

    private void Open(Entry entry, ITransformer method, string pipeline, string name)
    {
        entry.LastUse = Interlocked.Increment(ref uses);
        if (entry.Session is not null) return;
        entry.Session = FileOf(pipeline, name) is { } file && File.Exists(file) ? AssimilationSession.Restore(method, file)
            : AssimilationSession.Begin(method, options.StartTime);
        (entry.SavedCycles, entry.SavedAttachment) = (entry.Session.Cycles, entry.Session.Attachment);
    }

    private TResult Used<TResult>(Entry entry, Func<AssimilationSession, TResult> use, string? file)
    {
        var session = entry.Session!;
        var (cycles, attachment) = (session.Cycles, session.Attachment);
        TResult result;
        try { result = use(session); }
        catch
        {
            // A refused call has changed nothing, and begins no session; otherwise the last file says where the session was.
            bool began = cycles > 0 || attachment is not null;
            if (began && session.IsAlive && session.Cycles == cycles) session.Attachment = attachment;
            else Leave(entry);
            throw;
        }
        long ahead = session.Cycles - entry.SavedCycles;
        if (file is null || entry.IsSaved || ahead > 0 && ahead < options.CheckpointEvery) return result;
        try { Save(entry, file); }
        catch
        {
            Leave(entry);
            throw;
        }
        return result;
    }

    private static void Save(Entry entry, string file)
    {
        entry.Session!.Save(file);
        (entry.SavedCycles, entry.SavedAttachment) = (entry.Session.Cycles, entry.Session.Attachment);
    }

    // Sends sessions that nothing uses to their files until there is room for one more.
    private void MakeRoom(Entry newcomer)
    {
        if (newcomer.Session is not null || InMemory < options.Capacity) return;
        if (options.Folder is null)
            throw new InvalidOperationException(
                $"There are {InMemory} sessions, as many as the memory may hold. End one, raise the capacity, or name a folder for " +
                    "sessions.");
        foreach (var ((pipeline, name), entry) in entries.OrderBy(entry => entry.Value.LastUse).ToList())
        {
            if (ReferenceEquals(entry, newcomer) || !entry.Gate.Wait(0)) continue;
            try
            {
                if (entry.Session is null) continue;
                if (!entry.IsSaved) Save(entry, FileOf(pipeline, name)!);
                Leave(entry);
                Remove((pipeline, name), entry);
            }
            finally { entry.Gate.Release(); }
            if (InMemory < options.Capacity) return;
        }
    }

    private static void Leave(Entry entry)
    {
        entry.Session?.Dispose();
        entry.Session = null;
    }

    private void Remove((string, string) key, Entry entry)
    {
        entry.Gone = true;
        entries.TryRemove(new(key, entry));
    }

    private static string Valid(string name, string what) => NameFormat().IsMatch(name) ? name
        : throw new ArgumentException(
            $"The name of a {what} has 1 to 64 letters of ASCII, digits, '.', '_' and '-', the first a letter or a digit; given: " +
                $"'{name}'.");

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
    private static partial Regex NameFormat();
}
