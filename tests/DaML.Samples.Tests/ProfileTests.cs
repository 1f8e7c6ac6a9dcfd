using System.Diagnostics;
using DaML.Samples;

namespace DaML.Tests;

/// <summary>A profile takes down all phases of the process, so no other test may run beside this one.</summary>
[CollectionDefinition(nameof(ProfileTests), DisableParallelization = true)]
public sealed class ProfileAlone;

/// <summary>What <c>--profile</c> shows.</summary>
[Collection(nameof(ProfileTests))]
public sealed class ProfileTests
{
    [Fact]
    public void ProfileShowsThePhasesOfARunEachWithoutThoseInsideIt()
    {
        double whole = 0;   // what the outer phase took, the inner one included
        SampleResult Work(SampleRun run)
        {
            var context = run.CreateContext();
            var model = new Lorenz96();
            var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension));
            context.Scores.Evaluate(context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 10 })
                .Transform(context.Data.Twin(system, new() { Cycles = 30 })));
            long start = Stopwatch.GetTimestamp();
            using (Telemetry.Phase("outer"))
            {
                using (Telemetry.Phase("inner")) Thread.Sleep(200);
            }
            whole = Stopwatch.GetElapsedTime(start).TotalSeconds;
            return CommandLineTests.Nothing(run);
        }
        var sample = new CommandLineTests.Fake("demo", Work);
        string[] lines = CommandLineTests.Daml([sample], CancellationToken.None, "demo", "--profile").Output.Split('\n');
        double Seconds(string phase) =>
            double.Parse(lines.Single(line => line.TrimStart().StartsWith(phase + " ", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);
        string Times(string phase) =>
            lines.Single(line => line.TrimStart().StartsWith(phase + " ", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[3];
        Assert.Equal("30", Times("data"));
        Assert.Equal("30", Times("model"));
        Assert.Equal("30", Times("analysis"));
        Assert.True(Seconds("inner") >= 0.19, "the inner phase's time is its own");
        Assert.True(Seconds("outer") < whole - 0.19, "what the inner phase took is not the outer's");
        Assert.Contains(lines, line => line.Contains("MiB resident"));
        Assert.DoesNotContain("Where the time goes", CommandLineTests.Daml([sample], CancellationToken.None, "demo").Output);
        Assert.Null(Telemetry.Phase("nobody listens"));
    }
}
