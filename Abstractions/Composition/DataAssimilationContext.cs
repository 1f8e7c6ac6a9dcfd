using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Settings of a <see cref="DataAssimilationContext"/>, with their defaults.</summary>
public sealed record DataAssimilationOptions
{
    /// <summary>The seed from which every random stream is derived.</summary>
    public long Seed { get; init; }

    /// <summary>The device that holds the tensors: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>The precision of models and classical filters.</summary>
    public ScalarType Precision { get; init; } = ScalarType.Float64;

    /// <summary>The precision of networks.</summary>
    public ScalarType NetworkPrecision { get; init; } = ScalarType.Float32;

    /// <summary>
    /// The way a CUDA device multiplies matrices of single precision (default: full, so that its numbers equal the processor's to
    /// round-off). libtorch keeps one setting for the process: the context that was made last decides.
    /// </summary>
    public MatrixPrecision MatrixPrecision { get; init; } = MatrixPrecision.Full;

    /// <summary>
    /// The largest distance of an observation's time from the nearest time step of a model, as a share of a step from 0 to 0.5 (default:
    /// a twentieth; half a step takes every time). Steps are counted from the view's start time.
    /// </summary>
    public double TimeTolerance { get; init; } = TimeInterval.DefaultTolerance;

    /// <summary>The logger that receives messages.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>The receiver of progress reports of long work.</summary>
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Your own component types that model files may hold, beside DaML's.</summary>
    public IReadOnlyList<ComponentType> Components { get; init; } = [];
}

/// <summary>
/// The settings that the steps of a pipeline share: seed, device, precision, logger, progress, and the catalogs from which components are
/// made. Add your own components to a catalog by extension methods on its class.
/// </summary>
public sealed class DataAssimilationContext
{
    /// <summary>Creates a context on the processor.</summary>
    /// <param name="seed">The seed from which every random stream is derived.</param>
    public DataAssimilationContext(long seed = 0) : this(new DataAssimilationOptions { Seed = seed }) { }

    /// <summary>Creates a context.</summary>
    /// <exception cref="DeviceNotAvailableException">The device is not available.</exception>
    /// <exception cref="ArgumentException">
    /// A precision is neither single nor double, the device does not have the matrix precision, or the time tolerance is outside 0 to 0.5.
    /// </exception>
    public DataAssimilationContext(DataAssimilationOptions options)
    {
        Options = options;
        Device = Devices.Parse(options.Device);
        foreach (var precision in (ScalarType[])[options.Precision, options.NetworkPrecision])
            if (precision is not (ScalarType.Float32 or ScalarType.Float64))
                throw new ArgumentException($"The precision must be Float32 or Float64; given: {precision}.", nameof(options));
        StepClock.CheckTolerance(options.TimeTolerance, nameof(options.TimeTolerance));
        MatrixPrecisions.Apply(options.MatrixPrecision, Device);
        ConvolutionGuard.Tell(options.Logger);
        Data = new DataCatalog(this);
        Analysis = new AnalysisCatalog(this);
        Transforms = new TransformCatalog(this);
        Scores = new ScoreCatalog(this);
        Model = new ModelCatalog(this);
    }

    /// <summary>The settings the context was made with.</summary>
    public DataAssimilationOptions Options { get; }

    /// <summary>The device that holds the tensors.</summary>
    public Device Device { get; }

    /// <summary>The precision of models and classical filters.</summary>
    public ScalarType Precision => Options.Precision;

    /// <summary>The logger that receives messages.</summary>
    public ILogger Logger => Options.Logger;

    /// <summary>The receiver of progress reports of long work.</summary>
    public IProgress<ProgressReport>? Progress => Options.Progress;

    /// <summary>Sources of trajectories: twin experiments, memory, files.</summary>
    public DataCatalog Data { get; }

    /// <summary>Assimilation methods, classical and learned.</summary>
    public AnalysisCatalog Analysis { get; }

    /// <summary>Other steps: reductions, emulators, diagnostics.</summary>
    public TransformCatalog Transforms { get; }

    /// <summary>Scores of a view.</summary>
    public ScoreCatalog Scores { get; }

    /// <summary>Saves and loads models.</summary>
    public ModelCatalog Model { get; }

    /// <summary>Opens the random stream with the given name.</summary>
    public RandomStream Random(string name) => new(Options.Seed, name, Device);

    /// <summary>Begins a pipeline on data of a known schema, so that a missing column is refused as the step is appended.</summary>
    public EstimatorChain<ITransformer> Pipeline(ITrajectoryView data) => new(data.Schema, []);
}

/// <summary>A family of components; add your own by extension methods.</summary>
/// <param name="context">The context whose seed, device and precision the components use.</param>
public abstract class Catalog(DataAssimilationContext context)
{
    /// <summary>The context the components take their settings from.</summary>
    public DataAssimilationContext Context { get; } = context;
}

/// <summary>Sources of trajectories.</summary>
public sealed class DataCatalog(DataAssimilationContext context) : Catalog(context);

/// <summary>Assimilation methods.</summary>
public sealed class AnalysisCatalog(DataAssimilationContext context) : Catalog(context);

/// <summary>Other steps of a pipeline.</summary>
public sealed class TransformCatalog(DataAssimilationContext context) : Catalog(context);

/// <summary>Scores of a view.</summary>
public sealed class ScoreCatalog(DataAssimilationContext context) : Catalog(context);

/// <summary>Saves and loads models; <c>Load</c> is in the assembly that knows every component.</summary>
public sealed class ModelCatalog(DataAssimilationContext context) : Catalog(context)
{
    /// <summary>Writes a transformer with everything it needs as one archive; it is equal to the bit when it is read again.</summary>
    /// <param name="transformer">Any transformer that is a component (<see cref="ComponentAttribute"/>), chains included.</param>
    /// <param name="path">
    /// The file; written under another name and renamed, so that an older file stays whole until the new one is complete.
    /// </param>
    public void Save(ITransformer transformer, string path) => ModelArchive.Write(transformer, path);
}
