using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Models and checkpoints as files that a later version is to read. Those under <c>Data/65fef36</c> were made by
/// <see cref="Make"/> at that commit, whose tensors were those of libtorch 1.13 through a binding of the project's own.
/// </summary>
internal sealed class EarlierFormats : IDisposable
{
    /// <summary>The training that the checkpoint interrupts.</summary>
    private static readonly TrainingOptions Training = new()
        { Steps = 8, Truncation = 3, ValidationInterval = 2, ValidationCycles = 6, ValidationBurnIn = 2 };

    private static readonly Column Coefficients = new("coefficients"), Forecast = new("linear-forecast"), Anomaly = new("anomaly");

    private readonly string folder;
    private readonly Lorenz96 dynamics = new(8);
    private readonly ObservationNetwork observing;

    /// <summary>Reads or writes in a folder.</summary>
    public EarlierFormats(string folder)
    {
        this.folder = folder;
        observing = ObservationNetwork.Full(dynamics.Dimension);
        Numbers = File.Exists(PathOf("numbers.safetensors")) ? Safetensors.Read(PathOf("numbers.safetensors")).Tensors
            : new Dictionary<string, Tensor>();
    }

    public DataAssimilationContext Context { get; } = new(65);

    /// <summary>What the methods were given and what they gave, by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Numbers { get; private set; }

    /// <summary>The models' files and the column that each fills.</summary>
    public static IReadOnlyDictionary<string, Column> Models { get; } = new Dictionary<string, Column>
    {
        ["residual-convolution"] = Columns.Analysis,
        ["data-assimilation-network"] = Columns.Analysis,
        ["three-dimensional-variational"] = Columns.Analysis,
        ["finite-size-filter"] = Columns.Analysis,
        ["proper-orthogonal-decomposition"] = Coefficients,
        ["linear-inverse-model"] = Forecast,
        ["seasonal-cycle"] = Anomaly,
    };

    public string PathOf(string name) => Path.Combine(folder, name);

    public void Dispose()
    {
        foreach (var tensor in Numbers.Values) tensor.Dispose();
    }

    /// <summary>The trajectories that all learn from and are applied to.</summary>
    public ITrajectoryView View() =>
        Context.Data.FromMemory(new Dictionary<Column, Tensor>
            { [Columns.Truth] = Numbers["truth"], [Columns.Observation] = Numbers["observation"] },
        [.. Enumerable.Range(1, (int)Numbers["truth"].shape[0]).Select(cycle => 0.05 * cycle)]);

    /// <summary>The coefficients that the linear inverse model learns from.</summary>
    public ITrajectoryView Reduced() =>
        Context.Data.FromMemory(new Dictionary<Column, Tensor> { [Coefficients] = Numbers["proper-orthogonal-decomposition"] },
        [.. Enumerable.Range(1, (int)Numbers["truth"].shape[0]).Select(cycle => 0.05 * cycle)]);

    /// <summary>The column that a method fills, <c>[cycles, batch, n]</c>.</summary>
    public Tensor Apply(string name, ITransformer method)
    {
        var values = new List<Tensor>();
        using var cursor = method.Transform(name == "linear-inverse-model" ? Reduced() : View()).OpenCursor();
        while (cursor.MoveNext()) values.Add(cursor[Models[name]].clone());
        return stack(values);
    }

    /// <summary>Trains, from the checkpoint where one is named; the losses.</summary>
    public double[] Train(string? checkpoint, ITrajectoryView? view = null, CancellationToken cancellation = default)
    {
        var method = Context.Analysis.ResidualConvolution(new AssimilationSystem(dynamics, observing),
            new() { Network = Network, Training = Training with { CheckpointPath = checkpoint } })
            .Fit(view ?? View(), View(), cancellation);
        return [.. ((LearnedAnalyzer<StateMemory>)method.Triple.Analyzer).History!.Steps.Select(step => step.Loss)];
    }

    /// <summary>A filter whose model runs outside.</summary>
    public SequentialAssimilation<EnsembleMemory> Outside() =>
        Context.Analysis.EnsembleTransformKalmanFilter(new AssimilationSystem(new ExternalDynamics("outside", 8, 0.05), observing)
            { Initial = new GaussianInitialCondition(Numbers["truth"][0, 0], ErrorCovariance.Scalar(8, 1)) },
                new() { Members = 6, Rotation = EnsembleRotation.MeanPreserving });

