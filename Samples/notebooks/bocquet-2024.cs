// The notebook bocquet-2024.ipynb as a program, made by './daml notebook app bocquet-2024.ipynb'. Run it in its folder:
//     dotnet run bocquet-2024.cs
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
using static TorchSharp.torch;

int figures = 0;
// %% [markdown]
// # An analysis without an ensemble (Bocquet et al. 2024)
//
// Bocquet, Farchi, Finn, Durand, Cheng, Chen, Pasmans and Carrassi: *Deep learning-based sequential data assimilation for
// chaotic dynamics identifies local instabilities from single state forecasts* (Chaos 34, 091104).
//
// The finding: a network that sees **one** forecast state $x^f$ and the innovation analyses Lorenz-96 about as well as an
// ensemble filter does,
//
// $$ x^a = x^f + a_\theta\bigl(x^f,\; H^\top R^{-1}(y - H x^f)\bigr). $$
//
// An ensemble carries the errors of the day from cycle to cycle. A single state does not. So the network must read from the
// forecast itself in which directions it is uncertain. This notebook measures that with the network of the paper's size, whose
// weights come with the repository. The sample `./daml sample bocquet2024` trains networks and reproduces the whole paper.

// %%
// The size. The outputs below are those of the quick one; the full one takes some minutes.
bool full = false;
long cycles = full ? 2_000 : 200, burnIn = 100;

// %%
var context = new DataAssimilationContext(seed: 1);
var model = new Lorenz96(dimension: 40, forcing: 8, timeStep: 0.05);
var network = ObservationNetwork.Full(model.Dimension, errorVariance: 1);
var guess = model.Advance(context.Random("first guess").Normal([40], context.Precision), new TimeInterval(0, 50));
var system = new AssimilationSystem(model, network)
    { Initial = new GaussianInitialCondition(guess, ErrorCovariance.Scalar(40, 1)) };
var test = context.Data.Twin(system, new() { Batch = 4, Cycles = burnIn + cycles });

// %% [markdown]
// ## The network
//
// Standardised inputs, a convolution to 40 filters, five residual blocks of five convolutions, a convolution to one channel:
// 203,641 parameters. All convolutions go around the circle, so the network treats all sites alike.

// %%
var learned = context.Analysis.ResidualConvolution(system, new() { Network = ResidualConvolutionOptions.Reference })
    .Pretrained(Path.Combine("..", "weights", "residual-convolution-40x5x5"));
var analyzer = (LearnedAnalyzer<StateMemory>)learned.Triple.Analyzer;
var history = analyzer.History!;
long count = analyzer.Network.parameters().Sum(parameter => parameter.numel());
Console.WriteLine($"{count} parameters, validation error while training {history.Steps.Min(step => step.ValidationError):f3}");

// %% [markdown]
// ## Accuracy (section III)
//
// Beside it: 3D-Var with a tuned climatological $B$, and the EnKF-N ("well-tuned EnKF" in the paper).

// %%
var climate = context.Data.Twin(system with { Initial = null }, new() { Stream = "climate", Batch = 16 });
var variational = context.Analysis.ThreeDimensionalVariational(system, new()
    { Background = new ClimatologicalBackground { ClimatologyCycles = 300, TuningCycles = 150 } }).Fit(climate);
SequentialAssimilation<EnsembleMemory> FiniteSize(long members) => context.Analysis.FiniteSizeEnsembleKalmanFilter(system,
    new() { Members = members, Prior = FiniteSizePrior.DiracJeffreys(certainty: 2) });
var (enkf, methods) = (FiniteSize(40), new Dictionary<string, ITransformer>());
methods.Add("3D-Var", variational);
methods.Add("learned, no ensemble", learned);
methods.Add("EnKF-N, 20 members", FiniteSize(20));
methods.Add("EnKF-N, 40 members", enkf);

var published = new Dictionary<string, string>
    { ["3D-Var"] = "0.40", ["learned, no ensemble"] = "0.19 to 0.20", ["EnKF-N, 20 members"] = "0.191", ["EnKF-N, 40 members"] = "0.179" };
string Number(double value, int digits = 3) => value.ToString($"f{digits}", System.Globalization.CultureInfo.InvariantCulture);
var scores = methods.ToDictionary(method => method.Key,
    method => context.Scores.Evaluate(method.Value.Transform(test), new() { BurnIn = burnIn }));
Show(new ReportTable("Analysis RMSE", ["method", "here", "paper"],
    [.. scores.Select(one => (string[])[one.Key, Number(one.Value.AnalysisRmse.Mean), published[one.Key]])]));

