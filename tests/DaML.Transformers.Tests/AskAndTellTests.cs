using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Methods whose model runs outside.</summary>
public sealed class AskAndTellTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(17);
    private readonly Lorenz96 model = new(12);
    private readonly string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}");

    public void Dispose()
    {
        scope.Dispose();
        File.Delete(path);
    }

    private GaussianInitialCondition Start()
    {
        using var mean = arange(12, dtype: ScalarType.Float64);
        return new(mean, ErrorCovariance.Scalar(12, 1));
    }

    private SequentialAssimilation<EnsembleMemory> Method(string kind, IDynamics dynamics, DataAssimilationContext? of = null)
    {
        var (analysis, network) = ((of ?? context).Analysis, ObservationNetwork.Random(dynamics.Dimension, 0.5, 0.3, 1));
        var system = new AssimilationSystem(dynamics, network) { Initial = Start() };
        return (kind switch
        {
            "etkf" => analysis.EnsembleTransformKalmanFilter(system,
                new() { Members = 8, Rotation = EnsembleRotation.MeanPreserving, Inflation = Inflation.StandardDeviation(1.05) }),
            "enkf" => analysis.StochasticEnsembleKalmanFilter(system, new() { Members = 8 }),
            _ => analysis.FiniteSizeEnsembleKalmanFilter(system, new() { Members = 8 }),
        });
    }

    private ITrajectoryView Twin(long cycles = 12) =>
        context.Data.Twin(new AssimilationSystem(model, ObservationNetwork.Random(model.Dimension, 0.5, 0.3, 1)) { Initial = Start() },
            new() { Cycles = cycles });

    // What a model outside would do with one run.
    private MemberResult Run(MemberRun run)
    {
        using var inner = NewDisposeScope();
        return MemberResult.Done(run.Id, model.Advance(run.ToTensor().unsqueeze(0), run.Interval)[0]);
    }

    private static Observation Observed(ITrajectoryCursor cycle) =>
        new(cycle[Columns.Observation], cycle[Columns.ObservationMask], cycle.Time);

    [Theory, InlineData("etkf"), InlineData("enkf"), InlineData("enkf-n")]
    public void It_gives_the_numbers_of_the_methods_own_loop_to_the_bit_through_any_order_portions_and_restarts(string kind)
    {
        var inside = Method(kind, model).Run(Twin());
        var outside = new AskAndTell(Method(kind, new ExternalDynamics("outside", 12, 0.05)));
        var shuffle = new Random(3);
        using (inside)
            while (inside.MoveNext())
            {
                MemberRun[] runs = [.. outside.Ask(inside.Time)];
                Assert.Equal(8, runs.Length);
                shuffle.Shuffle(runs);
                int portion = shuffle.Next(runs.Length + 1);
                outside.Tell([.. runs.Take(portion).Select(Run)]);
                if (portion < runs.Length && inside.Cycle % 2 == 0) Restart();
                if (portion < runs.Length)
                {
                    Assert.Equal(runs.Skip(portion).Select(run => run.Id).Order(), outside.Outstanding.Select(run => run.Id));
                    Assert.Equal(runs.Skip(portion).OrderBy(run => run.Id).Select(run => run.State),
                        outside.Outstanding.Select(run => run.State));
                    outside.Tell([.. outside.Outstanding.Select(Run)]);
                }
                Assert.Equal(Bits(inside.Forecast.Members[0]), Bits(outside.Members));
                if (inside.Cycle % 3 == 0) Restart();
                var analysis = outside.Assimilate(Observed(inside));
                Assert.Equal(Bits(inside.Analysis.Members[0]), Bits(outside.Members));
                Assert.Equal(Bits(inside[Columns.Analysis]), Bits(analysis.Mean));
                if (inside.Cycle % 4 == 0) Restart();
            }
        Assert.Equal(12, outside.Cycle);
        outside.Dispose();

        void Restart()
        {
            outside.Save(path);
            outside.Dispose();
            outside = AskAndTell.Restore(Method(kind, new ExternalDynamics("outside", 12, 0.05)), path);
        }
    }

    [Fact]
    public void Runs_through_files_lose_no_bit_and_what_is_broken_in_a_file_has_crashed()
    {
        using var outside = new AskAndTell(Method("etkf", model));
        var runs = outside.Ask(0.05);
        MemberFile.Write(path, runs);
        var lines = File.ReadAllLines(path);
        Assert.Equal("# 0 0.05 12", lines[0]);
        Assert.Equal(9, lines.Length);
        // the states of a file of runs read as results are the states that were written
        var read = MemberFile.Read(path, runs);
        for (int i = 0; i < 8; i++) Assert.Equal(runs[i].State, read[i].State!);

        string full = lines[2];
        File.WriteAllText(path,
            string.Join('\n',
                [full, "2 failed no convergence", full.Replace("1 ", "3 ")[..40], "4" + full[1..full.LastIndexOf(' ')] + " nan", "5" +
                    full[1..], "6" + full[1..]]));
        read = MemberFile.Read(path, runs);
        Assert.Null(read[1].Crash);
        Assert.Equal("no convergence", read[2].Crash);
        Assert.Equal("component 11 is 'nan'", read[4].Crash);
        Assert.Equal(read[1].State!, read[5].State!);
        Assert.Contains("of 12 numbers", read[3].Crash);
        Assert.Contains("does not mention", read[6].Crash); // its line was not finished
        Assert.Contains("does not mention", read[0].Crash);
        File.WriteAllText(path, "99 1 2 3\n");
        Assert.Contains("line 1", Assert.Throws<InvalidDataException>(() => MemberFile.Read(path, runs)).Message);
        File.WriteAllText(path, full + "\n" + full + "\n");
        Assert.Contains("twice", Assert.Throws<InvalidDataException>(() => MemberFile.Read(path, runs)).Message);
        File.Delete(path);
        Assert.All(MemberFile.Read(path, runs), result => Assert.Contains("no file", result.Crash));
    }

    [Fact]
    public void A_crash_fails_unless_a_policy_says_otherwise_and_the_run_can_be_repeated()
    {
        using var outside = new AskAndTell(Method("etkf", model));
        var runs = outside.Ask(0.05);
        var refused = Assert.Throws<MemberCrashException>(() =>
            outside.Tell(Run(runs[0]), MemberResult.Crashed(runs[3].Id, "segmentation fault")));
        Assert.Contains("segmentation fault", refused.Message);
        Assert.Equal((3, 0), (refused.Member, refused.Cycle));
        Assert.Equal(8, outside.Outstanding.Count); // nothing of the call was taken in
        outside.Tell([.. runs.Select(Run)]);
        Assert.Equal(AskAndTellStage.Assimilate, outside.Stage);
        Assert.Empty(outside.Crashes);
    }

    [Fact]
    public void Dropped_members_are_gone_for_good_and_two_must_be_left()
    {
        using var outside = new AskAndTell(Method("etkf", model), new() { Crashes = CrashPolicy.Drop });
        var runs = outside.Ask(0.05);
        outside.Tell([.. runs.Select(run => run.Member is 2 or 5 ? MemberResult.Crashed(run.Id, "lost") : Run(run))]);
        Assert.Equal(6, outside.MemberCount);
        var survivors = stack([.. runs.Where(run => run.Member is not (2 or 5)).Select(run => tensor(Run(run).State!.ToArray()))], 0);
        Assert.Equal(Bits(survivors), Bits(outside.Members));
        Assert.Equal([(0L, 2L, 2, "lost"), (0, 5, 5, "lost")],
            outside.Crashes.Select(crash => (crash.Cycle, crash.Id, crash.Member, crash.Reason)));
        outside.Assimilate(All(0.05));
        runs = outside.Ask(0.1);
        Assert.Equal(6, runs.Count);
        Assert.Equal(8, runs[0].Id); // numbers are not used again
        MemberResult[] tooMany = [.. runs.Select(run => run.Member == 0 ? Run(run) : MemberResult.Crashed(run.Id, "lost"))];
        Assert.Contains("5 of 6 members crashed", Assert.Throws<InvalidOperationException>(() => outside.Tell(tooMany)).Message);
        Assert.Equal(6, outside.Outstanding.Count);
        outside.Tell([.. tooMany.Take(4)]);
        outside.Tell(Run(runs[4]), Run(runs[5]));
        Assert.Equal(3, outside.MemberCount);
        outside.Save(path);
        using var restored = AskAndTell.Restore(Method("etkf", model), path, new() { Crashes = CrashPolicy.Drop });
        Assert.Equal(Bits(outside.Members), Bits(restored.Members));
        Assert.Equal(outside.Crashes, restored.Crashes);
    }

    [Fact]
    public void Resampled_members_have_the_survivors_mean_and_covariance_in_the_mean_and_come_from_a_named_stream()
    {
        foreach (double bandwidth in (double[])[0.3, 1])
        {
            var wide = context.Analysis.EnsembleTransformKalmanFilter(
                new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension)) { Initial = Start() }, new() { Members = 4000 });
            using var outside = new AskAndTell(wide, new() { Crashes = CrashPolicy.Resample(bandwidth) });
            var runs = outside.Ask(0.05);
            // the states of survivors as they are; half of the members crash
            outside.Tell(
                [.. runs.Select(run => run.Member % 2 == 0 ? MemberResult.Done(run.Id, [.. run.State])
                    : MemberResult.Crashed(run.Id, "lost"))]);
            Tensor survivors = stack([.. runs.Where(run => run.Member % 2 == 0).Select(run => run.ToTensor())], 0), all = outside.Members;
            Assert.Equal(Bits(survivors), Bits(all.index_select(0, arange(0, 4000, 2, dtype: ScalarType.Int64))));
            var replaced = all.index_select(0, arange(1, 4000, 2, dtype: ScalarType.Int64));
            var deviation = survivors.std(0, unbiased: true);
            Assert.InRange(((replaced.mean([0]) - survivors.mean([0])) / deviation).abs().max().ToDouble(), 0, 0.1);
            var covariance = Compare.SampleCovariance(survivors.unsqueeze(0));
            Compare.Close(covariance, Compare.SampleCovariance(replaced.unsqueeze(0)), 0.15);
            // near a survivor if the bandwidth is small
            double nearest = (replaced[0] - survivors).square().mean([1]).min().sqrt().ToDouble();
            Assert.InRange(nearest, bandwidth < 1 ? 0.05 : 0.2, bandwidth < 1 ? 0.6 : 2);
        }

        byte[] Crash(long seed)
        {
            using var outside = new AskAndTell(Method("etkf", model, new DataAssimilationContext(seed)),
                new() { Crashes = CrashPolicy.Resample() });
            outside.Tell([.. outside.Ask(0.05).Select(run => run.Member == 1 ? MemberResult.Crashed(run.Id, "lost") : Run(run))]);
            return Bits(outside.Members);
        }
        Assert.Equal(Crash(5), Crash(5));
        Assert.NotEqual(Crash(5), Crash(6));
        Assert.Throws<ArgumentOutOfRangeException>(() => CrashPolicy.Resample(1.1));
        Assert.Throws<ArgumentException>(() =>
            new AskAndTell(Method("etkf", model), new() { Crashes = CrashPolicy.Resample(added: ErrorCovariance.Scalar(11, 1)) }));
    }

    [Fact]
    public void Resampled_members_stay_in_the_survivors_space_unless_a_perturbation_is_added()
    {
        long Rank(CrashPolicy policy)
        {
            using var outside = new AskAndTell(Method("etkf", model), new() { Crashes = policy });
            outside.Tell([.. outside.Ask(0.05).Select(run => run.Member >= 5 ? MemberResult.Crashed(run.Id, "lost") : Run(run))]);
            var members = outside.Members;
            return linalg.matrix_rank(members - members.mean([0]), 1e-9).ToInt64();
        }
        Assert.Equal(4, Rank(CrashPolicy.Resample()));
        Assert.Equal(7, Rank(CrashPolicy.Resample(added: ErrorCovariance.Scalar(12, 0.01))));
    }

    [Fact]
    public void A_few_crashes_hardly_harm_the_filter()
    {
        var twin = Twin(200);
        double Error(CrashPolicy policy, int every)
        {
            using var outside =
                new AskAndTell(
                    context.Analysis.EnsembleTransformKalmanFilter(
                        new AssimilationSystem(model, ObservationNetwork.Random(model.Dimension, 0.5, 0.3, 1)) { Initial = Start() },
                        new() { Members = 20, Inflation = Inflation.StandardDeviation(1.04) }), new() { Crashes = policy });
            using var cursor = twin.OpenCursor();
            double sum = 0;
            while (cursor.MoveNext())
            {
                using var inner = NewDisposeScope();
                var runs = outside.Ask(cursor.Time);
                var states = model.Advance(stack([.. runs.Select(run => run.ToTensor())], 0), runs[0].Interval);
                outside.Tell(
                    [.. runs.Select((run, i) => run.Id % every == every - 1 ? MemberResult.Crashed(run.Id, "lost")
                        : MemberResult.Done(run.Id, states[i]))]);
                double error = (outside.Assimilate(Observed(cursor)).Mean - cursor[Columns.Truth]).square().mean().sqrt().ToDouble();
                if (cursor.Cycle >= 50) sum += error / 150;
            }
            return sum;
        }
        double calm = Error(CrashPolicy.Fail, int.MaxValue), crashing = Error(CrashPolicy.Resample(), 23);
        Assert.InRange(calm, 0.1, 0.35);
        Assert.InRange(crashing, 0.9 * calm, 1.3 * calm);
    }

    [Fact]
    public void An_observation_whose_time_has_few_digits_is_of_the_step_it_is_next_to()
    {
        Tensor After(Func<double, double> rounded)
        {
            using var outside = new AskAndTell(Method("etkf", new ExternalDynamics("outside", 12, 1 / 24.0)));
            for (int hour = 1; hour <= 3; hour++)
            {
                outside.Tell([.. outside.Ask(hour / 24.0).Select(Run)]);
                outside.Assimilate(All(rounded(hour / 24.0)));
            }
            Assert.Equal(3 / 24.0, outside.Time);
            return outside.Members;
        }
        var exact = After(time => time);
        Assert.Equal(Bits(exact), Bits(After(time => Math.Round(time, 6))));
        Assert.Equal(Bits(exact), Bits(After(time => (float)time)));
        Assert.Contains("is of time", Assert.Throws<ArgumentException>(() => After(time => time + 0.06 / 24)).Message);

        // Every run is one step of the model outside.
        MemberResult Run(MemberRun run)
        {
            using var inner = NewDisposeScope();
            return MemberResult.Done(run.Id, model.Advance(run.ToTensor().unsqueeze(0), new TimeInterval(0, 0.05))[0]);
        }
    }

    [Fact]
    public void Calls_out_of_order_and_wrong_results_are_refused()
    {
        using var outside = new AskAndTell(Method("etkf", model), new() { StartTime = 2 });
        string Refused<T>(Action call) where T : Exception => Assert.ThrowsAny<T>(call).Message;
        Assert.Contains("call Ask", Refused<InvalidOperationException>(() => outside.Assimilate(All(2))));
        Assert.Contains("call Ask", Refused<InvalidOperationException>(() => outside.Tell()));
        Refused<ArgumentException>(() => outside.Ask(1.95));
        Refused<ArgumentException>(() => outside.Ask(double.NaN));
        var runs = outside.Ask(2.05);
        Assert.Equal(new TimeInterval(2, 2.05), runs[0].Interval);
        Assert.Contains("8 of 8 runs are outstanding", Refused<InvalidOperationException>(() => outside.Ask(2.1)));
        Assert.Contains("0, 1, 2", Refused<InvalidOperationException>(() => outside.Assimilate(All(2.05))));
        Assert.Contains("was not asked for", Refused<ArgumentException>(() => outside.Tell(MemberResult.Done(8, new double[12]))));
        Assert.Contains("11 numbers; a state has 12",
            Refused<ArgumentException>(() => outside.Tell(Run(runs[0]), MemberResult.Done(1, new double[11]))));
        double[] infinite = new double[12];
        infinite[7] = double.PositiveInfinity;
        Assert.Contains("component 7", Refused<ArgumentException>(() => outside.Tell(MemberResult.Done(1, infinite))));
        Assert.Contains("told already", Refused<ArgumentException>(() => outside.Tell(Run(runs[1]), Run(runs[1]))));
        Assert.Equal(8, outside.Outstanding.Count);
        outside.Tell(Run(runs[1]));
        Assert.Contains("told already", Refused<ArgumentException>(() => outside.Tell(Run(runs[1]))));
        outside.Tell([.. outside.Outstanding.Select(Run)]);
        Assert.Contains("waits for its observation", Refused<InvalidOperationException>(() => outside.Ask(2.1)));
        Assert.Contains("of time 2.1", Refused<ArgumentException>(() => outside.Assimilate(All(2.1))));
        Refused<ArgumentException>(() => outside.Assimilate(new double[11]));
        var nan = full(12, double.NaN, dtype: ScalarType.Float64);
        Assert.Contains("mask", Refused<ArgumentException>(() => outside.Assimilate(new Observation(nan, null, 2.05))));
        Refused<ArgumentException>(() => outside.Assimilate(new Observation(nan, ones(12, dtype: ScalarType.Float64), 2.05)));
        var before = outside.Members;
        outside.Assimilate(new Observation(nan, zeros(12, dtype: ScalarType.Bool), 2.05)); // nothing observed
        Compare.Close(before.mean([0]), outside.Members.mean([0]), 1e-12);
        Assert.Empty(outside.Ask(outside.Time)); // an observation at the time of the ensemble
        outside.Assimilate(new double[12]);
        Assert.Equal(2, outside.Cycle);
        Assert.Throws<ArgumentOutOfRangeException>(() => new AskAndTell(Method("etkf", model), new() { StartTime = double.NaN }));
        Assert.Throws<ArgumentException>(() => MemberResult.Crashed(1, " "));
    }

    [Fact]
    public void A_checkpoint_of_another_run_or_a_damaged_one_is_refused()
    {
        using var outside = new AskAndTell(Method("etkf", model));
        outside.Ask(0.05);
        outside.Save(path);
        Assert.Contains("written by a different assimilation",
            Assert.Throws<ModelArchiveException>(() => AskAndTell.Restore(Method("enkf", model), path)).Message);
        Assert.Contains("seed 18",
            Assert.Throws<ModelArchiveException>(() =>
                AskAndTell.Restore(Method("etkf", model, new DataAssimilationContext(18)), path)).Message);
        byte[] bytes = File.ReadAllBytes(path);
        foreach (int length in (int[])[0, 10, bytes.Length / 2, bytes.Length - 1])
        {
            File.WriteAllBytes(path, bytes[..length]);
            Assert.Throws<ModelArchiveException>(() => AskAndTell.Restore(Method("etkf", model), path));
        }
        File.WriteAllBytes(path, bytes);
        using var restored = AskAndTell.Restore(Method("etkf", model), path);
        Assert.Equal(8, restored.Outstanding.Count);
        File.Delete(path);
        Assert.Throws<FileNotFoundException>(() => AskAndTell.Restore(Method("etkf", model), path));
        File.WriteAllText(path, ""); // for the clean-up
    }

    [Fact]
    public void A_model_that_runs_elsewhere_cannot_be_run_here_and_says_so()
    {
        var outside = new ExternalDynamics("ocean", 12, 0.05);
        Assert.Contains("'ocean' runs outside",
            Assert.Throws<NotSupportedException>(() => outside.Advance(zeros(12), new TimeInterval(0, 0.05))).Message);
        // nor can members start on the attractor of a model that is not here
        Assert.Throws<NotSupportedException>(() =>
            new AskAndTell(
                context.Analysis.EnsembleTransformKalmanFilter(new AssimilationSystem(outside, ObservationNetwork.Full(outside.Dimension)),
                    new() { Members = 8 })));
        Assert.Throws<ArgumentException>(() => new ExternalDynamics(" ", 12, 0.05));
    }

    [Fact]
    public void A_diverging_forecast_is_refused_and_long_runs_hold_their_memory()
    {
        var bounded = new SequentialAssimilation<EnsembleMemory>("bounded", Method("etkf", model).Triple, 12, 12, context,
            new SequentialAssimilationOptions { DivergenceBound = 50 });
        using var outside = new AskAndTell(bounded);
        var runs = outside.Ask(0.05);
        Assert.Throws<DivergenceException>(() =>
            outside.Tell([.. runs.Select(run => MemberResult.Done(run.Id, [.. run.State.Select(value => 1000 + value)]))]));

        using var steady = new AskAndTell(Method("etkf", model));
        using var inner = NewDisposeScope();
        long alive = 0;
        for (int i = 1; i <= 20; i++)
        {
            using var cycle = NewDisposeScope();
            steady.Tell([.. steady.Ask(0.05 * i).Select(Run)]);
            steady.Assimilate(new double[12]);
            if (i == 5) alive = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        }
        Assert.Equal(0, inner.DisposablesCount);
        Assert.InRange(DisposeScopeManager.Statistics.ThreadTotalLiveCount - alive, -5, 2);
    }

    private static Observation All(double time) => new(zeros(12, dtype: ScalarType.Float64), null, time);

    private static byte[] Bits(Tensor tensor)
    {
        using var whole = tensor.contiguous();
        return whole.bytes.ToArray();
    }
}
