using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Learns a map from the state at which 4D-Var's model is linearised to leading eigenpairs of its Gauss-Newton matrix (Trappler and
/// Vidard, section 2). Every step draws new states and new probes (algorithm 2.1) and spends one block of Hessian products on them;
/// nothing is stored. The weights of the smallest loss on hold-out states are kept.
/// </summary>
/// <param name="name">The name in messages and tables.</param>
/// <param name="context">Seed, device, precision of networks, progress.</param>
/// <param name="cost">The cost whose Hessian is learned. With a control variable transform and an uncorrelated B its vectors lie on the
/// grid like states.</param>
/// <param name="layout">The layout of states on the grid.</param>
/// <param name="create">Makes the network for inputs of the training data, with weights from a stream.</param>
/// <param name="options">The training settings (default: null, their defaults).</param>
/// <param name="fixedPairs">The fixed eigenpairs of the whitened loss and of the divergence (default: null, for the other
/// losses).</param>
/// <param name="observations">The observation term whose operator and errors the network also sees (default: null, the state
/// alone).</param>
public sealed class LearnedPreconditioningEstimator(string name, DataAssimilationContext context, FourDimensionalVariationalCost cost,
    FieldLayout layout,
    Func<HessianInputs, RandomStream, HessianNetwork> create, LearnedPreconditioningOptions? options = null,
    FixedEigenpairs? fixedPairs = null, ObservationTerm? observations = null)
{
    private readonly LearnedPreconditioningOptions options = Checked(options ?? new(), fixedPairs);

    /// <summary>The estimator's name.</summary>
    public string Name { get; } = !string.IsNullOrWhiteSpace(name) ? name
        : throw new ArgumentException("An estimator needs a name.", nameof(name));

    /// <summary>
    /// The paper's network: a U-Net and <see cref="SpectralHessianNetwork"/>.
    /// </summary>
    /// <param name="layout">The layout of states on the grid.</param>
    /// <param name="rank">r</param>
    /// <param name="largest">M, a rough upper bound of the eigenvalues.</param>
    /// <param name="network">The U-Net's size (default: null, its defaults).</param>
    /// <param name="rest">s (default: 1).</param>
    public static Func<HessianInputs, RandomStream, HessianNetwork> Spectral(FieldLayout layout, int rank, double largest,
        UNetOptions? network = null, double rest = 1) => (inputs, random) =>
    {
        var size = network ?? new();
        var made = new SpectralHessianNetwork(new UNet(layout, inputs.Channels, size, device: random.Device), size.Features, layout, rank,
            largest, rest, device: random.Device);
        made.Draw(random);
        return made;
    };

    /// <summary>The residual form: a U-Net and <see cref="TransportedHessianNetwork"/>.</summary>
    /// <param name="layout">The layout of states on the grid.</param>
    /// <param name="fixedPairs">The pairs that it corrects.</param>
    /// <param name="network">The U-Net's size (default: null, its defaults).</param>
    /// <param name="rest">s (default: 1).</param>
    /// <param name="reach">The reach of a stencil to each side, in points (default: 1).</param>
    public static Func<HessianInputs, RandomStream, HessianNetwork> Transported(FieldLayout layout, FixedEigenpairs fixedPairs,
        UNetOptions? network = null, double rest = 1, int reach = 1) => (inputs, random) =>
    {
        var size = network ?? new();
        var made = new TransportedHessianNetwork(new UNet(layout, inputs.Channels, size, device: random.Device), inputs.Channels,
            size.Features, layout, fixedPairs, rest, reach, device: random.Device);
        made.Draw(random);
        return made;
    };

    /// <summary>For observing networks that change: a U-Net and <see cref="ObservedHessianNetwork"/>.</summary>
    /// <param name="layout">The layout of states on the grid.</param>
    /// <param name="times">The number of times of observation in a window.</param>
    /// <param name="scale">c, about the background's deviation divided by that of the best observations.</param>
    /// <param name="network">The U-Net's size (default: null, its defaults).</param>
    /// <param name="reach">The reach of a stencil to each side, in points (default: 3).</param>
    public static Func<HessianInputs, RandomStream, HessianNetwork> Observed(FieldLayout layout, int times, double scale,
        UNetOptions? network = null,
        int reach = 3) => (inputs, random) =>
    {
        var size = network ?? new();
        var trunk = new UNet(layout, layout.Fields.Count, size, device: random.Device);
        var made = new ObservedHessianNetwork(trunk, inputs.Channels, size.Features, layout, times, scale, reach, device: random.Device);
        made.Draw(random);
        return made;
    };

    /// <summary>Learns the map.</summary>
    /// <param name="source">The source of the states of linearisation. Training and validation draw from their own streams.</param>
    /// <param name="cancellation">Checked in every step; a cancelled training ends with the best weights so far, and a checkpoint if one
    /// is named.</param>
    /// <param name="from">
    /// The result of an earlier training, by a network of the same architecture, to continue from: its weights and the constants of its
    /// inputs (default: null, initial weights from the seed). It is not changed.
    /// </param>
    /// <exception cref="ArgumentException">Windows do not match the cost or the layout, a field never changes, or the network has no
    /// parameters.</exception>
    /// <exception cref="DivergenceException">A hundred steps in a row gave no finite loss.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled before the first step.</exception>
    /// <exception cref="ModelArchiveException">The checkpoint is damaged or belongs to another training.</exception>
    public LearnedEigenpairs Fit(OnlineWindows source, CancellationToken cancellation = default, LearnedEigenpairs? from = null)
    {
        using var scope = NewDisposeScope();
        var training = options.Training;
        using var random = context.Random(training.Repetition == 0 ? $"training/{Name}" : $"training/{Name}/{training.Repetition}");
        using RandomStream weights = random.Derive("weights"), states = random.Derive("states"), probeRandom = random.Derive("probes"),
            held = random.Derive("validation"),
            measured = random.Derive("statistics");
        var inputs = from?.Inputs ?? Measure(source, measured);
        var network = create(inputs, weights);
        if (from is not null) network.WithWeightsOf(from.Network);
        if (!network.parameters().Any(parameter => parameter.requires_grad))
            throw new ArgumentException($"The network {network.GetName()} of {Name} has no parameters, so there is nothing to learn; " +
                "register its layers with RegisterComponents.");
        var probes = new HessianProbes(options.Loss, fixedPairs);
        var validation = Held(source, held, inputs, probes, ModuleState.PrecisionOf(network, ScalarType.Float32));
        using var windows = source.Open(states, context.Precision);
        using var steps = new HessianTraining(Name, network, cost, inputs, probes, options, windows, probeRandom);
        using var course = new NetworkTraining(Name, network, steps, "loss", () => Loss(network, probes, validation),
            Setting(network, source), training, context);
        var history = course.Run(cancellation);
        return new LearnedEigenpairs(network, inputs, history: history with { Settings = SettingsOf(network, source) });
    }

    private HessianInputs Measure(OnlineWindows source, RandomStream random)
    {
        using var scope = NewDisposeScope();
        using var sequence = source.Open(random, context.Precision);
        return HessianInputs.Measure(layout, [.. Enumerable.Range(0, options.StatisticsBatches).Select(_ => sequence.Next())],
            observations);
    }

    private List<HessianProbes.Batch> Held(OnlineWindows source, RandomStream random, HessianInputs inputs, HessianProbes probes,
        ScalarType precision)
    {
        using var sequence = source.Open(random, context.Precision);
        var batches = new List<HessianProbes.Batch>();
        for (int i = 0; i < options.ValidationBatches; i++)
            batches.Add(probes.Draw(cost, sequence.Next(), inputs, options.Probes, precision, random));
        return batches;
    }

    private static double Loss(HessianNetwork network, HessianProbes probes, List<HessianProbes.Batch> validation)
    {
        using var noGradients = no_grad();
        return validation.Average(batch =>
        {
            using var scope = NewDisposeScope();
            return probes.Loss(network, batch).ToDouble();
        });
    }

    private string Setting(HessianNetwork network, OnlineWindows source) => string.Create(CultureInfo.InvariantCulture,
        $"{Name} for {source.Dynamics.Name}, seed {context.Options.Seed}, {source.Options}, " +
            $"{options with { Training = options.Training.OfEveryRun }}, ") +
        TrainingSettings.Sizes(network);

    private TrainingSettings SettingsOf(HessianNetwork network, OnlineWindows source) =>
        TrainingSettings.Of(context, Name, source.Dynamics.Name, options.Training, network, TrainingSettings.Describe(cost),
            $"states online, {source.Options}, {options.Probes} probes, {options.Loss} loss",
            $"{options.ValidationBatches} batches of other states");

    private static LearnedPreconditioningOptions Checked(LearnedPreconditioningOptions options, FixedEigenpairs? fixedPairs)
    {
        if (options.Checked().Loss is HessianLoss.Whitened or HessianLoss.Divergence && fixedPairs is null)
            throw new ArgumentException(
                $"The loss {options.Loss} is measured against fixed eigenpairs; give them, or choose another loss.",
                nameof(fixedPairs));
        return options;
    }
}
