using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace DaML.Samples;

/// <summary>Shows how far long work has come: a live bar on a terminal, a plain line now and then where the output is redirected.</summary>
internal static class ProgressDisplay
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(10);

    public static T Track<T>(IAnsiConsole console, bool quiet, Func<IProgress<ProgressReport>, T> work)
    {
        if (quiet) return work(new Silence());
        if (!console.Profile.Out.IsTerminal || !console.Profile.Capabilities.Ansi) return work(new Lines(console));
        return console.Progress()
            .AutoClear(false)
            .HideCompleted(false)
            .Columns(new ProgressBarColumn { Width = Math.Clamp(console.Profile.Width / 4, 8, 30) }, new PercentageColumn(),
                new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(display => work(new Bars(display)));
    }

    /// <summary>
    /// The first two figures, the rate and the time left, for instance <c>loss 0.094, validation rmse 0.262, 41/s, 1:20 left</c>.
    /// </summary>
    private static string Figures(ProgressReport report, WorkRate rate)
    {
        var parts = report.Metrics.Take(2).Select(metric => $"{metric.Key} {Number(metric.Value)}").ToList();
        if (rate.PerSecond is { } speed) parts.Add(Rate(speed));
        if (rate.Remaining is { } left) parts.Add($"{Clock(left)} left");
        return string.Join(", ", parts);
    }

    /// <summary>How much of the work is done, by units or by time where a limit of time comes first; null where it is not known.</summary>
    private static double? Share(ProgressReport report)
    {
        double? units = report.Total is { } total ? Math.Clamp((double)report.Completed / Math.Max(total, 1), 0, 1) : null;
        double? time = report.Remaining is { } left && report.Elapsed + left > TimeSpan.Zero ? report.Elapsed / (report.Elapsed + left)
            : null;
        return units is null ? time : Math.Max(units.Value, time ?? 0);
    }

    private static WorkRate Measured(Dictionary<string, WorkRate> rates, ProgressReport report)
    {
        if (!rates.TryGetValue(report.Activity, out var rate)) rates.Add(report.Activity, rate = new WorkRate());
        rate.Add(report);
        return rate;
    }

    private static string Clock(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}")
        : string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalMinutes}:{time.Seconds:00}");

    // In the unit of time in which there is at least one.
    private static string Rate(double perSecond) => perSecond >= 1 ? Three(perSecond) + "/s"
        : perSecond * 60 >= 1 ? Three(perSecond * 60) + "/min" : Three(perSecond * 3600) + "/h";

    private static string Three(double value) => value.ToString(value >= 100 ? "0" : "0.#", CultureInfo.InvariantCulture);

    private static string Number(double value) =>
        value.ToString(Math.Abs(value) is 0 or (>= 1e-3 and < 1e5) ? "0.####" : "0.##e+0", CultureInfo.InvariantCulture);

    private sealed class Silence : IProgress<ProgressReport>
    {
        public void Report(ProgressReport report) { }
    }

    private sealed class Bars(ProgressContext display) : IProgress<ProgressReport>
    {
        private readonly Dictionary<string, ProgressTask> tasks = new(StringComparer.Ordinal);
        private readonly Dictionary<string, WorkRate> rates = new(StringComparer.Ordinal);

        public void Report(ProgressReport report)
        {
            lock (tasks)
            {
                if (!tasks.TryGetValue(report.Activity, out var task))
                    tasks.Add(report.Activity, task = display.AddTask(Markup.Escape(report.Activity)));
                task.IsIndeterminate = Share(report) is null;
                task.MaxValue = 1;
                task.Value = Share(report) ?? 0;
                task.Description = Markup.Escape($"{report.Activity}  {Figures(report, Measured(rates, report))}");
            }
        }
    }

    private sealed class Lines(IAnsiConsole console) : IProgress<ProgressReport>
    {
        private readonly Dictionary<string, long> shown = new(StringComparer.Ordinal);
        private readonly Dictionary<string, WorkRate> rates = new(StringComparer.Ordinal);
        private readonly HashSet<string> ended = new(StringComparer.Ordinal);

        public void Report(ProgressReport report)
        {
            lock (shown)
            {
                var rate = Measured(rates, report);
                bool last = report.Total is { } total && report.Completed >= total;
                if (last ? !ended.Add(report.Activity)
                    : shown.TryGetValue(report.Activity, out long at) && Stopwatch.GetElapsedTime(at) < LineEvery) return;
                shown[report.Activity] = Stopwatch.GetTimestamp();
                string done = Share(report) is { } share ? $"{Math.Floor(100 * share)} %" : $"{report.Completed}";
                console.WriteLine($"{report.Activity}: {done}  {Figures(report, rate)}");
            }
        }
    }
}