    /// <summary>Makes a filter's cycles from one on, its model outside; the members <c>[members, n]</c> after the last.</summary>
    public Tensor Cycles(AskAndTell filter, int from, int to)
    {
        for (int cycle = from; cycle < to; cycle++)
        {
            var runs = filter.Outstanding.Count > 0 ? filter.Outstanding : filter.Ask(0.05 * (cycle + 1));
            filter.Tell([.. runs.Select(Run)]);
            filter.Assimilate(new Observation(Numbers["observation"][cycle][..1], null, 0.05 * (cycle + 1)));
        }
        return filter.Members;
    }

    public MemberResult Run(MemberRun run) => MemberResult.Done(run.Id, dynamics.Advance(run.ToTensor().unsqueeze(0), run.Interval)[0]);

    private static ResidualConvolutionOptions Network { get; } = new() { Filters = 4, Blocks = 1, SubBlocks = 2 };

    /// <summary>Writes all files and what they gave.</summary>
    public void Make()
    {
        var system = new AssimilationSystem(dynamics, observing);
        using var scope = NewDisposeScope();
        using (var twin = Context.Data.Twin(system with { Initial = new AttractorInitialCondition(dynamics, 5) },
            new() { Batch = 2, Cycles = 16 }).Materialise())
            Numbers = new Dictionary<string, Tensor>
                { ["truth"] = twin[Columns.Truth].clone(), ["observation"] = twin[Columns.Observation].clone() };
        var numbers = new Dictionary<string, Tensor>(Numbers);
        Numbers = numbers;

        void Keep(string name, ITransformer method)
        {
            Context.Model.Save(method, PathOf(name + ".daml"));
            numbers[name] = Apply(name, method);
        }
        Keep("residual-convolution",
            Context.Analysis.ResidualConvolution(system, new() { Network = Network, Training = Training }).Fit(View(), View()));
        Keep("data-assimilation-network",
            Context.Analysis.DataAssimilationNetwork(observing, 0.05, new DataAssimilationNetworkOptions { MemorySize = 8, Layers = 1 },
                Training).Fit(View(), View()));
        Keep("three-dimensional-variational",
            Context.Analysis.ThreeDimensionalVariational(system,
                new() { Background = new ClimatologicalBackground { TuningCycles = 12, TuningBurnIn = 2 } }).Fit(View()));
        Keep("finite-size-filter",
            Context.Analysis.FiniteSizeEnsembleKalmanFilter(system, new() { Members = 6, Rotation = EnsembleRotation.MeanPreserving }));
        Keep("proper-orthogonal-decomposition",
            Context.Transforms.ProperOrthogonalDecomposition(Columns.Truth, Coefficients, new ModeSelection.Count(3)).Fit(View()));
        Keep("linear-inverse-model", Context.Transforms.LinearInverseModel(Coefficients, Forecast).Fit(Reduced()));
        Keep("seasonal-cycle",
            Context.Transforms.SeasonalCycle(Columns.Truth, Anomaly, new SeasonalCycleOptions { Period = 0.8, Harmonics = 1 }).Fit(View()));

        numbers["losses"] = tensor(Train(null));
        using (var cancel = new CancellationTokenSource())
        {
            int times = 0;   // the statistics of the data are measured before the training reads them
            Train(PathOf("training.checkpoint"), new WatchedView(View(), cycle => { if (cycle == 8 && ++times == 2)
                cancel.Cancel(); }), cancel.Token);
        }

        using var filter = new AskAndTell(Outside());
        Cycles(filter, 0, 3);
        var runs = filter.Ask(0.2);
        filter.Tell([.. runs.Take(2).Select(Run)]);   // the others are outstanding
        filter.Save(PathOf("ask-and-tell.checkpoint"));
        filter.Tell([.. filter.Outstanding.Select(Run)]);
        filter.Assimilate(new Observation(numbers["observation"][3][..1], null, 0.2));
        numbers["members"] = Cycles(filter, 4, 6);
        Safetensors.Write(PathOf("numbers.safetensors"), numbers);
    }
}