// %% [markdown]
// ## What the network believes of its errors (section IV)
//
// The gain that an analysis applies is found by regressing its increments on random innovations; $P^a = K R$ is the error
// covariance that it implies. Is it that of the ensemble, which runs beside it on the same observations? The distance is the
// Bures-Wasserstein distance, per dimension. The paper has 0.013 to the EnKF's covariance and 0.048 to the isotropic
// $0.40^2 I$.

// %%
Column ofEnsemble = new("ensemble-covariance"), ofLearned = new("learned-covariance");
var beside = new LyapunovVectors(context, model, count: 14)
    .Append(context.Transforms.AnalysisCovariance(enkf, ofEnsemble))
    .Append(context.Transforms.AnalysisCovariance(learned, network, ofLearned))
    .Transform(context.Data.Twin(system, new() { Stream = "covariances", Batch = 2, Cycles = burnIn + (full ? 1000 : 100) }));

int every = 20;
CovarianceDistanceScore toEnsemble = new(ofLearned, ofEnsemble) { Every = every };
CovarianceDistanceScore toIsotropic = new(ofLearned, ErrorCovariance.Scalar(40, 0.16), "0.40² I") { Every = every };
EigenspectrumScore learnedSpectrum = new(ofLearned) { Every = every }, ensembleSpectrum = new(ofEnsemble) { Every = every };
var unstable = Subspace.FirstVectors(LyapunovVectors.Vectors, 14);
PrincipalAngleScore learnedAngles = new(Subspace.LeadingDirections(ofLearned, 14), unstable) { Every = every };
PrincipalAngleScore ensembleAngles = new(Subspace.LeadingDirections(ofEnsemble, 14), unstable) { Every = every };
PrincipalAngleScore randomAngles = new(unstable, Subspace.Random(context, 40, 14)) { Every = every };
var report = context.Scores.Evaluate(beside, new()
{
    BurnIn = burnIn,
    Scores = [toEnsemble, toIsotropic, learnedSpectrum, ensembleSpectrum, learnedAngles, ensembleAngles, randomAngles],
});
Show(new ReportTable("Distance of the learned covariance", ["to", "here", "paper"],
    [["the EnKF-N's", Number(report[toEnsemble].Mean), "0.013"], ["0.40² I", Number(report[toIsotropic].Mean), "0.048"]]));

// %% [markdown]
// The spectrum falls as the ensemble's does (figure 1 of the paper): the network knows directions in which it is uncertain.

// %%
Show(DiagnosticFigures.Eigenspectra("Eigenvalues of the analysis error covariance",
    [new("learned", report.Of(learnedSpectrum)), new("EnKF-N", report.Of(ensembleSpectrum))]));

// %% [markdown]
// And these directions are the unstable ones (figure 2): the principal angles between its leading directions and the first 14
// backward Lyapunov vectors of the truth are far below those of random directions.

// %%
Show(DiagnosticFigures.PrincipalAngles("Angles to the unstable-neutral subspace",
    [new("learned", report.Of(learnedAngles)), new("EnKF-N", report.Of(ensembleAngles)), new("random", report.Of(randomAngles))]));

// %% [markdown]
// ## Other dimensions (figure 3)
//
// What the network learned is local, so the same weights work on circles of other sizes.

// %%
List<string[]> rows = [];
foreach (long n in (long[])[20, 40, 80])
{
    var other = new Lorenz96(n);
    var start = other.Advance(context.Random($"first guess {n}").Normal([n], context.Precision), new TimeInterval(0, 50));
    var wider = new AssimilationSystem(other, ObservationNetwork.Full(n, errorVariance: 1))
        { Initial = new GaussianInitialCondition(start, ErrorCovariance.Scalar(n, 1)) };
    var moved = context.Analysis.ResidualConvolution(wider, new() { Network = ResidualConvolutionOptions.Reference })
        .Pretrained(Path.Combine("..", "weights", "residual-convolution-40x5x5"));
    var twin = context.Data.Twin(wider, new() { Stream = $"test {n}", Batch = 4, Cycles = burnIn + (full ? 1000 : 80) });
    rows.Add([$"{n}", Number(context.Scores.Evaluate(moved.Transform(twin), new() { BurnIn = burnIn }).AnalysisRmse.Mean)]);
}
Show(new ReportTable("Weights of 40 sites on circles of other sizes", ["sites", "analysis RMSE"], rows));

// Figures go to files, everything else to the console.
void Show(object value)
{
    if (value is Figure figure)
    {
        string file = $"bocquet-2024-{++figures}.svg";
        File.WriteAllText(file, figure.ToSvg());
        Console.WriteLine($"Written: {file}");
    }
    else Console.WriteLine(value);
}
