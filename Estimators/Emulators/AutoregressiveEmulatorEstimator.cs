using System.Globalization;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Learns an <see cref="AutoregressiveEmulator"/>: a network, alone or as a correction to ridge regression on lags, from a window of past
/// values to the coming ones, trained on its own forecasts (direct multi-step training) and validated on a hold-out view; the weights
/// with the smallest error there are kept.
/// </summary>
public sealed class AutoregressiveEmulatorEstimator : IValidatedEstimator<AutoregressiveModel>
{
    private readonly DataAssimilationContext context;
    private readonly Column values, forecast;
    private readonly Func<long, RandomStream, nn.Module<Tensor, Tensor>> createNetwork;
    private readonly AutoregressiveEmulatorOptions options;

    /// <summary>Creates the estimator.</summary>
    /// <param name="context">Seed, network precision, progress.</param>
    /// <param name="name">The model's name, from which its random streams derive.</param>
    /// <param name="values">The column of anomalies with zero mean, <c>[r]</c>.</param>
    /// <param name="forecast">The column that the transformer adds, <c>[r]</c>.</param>
    /// <param name="createNetwork">Makes the network <c>[rows, L, r]</c>, oldest first, to <c>[rows, D, r]</c>, in units of each
    /// component's deviation, for r components. It draws its weights from the stream, on the stream's device and in the context's network
    /// precision. A network that must start as the baseline gives zero at first.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    /// <exception cref="ArgumentException">The name is empty, or an option is out of its range.</exception>
    public AutoregressiveEmulatorEstimator(DataAssimilationContext context, string name, Column values, Column forecast,
        Func<long, RandomStream, nn.Module<Tensor, Tensor>> createNetwork, AutoregressiveEmulatorOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        (this.context, Name, this.values, this.forecast, this.createNetwork) = (context, name, values, forecast, createNetwork);
        this.options = (options ?? new()).Checked();
        Contract = SchemaContract.OfAnySize(values, forecast);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <summary>Learns from the first nine tenths of the cycles and validates on the last tenth.</summary>
    /// <inheritdoc cref="Fit(ITrajectoryView, ITrajectoryView, CancellationToken)"/>
    public AutoregressiveModel Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        Contract.Apply(data.Schema, Name);
        using var scope = NewDisposeScope();
        var all = Read(data, Name, cancellation);
        long kept = all.Cycles - all.Cycles / 10;
        string description = TrainingSettings.Describe(data);
        return Fit(all.Part(0, kept, Name), all.Part(kept, all.Cycles - kept, $"The validation of {Name}"),
            $"nine tenths of {description}", $"the last tenth of {description}", cancellation);
    }

    /// <inheritdoc/>
    /// <exception cref="SchemaException">A view lacks the column, or has it in another shape.</exception>
    /// <exception cref="ArgumentException">A view never ends or is shorter than a window and the trained leads, cycles are not equally
    /// spaced, a value is missing or non-finite, a component does not vary, or the network has no parameters or another
    /// precision.</exception>
    /// <exception cref="DivergenceException">A hundred steps in a row gave no finite loss.</exception>
    /// <exception cref="ArithmeticException">No validation gave a finite error.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled before the first step.</exception>
    /// <exception cref="ModelArchiveException">The checkpoint is damaged or belongs to another training.</exception>
    public AutoregressiveModel Fit(ITrajectoryView training, ITrajectoryView validation, CancellationToken cancellation = default)
    {
        Contract.Apply(training.Schema, Name);
        Contract.Apply(validation.Schema, Name);
        using var scope = NewDisposeScope();
        return Fit(Read(training, Name, cancellation), Read(validation, $"The validation of {Name}", cancellation),
            TrainingSettings.Describe(training), TrainingSettings.Describe(validation), cancellation);
    }

    private LaggedRecord Read(ITrajectoryView view, string step, CancellationToken cancellation) =>
        LaggedRecord.Read(view, values, Math.Max(options.Lags, options.Baseline?.Lags ?? 1), options.TrainedLeads, step, cancellation);

