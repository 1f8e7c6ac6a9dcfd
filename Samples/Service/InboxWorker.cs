using DaML.Components;

namespace DaML.Samples.Service;

/// <summary>
/// Takes batches from a folder: files <c>INBOX/PIPELINE/SESSION/*.json</c>, in order of their names. A sender writes a file under another
/// ending and renames it; so a file of that ending is whole. One that was taken moves to <c>done/</c>, one that was refused to
/// <c>refused/</c>, beside a <c>.problem</c> that says why. After a crash a file is taken again, and is then a repeated batch.
/// </summary>
internal sealed partial class InboxWorker(SessionDesk desk, ServiceOptions options, TimeProvider clock, ILogger<InboxWorker> logger)
    : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Inbox is not { } inbox) return;
        Directory.CreateDirectory(inbox);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.InboxSeconds), clock);
        try
        {
            do await Look(inbox, stoppingToken);
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) { }
    }

    private async Task Look(string inbox, CancellationToken cancellation)
    {
        foreach (string pipeline in Directory.GetDirectories(inbox).Order(StringComparer.Ordinal))
            foreach (string session in Directory.GetDirectories(pipeline).Order(StringComparer.Ordinal))
                foreach (string file in Directory.GetFiles(session, "*.json").Order(StringComparer.Ordinal))
                {
                    cancellation.ThrowIfCancellationRequested();
                    try { await Take(Path.GetFileName(pipeline), Path.GetFileName(session), file, cancellation); }
                    catch (Exception wrong) when (wrong is IOException or UnauthorizedAccessException or ModelArchiveException)
                    {
                        // It stays where it is and is tried again.
                        LogUnreadable(file, wrong.Message);
                        break;
                    }
                }
    }

    private async Task Take(string pipeline, string session, string file, CancellationToken cancellation)
    {
        string? problem;
        try
        {
            if (new FileInfo(file).Length > options.LargestBody)
                throw new MalformedBatchException($"A file of a batch has at most {options.LargestBody} bytes.");
            var batch = ObservationBatch.Read(await File.ReadAllBytesAsync(file, cancellation), Path.GetFileNameWithoutExtension(file));
            problem = (await desk.Submit(pipeline, session, batch, cancellation)) is { Outcome: BatchOutcome.Refused } refused
                ? refused.Reason : null;
        }
        catch (Exception wrong) when (wrong is MalformedBatchException or KeyNotFoundException or ArgumentException or DivergenceException)
        {
            problem = wrong.Message;
        }
        string folder = Path.Combine(Path.GetDirectoryName(file)!, problem is null ? "done" : "refused");
        string left = Path.Combine(folder, Path.GetFileName(file));
        Directory.CreateDirectory(folder);
        if (problem is not null) AtomicFile.WriteText(left + ".problem", problem + "\n");
        File.Move(file, left, overwrite: true);
        LogTaken(file, problem ?? "taken");
    }

    [LoggerMessage(20, LogLevel.Debug, "{File}: {Outcome}")]
    private partial void LogTaken(string file, string outcome);

    [LoggerMessage(21, LogLevel.Error, "{File} stays in the inbox: {Reason}")]
    private partial void LogUnreadable(string file, string reason);
}
