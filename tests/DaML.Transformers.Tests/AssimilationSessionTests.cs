using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class AssimilationSessionTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("daml-tests-");

    public void Dispose() => folder.Delete(recursive: true);

    private string File(string name) => Path.Combine(folder.FullName, name);

    private static readonly Lorenz96 Model = new();

    private static AssimilationSystem System(IObservationNetwork network) =>
        new(Model, network) { Interval = 0.05, Initial = new GaussianInitialCondition(full(40, 2.0), ErrorCovariance.Scalar(40, 4)) };

    private static readonly Dictionary<string, AssimilationMethod> Methods = new()
    {
        ["etkf"] = new EnsembleTransformKalmanFilter
            { Members = 20, Inflation = Inflation.StandardDeviation(1.04), Rotation = EnsembleRotation.MeanPreserving },
        ["stochastic"] = new StochasticEnsembleKalmanFilter { Members = 20, Inflation = Inflation.StandardDeviation(1.06) },
        ["isolating"] = new EnsembleTransformKalmanFilter
            { Members = 20, Inflation = Inflation.StandardDeviation(1.04), DivergenceHandling = DivergenceHandling.Isolate },
        ["finite-size"] = new FiniteSizeEnsembleKalmanFilter { Members = 20 },
        ["particles"] = ParticleFilter.Regularised(50),
        ["kalman"] = new ExtendedKalmanFilter(),
        ["smoother"] = new IterativeEnsembleKalmanSmoother { Name = "smoother", Members = 20, Window = WindowCycling.Overlapping(4, 2) },
        ["3d-var"] = new ThreeDimensionalVariational { Background = new KnownBackground(ErrorCovariance.Scalar(40, 0.2)) },
        ["4d-var"] = new FourDimensionalVariational
            { Background = new KnownBackground(ErrorCovariance.Scalar(40, 0.2)), Window = WindowCycling.Overlapping(4, 2) },
    };

    public static TheoryData<string> Names => [.. Methods.Keys];

    private sealed record Given(double Time, double[] Values);

    // The observations of a view, NaN where its mask says missing.
    private static List<Given> Read(ITrajectoryView view)
    {
        var read = new List<Given>();
        foreach (var cycle in view)
        {
            double[] values = cycle[Columns.Observation][0].ToArray<double>();
            if (view.Schema.Has(Columns.ObservationMask))
            {
                bool[] there = cycle[Columns.ObservationMask][0].ToArray<bool>();
                values = [.. values.Select((value, i) => there[i] ? value : double.NaN)];
            }
            read.Add(new(cycle.Time, values));
        }
        return read;
    }

    private static double[] Bits(ITrajectoryCursor cycle, TrajectorySchema schema) =>
        [.. ((Column[])[Columns.Forecast, Columns.Analysis, Columns.ForecastSpread, Columns.AnalysisSpread])
            .Where(column => schema.Has(column)).SelectMany(column => cycle[column][0].ToArray<double>())];

    private static double[] Bits(SessionCycle cycle) =>
        [.. cycle.Forecast.Mean, .. cycle.Analysis.Mean, .. cycle.Forecast.Spread ?? [], .. cycle.Analysis.Spread ?? []];

    // Every method and memory: the session is the loop, also if it is written and resumed after every cycle.
    [Theory, MemberData(nameof(Names))]
    public void A_session_gives_the_numbers_of_the_loop_to_the_bit_also_when_resumed_in_every_cycle(string name)
    {
        foreach (bool masked in (bool[])[false, true])
        {
            // The mask of a view is only then the session's to the bit if something is missing in every cycle.
            var system = System(masked ? ObservationNetwork.RandomCount(40, 10, 39) : ObservationNetwork.Full(40));
            var context = new DataAssimilationContext(5);
            var view = context.Data.Twin(system, new() { Cycles = 9 });
            var method = (ITransformer)Methods[name].For(system, context);
            var output = method.Transform(view);
            var expected = new List<double[]>();
            foreach (var cycle in output) expected.Add(Bits(cycle, output.Schema));

            using var session = AssimilationSession.Begin(method, view.StartTime!.Value);
            var observations = Read(view);
            Assert.Equal(expected, observations.Select(given => Bits(session.Assimilate(given.Time, given.Values))));

            var resumed = AssimilationSession.Begin(method, view.StartTime!.Value);
            for (int i = 0; i < observations.Count; i++)
            {
                resumed.Attachment = $"before cycle {i}";
                resumed.Save(File("session"));
                resumed.Dispose();
                // A method made anew, as after a restart.
                var anew = (ITransformer)Methods[name].For(system, new DataAssimilationContext(5));
                resumed = AssimilationSession.Restore(anew, File("session"));
                Assert.Equal((i, $"before cycle {i}"), (resumed.Cycles, resumed.Attachment));
                Assert.Equal(expected[i], Bits(resumed.Assimilate(observations[i].Time, observations[i].Values)));
            }
            Assert.Equal(session.Forecast(0.75).Mean, resumed.Forecast(0.75).Mean);
            Assert.Equal(session.Analysis!.Mean, resumed.Analysis!.Mean);
            resumed.Dispose();
        }
    }

    private static (AssimilationSession Session, List<Given> Observations, AssimilationSystem System) Begin(string name = "etkf",
        IObservationNetwork? network = null)
    {
        var system = System(network ?? ObservationNetwork.Full(40));
        var context = new DataAssimilationContext(5);
        var session = AssimilationSession.Begin((ITransformer)Methods[name].For(system, context));
        return (session, Read(context.Data.Twin(system, new() { Cycles = 6 })), system);
    }

    [Fact]
    public void The_diagnostics_are_those_of_the_scores()
    {
        var system = System(ObservationNetwork.Strided(40, 2));
        var context = new DataAssimilationContext(5);
        var view = context.Data.Twin(system, new() { Cycles = 6 });
        var method = (ITransformer)Methods["stochastic"].For(system, context);
        var run = method.Transform(view);
        using var session = AssimilationSession.Begin(method);
        var cycles = Read(view).ConvertAll(given => session.Assimilate(given.Time, given.Values));
        var statistics = new InnovationStatistics(system.Network.Operator, system.Network.Error);
        int at = 0;
        foreach (var cycle in run)
        {
            statistics.Add(cycle.ForecastDensity!, new Observation(cycle[Columns.Observation], null, cycle.Time));
            var innovation = cycle[Columns.Observation] - system.Network.Operator.Apply(cycle[Columns.Forecast]);
            Assert.Equal(innovation.square().mean().sqrt().ToDouble(), cycles[at].Innovation!.Value, 1e-12);
            Assert.Equal(statistics.ChiSquares[at], cycles[at].ChiSquare!.Value, 1e-9);
            Assert.Equal(cycle[Columns.ForecastSpread].square().mean().sqrt().ToDouble(), cycles[at].ForecastSpread!.Value, 1e-12);
            Assert.Equal(cycle[Columns.AnalysisSpread].square().mean().sqrt().ToDouble(), cycles[at++].AnalysisSpread!.Value, 1e-12);
        }
        Assert.Equal(6, at);
    }

    [Fact]
    public void A_forecast_is_the_ensembles_and_leaves_the_session_as_it_was()
    {
        var (session, observations, _) = Begin();
        var (other, _, _) = Begin();
        using (session) using (other)
        {
            foreach (var given in observations.Take(4))
            {
                session.Assimilate(given.Time, given.Values);
                other.Assimilate(given.Time, given.Values);
                other.Forecast(given.Time + 1);
            }
            var forecast = session.Forecast(observations[4].Time);
            var cycle = session.Assimilate(observations[4].Time, observations[4].Values);
            Assert.Equal(cycle.Forecast.Mean, forecast.Mean);
            Assert.Equal(cycle.Forecast.Spread, forecast.Spread);
            Assert.Equal(Bits(cycle), Bits(other.Assimilate(observations[4].Time, observations[4].Values)));
            // Nothing observed: the analysis is the forecast, up to the inflation of its spread.
            var blind = session.Assimilate(observations[5].Time, Enumerable.Repeat(double.NaN, 40).ToArray());
            Assert.Equal((0, null, null), (blind.Observed, blind.Innovation, blind.ChiSquare));
            foreach (var (before, after) in blind.Forecast.Mean.Zip(blind.Analysis.Mean)) Assert.Equal(before, after, 1e-9);
        }
    }

    [Fact]
    public void Bad_input_is_refused_and_changes_nothing()
    {
        var (session, observations, _) = Begin();
        var (other, _, _) = Begin();
        using (session) using (other)
        {
            Assert.Contains("no analysis yet", Assert.Throws<InvalidOperationException>(() => session.Forecast(1)).Message);
            Assert.Null(session.Analysis);
            session.Assimilate(observations[0].Time, observations[0].Values);
            other.Assimilate(observations[0].Time, observations[0].Values);
            double[] good = observations[1].Values;
            double later = observations[1].Time;
            void Refused(string part, double time, double[] values) =>
                Assert.Contains(part, Assert.Throws<ArgumentException>(() => session.Assimilate(time, values)).Message);
            Refused("39 values were given", later, good[1..]);
            Refused("40 are needed", later, [.. good, 1]);
            Refused("observation 7 of time", later, [.. good.Select((value, i) => i == 7 ? double.NegativeInfinity : value)]);
            Refused("must be finite", double.NaN, good);
            Refused("is too late", observations[0].Time - 0.05, good);
            Refused("a whole number of steps is needed", later + 0.01, good);
            Assert.Contains("is too late", Assert.Throws<ArgumentException>(() => session.Forecast(0)).Message);
            Assert.Equal((1, observations[0].Time), (session.Cycles, session.Time));
            Assert.Equal(Bits(other.Assimilate(later, good)), Bits(session.Assimilate(later, good)));
        }
        Assert.Contains("has ended", Assert.Throws<InvalidOperationException>(() => session.Assimilate(9, observations[1].Values)).Message);
        Assert.Contains("has ended", Assert.Throws<InvalidOperationException>(() => session.Save(File("x"))).Message);
    }

    [Fact]
    public void A_transformer_without_cycles_of_its_own_and_a_method_that_is_not_fitted_are_refused()
    {
        var context = new DataAssimilationContext(5);
        var system = System(ObservationNetwork.Full(40));
        var etkf = (ITransformer)Methods["etkf"].For(system, context);
        Assert.Contains("one sequential method",
            Assert.Throws<ArgumentException>(() => AssimilationSession.Begin(new TransformerChain([etkf, etkf]))).Message);
        var unfitted = (ITransformer)new OptimalInterpolation().For(system, context);
        Assert.Throws<InvalidOperationException>(() => AssimilationSession.Begin(unfitted));
    }

    [Fact]
    public void A_file_of_another_method_or_a_damaged_one_is_refused()
    {
        var (session, observations, system) = Begin("smoother");
        using (session)
        {
            session.Assimilate(observations[0].Time, observations[0].Values);
            session.Save(File("smoother"));
        }
        ITransformer Made(AssimilationMethod method, long seed = 5) => (ITransformer)method.For(system, new DataAssimilationContext(seed));
        string Refused(ITransformer method) =>
            Assert.Throws<ModelArchiveException>(() => AssimilationSession.Restore(method, File("smoother"))).Message;
        var smoother = (IterativeEnsembleKalmanSmoother)Methods["smoother"];
        Assert.Contains("different session", Refused(Made(Methods["etkf"])));
        Assert.Contains("seed 6", Refused(Made(smoother, 6)));
        Assert.Contains("different session", Refused(Made(smoother with { Members = 21 })));
        Assert.Contains("different session", Refused(Made(smoother with { Inflation = Inflation.StandardDeviation(1.5) })));
        var sight = system.Network.Operator;
        var otherErrors = system with
            { Network = new ObservationNetwork(sight, ErrorCovariance.Scalar(sight.ObservationDimension, 50)) };
        Assert.Contains("different session", Refused((ITransformer)smoother.For(otherErrors, new DataAssimilationContext(5))));
        byte[] bytes = global::System.IO.File.ReadAllBytes(File("smoother"));
        foreach (int length in (int[])[0, 10, bytes.Length / 2, bytes.Length - 1])
        {
            global::System.IO.File.WriteAllBytes(File("cut"), bytes[..length]);
            Assert.Throws<ModelArchiveException>(() => AssimilationSession.Restore(Made(smoother), File("cut")));
        }
        Assert.Throws<FileNotFoundException>(() => AssimilationSession.Restore(Made(smoother), File("none")));
    }

    [Fact]
    public async Task Sessions_run_at_once_and_one_session_takes_turns()
    {
        var system = System(ObservationNetwork.Full(40));
        var context = new DataAssimilationContext(5);
        var method = (ITransformer)Methods["etkf"].For(system, context);
        var observations = Read(context.Data.Twin(system, new() { Cycles = 20 }));
        using var alone = AssimilationSession.Begin(method);
        var expected = observations.ConvertAll(given => Bits(alone.Assimilate(given.Time, given.Values)));
        var several = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            using var session = AssimilationSession.Begin(method);
            return observations.ConvertAll(given => Bits(session.Assimilate(given.Time, given.Values)));
        })));
        Assert.All(several, bits => Assert.Equal(expected, bits));

        using var shared = AssimilationSession.Begin(method);
        double[] nothing = [.. Enumerable.Repeat(double.NaN, 40)];
        var cycles = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Task.Run(() => shared.Assimilate(0.05, nothing).Cycle)));
        Assert.Equal(Enumerable.Range(0, 40).Select(i => (long)i), cycles.Order());
    }

    [Fact]
    public void A_cycle_that_diverges_ends_the_session_which_its_file_brings_back()
    {
        var system = System(ObservationNetwork.Full(40));
        var context = new DataAssimilationContext(5);
        var method = (ITransformer)((EnsembleTransformKalmanFilter)Methods["etkf"] with { DivergenceBound = 50 }).For(system, context);
        var observations = Read(context.Data.Twin(system, new() { Cycles = 3 }));
        using var session = AssimilationSession.Begin(method);
        using var calm = AssimilationSession.Begin(method);
        session.Assimilate(observations[0].Time, observations[0].Values);
        calm.Assimilate(observations[0].Time, observations[0].Values);
        session.Save(File("session"));
        Assert.Throws<DivergenceException>(() => session.Assimilate(observations[1].Time, Enumerable.Repeat(1e9, 40).ToArray()));
        Assert.Contains("has ended", Assert.Throws<InvalidOperationException>(() => session.Save(File("session"))).Message);
        using var again = AssimilationSession.Restore(method, File("session"));
        Assert.Equal(Bits(calm.Assimilate(observations[1].Time, observations[1].Values)),
            Bits(again.Assimilate(observations[1].Time, observations[1].Values)));
    }
}