    private AutoregressiveModel Fit(LaggedRecord record, LaggedRecord held, string learned, string watched, CancellationToken cancellation)
    {
        if (held.ValueCount != record.ValueCount || !(Math.Abs(held.Interval / record.Interval - 1) <= 1e-6))
            throw new ArgumentException($"{Name} learns from {record.ValueCount} values every {record.Interval:g6}; " +
                $"the validation view has {held.ValueCount} every {held.Interval:g6}.");

        long repetition = options.Training.Repetition;
        using var random = context.Random(repetition == 0 ? $"training/{Name}" : $"training/{Name}/{repetition}");
        using RandomStream weights = random.Derive("weights"), starts = random.Derive("starts");
        var units = options.Normalisation == ValueNormalisation.Component ? record.Deviations
            : record.Deviations.max().expand(record.ValueCount).contiguous();
        var network = Checked(createNetwork(record.ValueCount, weights));
        if (network is LongShortTermMemoryNetwork memory)
            context.Logger.LogInformation("{Method}: the network is computed by {Computation}.", Name, memory.ComputationInUse);
        var emulator = new AutoregressiveEmulator(Name, options.Lags, options.Leads, record.Interval, units, network,
            Baseline(record, units));
        var model = new AutoregressiveModel(emulator, record.ValueCount, options.Leads, values, forecast);
        using var steps = new MultiStepTraining(model, network, record, options, starts);
        using var course = new NetworkTraining(Name, network, steps, "error", () => Error(model, held, record.Deviations),
            Setting(learned, network, record), options.Training, context);
        var history = course.Run(cancellation);
        ModuleState.Freeze(network);
        emulator.History = history with { Settings = SettingsOf(learned, watched, network) };
        return model;
    }

    // The root of the loss on all starts of the validation view.
    private double Error(AutoregressiveModel model, LaggedRecord held, Tensor deviations)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var precision = context.Options.NetworkPrecision;
        var all = arange(held.Starts * held.Values.size(1), dtype: ScalarType.Int64, device: held.Values.device);
        var (windows, coming) = held.Take(all, model.Window);
        var loss = MultiStepTraining.Loss(model, windows.to(precision), coming.to(precision), deviations, options.LeadDiscount);
        return Math.Sqrt(loss.ToDouble());
    }

    // The linear baseline of the D leads, [D r, L r]: the baseline of one step, applied repeatedly.
    private Tensor? Baseline(LaggedRecord record, Tensor units)
    {
        if (options.Baseline is not { } ridge) return null;
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        long r = record.ValueCount;
        var coefficients = RidgeAutoregressionEstimator.Coefficients(record.With(ridge.Lags, leads: 1), ridge, Name);
        var step = RidgeAutoregressionEstimator.Companion(coefficients, ones_like(record.Deviations), ridge.Lags);
        var (rows, power) = (new List<Tensor> { coefficients }, step);
        while (rows.Count < options.Leads) rows.Add((power = matmul(step, power)).narrow(0, 0, r));
        var ratio = record.Deviations / units;
        return (cat([.. rows], 0) * ratio.repeat(options.Leads).unsqueeze(1) / ratio.repeat(ridge.Lags)).MoveToOuterDisposeScope();
    }

    private nn.Module<Tensor, Tensor> Checked(nn.Module<Tensor, Tensor>? network)
    {
        if (network is null)
            throw new ArgumentException($"The function that makes the network of {Name} returned null; a module is needed.");
        if (!network.parameters().Any(parameter => parameter.requires_grad))
            throw new ArgumentException($"The network {network.GetName()} of {Name} has no parameters, so there is nothing to learn; " +
                "register its layers with RegisterComponents.");
        foreach (var (parameter, tensor) in network.named_parameters())
            if (tensor.dtype != context.Options.NetworkPrecision)
                throw new ArgumentException($"The parameter '{parameter}' of {network.GetName()} must have the context's network " +
                    $"precision, {context.Options.NetworkPrecision}; given: {tensor.dtype}.");
        return network;
    }

    private string Setting(string data, nn.Module network, LaggedRecord record) => string.Create(CultureInfo.InvariantCulture,
        $"{Name}, seed {context.Options.Seed}, {data}, deviations {record.Deviations.sum().ToDouble():r}, " +
        $"{options with { Training = options.Training.OfEveryRun }}, ") +
        TrainingSettings.Describe(network).ToJsonString() + ", " +
        TrainingSettings.Sizes(network);

    private TrainingSettings SettingsOf(string learned, string watched, nn.Module network) =>
        TrainingSettings.Of(context, Name, $"an autoregressive emulator of {options.Lags} lags, " +
            (options.Baseline is null ? "alone" : "correcting ridge regression"), options.Training, network, "none", learned, watched);
}
