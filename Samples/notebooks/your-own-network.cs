// The notebook your-own-network.ipynb as a program, made by './daml notebook app your-own-network.ipynb'. Run it in its folder:
//     dotnet run your-own-network.cs
// Outside this repository, two lines take the place of the two projects (docs/notebooks.md).
#:project ../../Estimators/DaML.Estimators.csproj
#:project ../../Interop/DaML.Interop.csproj
#:property UsesTorch=true
#:property PublishAot=false

using System.IO;
using DaML;
using DaML.Components;
using DaML.Plotting;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

int figures = 0;
// %% [markdown]
// # Your own network
//
// An analysis can be learned. A network gets the forecast $x^f$ and the scaled innovation $H^\top R^{-1}(y - H x^f)$ and
// gives the increment:
//
// $$ x^a = x^f + a_\theta\bigl(x^f,\; H^\top R^{-1} (y - H x^f)\bigr). $$
//
// It is trained along true trajectories by back-propagation through several cycles of forecast and analysis, so it learns
// from the errors that it makes itself. This notebook trains a network of yours, compares it with classical methods, and
// saves it. It runs in half a minute.

// %%
// The size. The outputs below are those of the quick one; the full one trains for some minutes.
bool full = false;
long steps = full ? 6_000 : 100, cycles = full ? 2_000 : 200;

// %% [markdown]
// ## A torch module
//
// `LearnedField` takes any module over fields. Its input has two channels, the standardised forecast and the scaled
// innovation; its output is one channel, the increment. All are numbers of the order of one. The Lorenz-96 model lives on a
// circle, so padding is circular. The second layer has a skip.
//
// `[Component]` lets it be saved in model files.

// %% [markdown]
// ## The system and its data
//
// Twin experiments are generated while they are read, so training data never end. Validation and test have random streams of
// their own.

// %%
var context = new DataAssimilationContext(new DataAssimilationOptions { Seed = 1, Components = [ComponentType.Of<CircularLayers>()] });
var model = new Lorenz96();
var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension, errorVariance: 1));
ITrajectoryView Twin(string stream) => context.Data.Twin(system, new() { Stream = stream, Batch = 8 });

// The test starts near a known state, so that an ensemble filter can begin there.
long burnIn = 100;
var guess = model.Advance(context.Random("first guess").Normal([40], context.Precision), new TimeInterval(0, 50));
var known = system with { Initial = new GaussianInitialCondition(guess, ErrorCovariance.Scalar(40, 1)) };
var test = context.Data.Twin(known, new() { Stream = "test", Batch = 4, Cycles = burnIn + cycles });

// %% [markdown]
// ## Training
//
// An estimator learns (`Fit`) and gives a transformer. One step of the optimiser unrolls six cycles of eight trajectories; the
// loss is the squared error of the analyses. `ResidualConvolution` is the family of networks of Bocquet et al. (2024), trained
// in the same way for comparison.

// %%
var training = new TrainingOptions { Steps = steps, Truncation = 6, LearningRate = 1e-2,
    ValidationInterval = 25, ValidationCycles = 40, ValidationBurnIn = 30 };
var own = context.Analysis
    .LearnedField("own network", system, StateGrid.Circle, random => new CircularLayers(random), training)
    .Fit(Twin("training"), Twin("validation"));
var family = context.Analysis.ResidualConvolution(system, new() { Training = training })
    .Fit(Twin("training"), Twin("validation"));

// %%
TrainingHistory History(SequentialAssimilation<StateMemory> method) => ((LearnedAnalyzer<StateMemory>)method.Triple.Analyzer).History!;
LineSeries Course(string name, TrainingHistory history)
{
    var validated = history.Steps.Where(step => step.ValidationError is not null).ToList();
    return new(name, [.. validated.Select(step => (double)step.Step)], [.. validated.Select(step => step.ValidationError!.Value)])
        { Markers = true };
}
Show(new LineChart("Error on hold-out trajectories while training", new Axis("optimiser step"),
    new Axis("analysis RMSE") { Scale = AxisScale.Logarithmic }, [Course("own network", History(own)), Course("family", History(family))])
    { Width = 760, Height = 300, References = [new("observations", 1)] });

// %% [markdown]
// ## Scores
//
// 3D-Var is what a fixed covariance reaches, the ensemble transform Kalman filter what 20 forecasts of the model in every
// cycle reach. A learned analysis needs one forecast.

// %%
string Number(double value) => value.ToString("f3", System.Globalization.CultureInfo.InvariantCulture);
var variational = context.Analysis.ThreeDimensionalVariational(system, new()
    { Background = new ClimatologicalBackground { ClimatologyCycles = 300, TuningCycles = 150 } }).Fit(Twin("climate"));
var etkf = context.Analysis.EnsembleTransformKalmanFilter(known, new()
    { Members = 20, Inflation = Inflation.StandardDeviation(1.04), Rotation = EnsembleRotation.MeanPreserving });
double Rmse(ITransformer method) => context.Scores.Evaluate(method.Transform(test), new() { BurnIn = burnIn }).AnalysisRmse.Mean;
var errors = new Dictionary<string, double>
    { ["3D-Var"] = Rmse(variational), ["own network"] = Rmse(own), ["family"] = Rmse(family), ["ETKF, 20 members"] = Rmse(etkf) };
Show(new BarChart("Analysis error", new Axis("RMSE"), [.. errors.Select(one => new Bar(one.Key, one.Value))])
    { Width = 760, Height = 240, Decimals = 2 });

// %%
Show(new ReportTable("Analysis error over the test", ["method", "RMSE"],
    [.. errors.Select(one => (string[])[one.Key, Number(one.Value)])]));

// %% [markdown]
// ## Saved and read
//
// A model file holds the whole method: network, weights, statistics, model and observations. It is read back to the bit.

// %%
string file = Path.Combine(Path.GetTempPath(), $"own-network-{Environment.ProcessId}.daml");
context.Model.Save(own, file);
var read = context.Model.Load<ITransformer>(file);
File.Delete(file);
Show($"the same score after reading: {Rmse(read) == errors["own network"]}");

// %% [markdown]
// ## Where to go on
//
// - The full size takes longer and comes near the ensemble (`docs/demo.md` has 12,000 steps: 0.24).
// - A network may have a memory: `ResidualConvolutionWithMemory` (`docs/learned-analysis.md`).
// - All three parts of a method can be learned (`docs/data-assimilation-networks.md`).

// Figures go to files, everything else to the console.
void Show(object value)
{
    if (value is Figure figure)
    {
        string file = $"your-own-network-{++figures}.svg";
        File.WriteAllText(file, figure.ToSvg());
        Console.WriteLine($"Written: {file}");
    }
    else Console.WriteLine(value);
}

/// <summary>Three convolutions round the circle, [batch, 2, n] to [batch, 1, n].</summary>
[Component("example.org/circular-layers")]
public sealed class CircularLayers : nn.Module<Tensor, Tensor>
{
    private readonly Conv1d first = Circular(2, 16), second = Circular(16, 16), third = Circular(16, 1);

    public CircularLayers([NotSaved] RandomStream? random = null) : base(nameof(CircularLayers))
    {
        RegisterComponents();
        if (random is not null) ModuleState.DrawWeights(this, random);
    }

    public override Tensor forward(Tensor field)
    {
        var hidden = nn.functional.mish(first.call(field));
        hidden = hidden + nn.functional.mish(second.call(hidden));
        return third.call(hidden);
    }

    private static Conv1d Circular(long from, long to) =>
        nn.Conv1d(from, to, 5, padding: 2, padding_mode: PaddingModes.Circular);
}
