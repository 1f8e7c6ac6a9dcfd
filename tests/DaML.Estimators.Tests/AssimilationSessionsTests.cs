using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using TorchSharp;

namespace DaML.Tests;

public sealed class AssimilationSessionsTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("daml-tests-");

    public void Dispose() => folder.Delete(recursive: true);

    private const int Cycles = 12;

    private static AssimilationSystem System => new(new Lorenz63(), ObservationNetwork.Full(3, 2))
        { Interval = 0.25, Initial = new GaussianInitialCondition(torch.full(3, 2.0), ErrorCovariance.Scalar(3, 4)) };

    private static ITransformer Method(long seed = 1) =>
        new EnsembleTransformKalmanFilter { Members = 10, Rotation = EnsembleRotation.MeanPreserving }
            .For(System, new DataAssimilationContext(seed));

    private AssimilationSessions Pool(bool onDisk = true, int capacity = 10, int every = 1, Func<ITransformer>? method = null) => new(
        [KeyValuePair.Create("etkf", method ?? (() => Method()))], new()
        {
            Folder = onDisk ? folder.FullName : null, Capacity = capacity, CheckpointEvery = every,
        });

    private static readonly double[][] Observations = Read();

    private static double[][] Read()
    {
        var read = new List<double[]>();
        foreach (var cycle in new DataAssimilationContext(3).Data.Twin(System, new() { Cycles = Cycles }))
            read.Add(cycle[Columns.Observation][0].ToArray<double>());
        return [.. read];
    }

    private static double[] Assimilate(AssimilationSession session) =>
        [.. session.Assimilate((session.Cycles + 1) * 0.25, Observations[session.Cycles]).Analysis.Mean];

    private static readonly Lazy<double[][]> Expected = new(() =>
    {
        using var session = AssimilationSession.Begin(Method());
        return [.. Enumerable.Range(0, Cycles).Select(_ => Assimilate(session))];
    });

    [Fact]
    public async Task More_sessions_than_the_memory_holds_take_turns_in_it_and_keep_their_numbers()
    {
        using var pool = Pool(capacity: 2);
        for (int cycle = 0; cycle < Cycles; cycle++)
            foreach (string name in (string[])["a", "b", "c", "d"])
            {
                Assert.Equal(Expected.Value[cycle], await pool.UseAsync("etkf", name, Assimilate));
                Assert.InRange(pool.InMemory, 1, 2);
            }
        Assert.Equal(["a", "b", "c", "d"], pool.Names("etkf"));
    }

    [Fact]
    public async Task Sessions_run_at_once_and_the_cycles_of_one_take_turns()
    {
        using var pool = Pool(capacity: 3);
        var results = await Task.WhenAll(Enumerable.Range(0, 5 * Cycles).Select(i => Task.Run(() =>
            pool.UseAsync("etkf", $"s{i % 5}", session => (i % 5, session.Cycles, Assimilate(session))))));
        foreach (var session in results.GroupBy(result => result.Item1))
            Assert.Equal(Expected.Value, session.OrderBy(result => result.Item2).Select(result => result.Item3));
    }

    [Theory, InlineData(1), InlineData(5)]
    public async Task A_process_that_was_killed_is_followed_by_one_that_continues_from_the_files(int every)
    {
        using (var pool = Pool(every: every))
            for (int cycle = 0; cycle < Cycles; cycle++)
            {
                await pool.UseAsync("etkf", "a", Assimilate);
                // What a kill at this point leaves behind.
                string copy = folder.CreateSubdirectory($"killed{cycle}").FullName;
                string file = Path.Combine(folder.FullName, "etkf", "a.session"), left = Path.Combine(copy, "etkf", "a.session");
                Directory.CreateDirectory(Path.GetDirectoryName(left)!);
                if (File.Exists(file)) File.Copy(file, left, overwrite: true);
                using var next = new AssimilationSessions([KeyValuePair.Create("etkf", () => Method())], new() { Folder = copy });
                int kept = (cycle + 1) / every * every;
                Assert.Equal(kept, await next.UseAsync("etkf", "a", session => session.Cycles));
                if (kept < Cycles) Assert.Equal(Expected.Value[kept], await next.UseAsync("etkf", "a", Assimilate));
            }
        // The end in order writes all.
        using var after = Pool();
        Assert.Equal(Cycles, await after.UseAsync("etkf", "a", session => session.Cycles));
    }

    [Fact]
    public async Task A_use_that_fails_leaves_the_session_where_it_was_last_written()
    {
        using var pool = Pool();
        await pool.UseAsync("etkf", "a", Assimilate);
        await Assert.ThrowsAsync<InvalidDataException>(() => pool.UseAsync<int>("etkf", "a", session =>
        {
            Assimilate(session);
            throw new InvalidDataException();
        }));
        await Assert.ThrowsAsync<InvalidDataException>(() => pool.UseAsync<int>("etkf", "a", session =>
        {
            session.Attachment = "half done";
            throw new InvalidDataException();
        }));
        await Assert.ThrowsAsync<ArgumentException>(() => pool.UseAsync("etkf", "a", session => session.Assimilate(0.5, 1, 2)));
        await Assert.ThrowsAsync<ArgumentException>(() => pool.UseAsync("etkf", "refused", session => session.Assimilate(0.25, 1)));
        Assert.Equal(["a"], pool.Names("etkf"));
        Assert.Null(await pool.UseAsync("etkf", "a", session => session.Attachment));
        Assert.Equal(Expected.Value[1], await pool.UseAsync("etkf", "a", Assimilate));
        await pool.UseAsync("etkf", "a", session => session.Attachment = "kept");
        pool.Dispose();
        using var next = Pool();
        Assert.Equal((2, "kept"), await next.UseAsync("etkf", "a", session => (session.Cycles, session.Attachment)));
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_takes_the_cycle_back()
    {
        using var pool = Pool();
        await pool.UseAsync("etkf", "a", Assimilate);
        string file = Path.Combine(folder.FullName, "etkf", "a.session");
        byte[] saved = File.ReadAllBytes(file);
        // A folder of that name cannot be replaced by a file, whoever asks.
        await Assert.ThrowsAnyAsync<Exception>(() => pool.UseAsync("etkf", "a", session =>
        {
            File.Delete(file);
            Directory.CreateDirectory(Path.Combine(file, "in the way"));
            return Assimilate(session);
        }));
        Directory.Delete(file, recursive: true);
        File.WriteAllBytes(file, saved);
        Assert.Equal(Expected.Value[1], await pool.UseAsync("etkf", "a", Assimilate));
    }

    [Fact]
    public async Task Names_pipelines_and_folders_that_cannot_be_used_are_refused()
    {
        using var pool = Pool();
        Assert.Contains("there are: etkf", (await Assert.ThrowsAsync<KeyNotFoundException>(() => pool.UseAsync("enkf", "a", Assimilate)))
            .Message);
        foreach (string name in (string[])["", "..", "../a", "a/b", ".a", "-a", "a b", "ä", new('a', 65)])
        {
            var refused = await Assert.ThrowsAsync<ArgumentException>(() => pool.UseAsync("etkf", name, Assimilate));
            Assert.Contains($"given: '{name}'", refused.Message);
            Assert.False(pool.Exists("etkf", name));
        }
        Assert.Contains("Another process uses the folder", Assert.Throws<IOException>(() => Pool()).Message);
        Assert.Throws<ArgumentException>(() => new AssimilationSessions([KeyValuePair.Create("../x", () => Method())]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Pool(onDisk: false, capacity: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Pool(onDisk: false, every: 0));

        await pool.UseAsync("etkf", "a", Assimilate);
        pool.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pool.UseAsync("etkf", "a", Assimilate));
        using (var other = Pool(method: () => Method(seed: 2)))
            Assert.Contains("seed 1",
                (await Assert.ThrowsAsync<ModelArchiveException>(() => other.UseAsync("etkf", "a", Assimilate))).Message);

        using var small = Pool(onDisk: false, capacity: 1);
        await small.UseAsync("etkf", "a", Assimilate);
        Assert.Contains("as many as the memory may hold",
            (await Assert.ThrowsAsync<InvalidOperationException>(() => small.UseAsync("etkf", "b", Assimilate))).Message);
        Assert.True(await small.EndAsync("etkf", "a"));
        Assert.False(await small.EndAsync("etkf", "a"));
        Assert.Equal(Expected.Value[0], await small.UseAsync("etkf", "b", Assimilate));
        Assert.Equal(["b"], small.Names("etkf"));
    }

    [Fact]
    public async Task A_session_that_was_ended_begins_anew()
    {
        using var pool = Pool();
        await pool.UseAsync("etkf", "a", Assimilate);
        await pool.UseAsync("etkf", "a", Assimilate);
        Assert.True(pool.Exists("etkf", "a"));
        Assert.True(await pool.EndAsync("etkf", "a"));
        Assert.False(pool.Exists("etkf", "a"));
        Assert.Equal(Expected.Value[0], await pool.UseAsync("etkf", "a", Assimilate));
    }

    private static IConfiguration Configuration(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value))).Build();

    private static readonly (string, string)[] Complete =
    [
        ("seed", "1"), ("precision", "double"), ("device", "cpu"), ("timeTolerance", "0.1"),
        ("methods:own:Method", "etkf"), ("methods:own:members", "10"), ("methods:own:inflation", "1"),
        ("systems:three:model", "lorenz-63"), ("systems:three:interval", "0.25"), ("systems:three:errorVariance", "2"),
        ("systems:three:startMean:0", "2"), ("systems:three:startVariance", "4"),
        ("pipelines:etkf:system", "three"), ("pipelines:etkf:method", "own"),
        ("pipelines:climate:system", "three"), ("pipelines:climate:method", "optimal-interpolation"),
        ("pipelines:climate:trainingCycles", "50"),
        ("sessions:capacity", "7"),
    ];

    private static ServiceProvider Provider(IEnumerable<(string, string)> settings) =>
        new ServiceCollection().AddDataAssimilation(Configuration([.. settings])).BuildServiceProvider();

    [Fact]
    public async Task A_configuration_names_methods_systems_and_pipelines_and_their_sessions_run()
    {
        using var provider = Provider(Complete);
        var context = provider.GetRequiredService<DataAssimilationContext>();
        Assert.Equal((1, 0.1), (context.Options.Seed, context.Options.TimeTolerance));
        Assert.Equal(10, Assert.IsType<EnsembleTransformKalmanFilter>(provider.GetRequiredKeyedService<AssimilationMethod>("own")).Members);
        Assert.Equal(0.25, provider.GetRequiredKeyedService<AssimilationSystem>("three").Interval);
        var pool = provider.GetRequiredService<AssimilationSessions>();
        Assert.Same(pool, provider.GetRequiredService<AssimilationSessions>());
        Assert.Equal(["climate", "etkf"], pool.Pipelines);
        Assert.Equal(Expected.Value[0], await pool.UseAsync("etkf", "a", Assimilate));
        Assert.Equal(3, (await pool.UseAsync("climate", "a", Assimilate)).Length);
        Assert.Same(provider.GetRequiredKeyedService<ITransformer>("etkf"), pool.Method("etkf"));
    }

    [Fact]
    public async Task A_start_is_configured_and_a_pipeline_is_read_from_a_file()
    {
        string file = Path.Combine(folder.FullName, "model.daml");
        new DataAssimilationContext(1).Model.Save(Method(), file);
        using var provider = Provider([("seed", "1"), ("pipelines:saved:file", file), ("systems:s:model", "lorenz-63"),
            ("systems:s:startMean:0", "4"), ("systems:s:startVariance", "9"), ("systems:s:stride", "2")]);
        Assert.Equal(Expected.Value[0],
            await provider.GetRequiredService<AssimilationSessions>().UseAsync("saved", "a", Assimilate));
        var system = provider.GetRequiredKeyedService<AssimilationSystem>("s");
        Assert.Equal([4.0, 4, 4], Assert.IsType<GaussianInitialCondition>(system.Initial).Mean.ToArray<double>());
        Assert.Equal(2, system.Network.Operator.ObservationDimension);
    }

    [Fact]
    public void A_configuration_holds_lists_methods_within_methods_and_trainings()
    {
        using var provider = Provider([("seed", "1"),
            ("methods:near:method", "letkf"), ("methods:near:localisation:grid:0", "3"), ("methods:near:localisation:grid:1", "4"),
            ("methods:near:localisation:halfWidth", "2.5"),
            ("methods:back:method", "rts"), ("methods:back:filter:Method", "kalman-filter"), ("methods:back:filter:divergenceBound", "9"),
            ("methods:net:method", "innovation-linear"), ("methods:net:training:steps", "2"), ("methods:net:training:truncation", "2"),
            ("methods:net:training:validationInterval", "1"), ("methods:net:training:validationBurnIn", "2"),
            ("methods:net:network:radius:halfWidth", "2"), ("methods:net:network:network:filters", "4"),
            ("systems:ring:model", "lorenz-96"),
            ("pipelines:trained:system", "ring"), ("pipelines:trained:method", "net"), ("pipelines:trained:trainingCycles", "8"),
            ("pipelines:trained:trainingTrajectories", "3")]);
        var near = Assert.IsType<LocalEnsembleTransformKalmanFilter>(provider.GetRequiredKeyedService<AssimilationMethod>("near"));
        Assert.Equal((12, 2), (near.Localisation.Geometry.Dimension, near.Localisation.Geometry.Axes));
        Assert.Equal(new RauchTungStriebelSmoother { Filter = new KalmanFilter { DivergenceBound = 9 } },
            provider.GetRequiredKeyedService<AssimilationMethod>("back"));
        var trained = Assert.IsType<SequentialAssimilation<StateMemory>>(provider.GetRequiredKeyedService<ITransformer>("trained"));
        Assert.Equal(2, SmallTwin.History(trained).Steps.Count);
    }

    [Theory]
    [InlineData("sede", "1", "no setting 'sede'")]
    [InlineData("seed", "one", "'seed' must be a int64; given: one")]
    [InlineData("precision", "half", "must be single or double; given: half")]
    [InlineData("methods:own:member", "5", "has no setting 'member'")]
    [InlineData("methods:own:members", "many", "must be a whole number")]
    [InlineData("methods:other:method", "etfk", "no method 'etfk'")]
    [InlineData("systems:three:model", "", "a Model is needed")]
    [InlineData("systems:three:intervall", "1", "intervall")]
    [InlineData("systems:three:stride", "two", "two")]
    [InlineData("pipelines:etkf:file", "x", "either a System and a Method are needed, or a File")]
    [InlineData("pipelines:empty:trainingCycles", "5", "either a System and a Method are needed, or a File")]
    [InlineData("pipelines:etkf:trainingTrajectories", "0", "TrainingTrajectories")]
    [InlineData("methods:own:rotation:0", "none", "must be one of None, MeanPreserving; given: [")]
    [InlineData("sessions:folders", "x", "folders")]
    public void A_wrong_setting_stops_the_program_at_its_start(string key, string value, string part) => Assert.Contains(part,
        Assert.Throws<ArgumentException>(() => Provider([.. Complete.Where(setting => setting.Item1 != key), (key, value)])).Message);

    [Theory]
    [InlineData("systems:three:model", "lorenz-64", "no model 'lorenz-64'")]
    [InlineData("systems:three:interval", "0.001", "settings 'systems:three'")]
    [InlineData("systems:three:errorVariance", "-1", "settings 'systems:three'")]
    [InlineData("systems:three:startMean:1", "4", "must be one number or 3")]
    [InlineData("pipelines:etkf:system", "four", "no system 'four'")]
    [InlineData("pipelines:etkf:method", "ektf", "no method 'ektf'")]
    public void A_name_that_does_not_exist_is_refused_where_it_is_needed(string key, string value, string part)
    {
        using var provider = Provider([.. Complete.Where(setting => setting.Item1 != key), (key, value)]);
        Assert.Contains(part,
            Assert.Throws<ArgumentException>(() => provider.GetRequiredService<AssimilationSessions>().Method("etkf")).Message);
    }
}
