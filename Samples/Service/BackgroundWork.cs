using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace DaML.Samples.Service;

/// <summary>
/// Makes the pipelines when the service starts, after which it is ready, and assimilates batches that have waited too long.
/// </summary>
internal sealed partial class BackgroundWork(AssimilationSessions sessions, SessionDesk desk, ServiceOptions options, TimeProvider clock,
    ILogger<BackgroundWork> logger) : BackgroundService, IHealthCheck
{
    private volatile string state = "The pipelines are being made.";

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(state.Length == 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(state));

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        stoppingToken.Register(() => state = "The service is stopping.");
        try
        {
            foreach (string pipeline in sessions.Pipelines) sessions.Method(pipeline);
        }
        catch (Exception wrong) when (wrong is ArgumentException or IOException or InvalidOperationException)
        {
            state = wrong.Message;
            LogUnready(wrong.Message);
            return;
        }
        foreach (string pipeline in sessions.Pipelines)
            foreach (string name in sessions.Names(pipeline))
                await Guarded(pipeline, name, () => desk.Look(pipeline, name, stoppingToken));
        if (!stoppingToken.IsCancellationRequested) state = "";
        LogReady(sessions.Pipelines.Count);

        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(Math.Clamp(options.HoldSeconds / 4, 0.05, 1)), clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await Parallel.ForEachAsync(desk.Waiting, stoppingToken, async (waiting, stopping) =>
                    await Guarded(waiting.Pipeline, waiting.Name, () => desk.Release(waiting.Pipeline, waiting.Name, stopping)));
        }
        catch (OperationCanceledException) { }
    }

    // One session that cannot be used is no reason to leave the others.
    private async Task Guarded(string pipeline, string name, Func<Task> work)
    {
        try { await work(); }
        catch (Exception wrong) when (wrong is not OperationCanceledException) { LogUnusable(pipeline, name, wrong.Message); }
    }

    [LoggerMessage(10, LogLevel.Information, "Ready, with {Pipelines} pipelines")]
    private partial void LogReady(int pipelines);

    [LoggerMessage(11, LogLevel.Critical, "The service cannot become ready: {Reason}")]
    private partial void LogUnready(string reason);

    [LoggerMessage(12, LogLevel.Error, "{Pipeline}/{Session} cannot be used: {Reason}")]
    private partial void LogUnusable(string pipeline, string session, string reason);
}
