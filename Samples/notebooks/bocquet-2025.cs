// The notebook bocquet-2025.ipynb as a program, made by './daml notebook app bocquet-2025.ipynb'. Run it in its folder:
//     dotnet run bocquet-2025.cs
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
// # Why a learned analysis works (Bocquet et al. 2025)
//
// Bocquet, Finn, Cheng and Farchi: *Elucidating the performance of data assimilation neural networks for chaotic dynamics*.
//
// A network that sees one forecast state analyses Lorenz-96 as well as an ensemble filter does. The paper takes it apart: it
// asks how the gain of the network depends on the forecast, how its increments grow with the innovation, and what ensembles
// reach where the model becomes strongly nonlinear. This notebook asks the same of the network whose weights come with the
// repository. The sample `./daml sample bocquet2025` trains networks for every update step and forcing.

// %%
// The size. The outputs below are those of the quick one; the full one takes some minutes.
bool full = false;

// %%
var context = new DataAssimilationContext(seed: 1);
AssimilationSystem SystemOf(double interval)
{
    var model = new Lorenz96(dimension: 40, forcing: 8, timeStep: 0.05);
    var guess = model.Advance(context.Random("first guess").Normal([40], context.Precision), new TimeInterval(0, 50));
    return new AssimilationSystem(model, ObservationNetwork.Full(40, errorVariance: 1))
        { Interval = interval, Initial = new GaussianInitialCondition(guess, ErrorCovariance.Scalar(40, 1)) };
}
var system = SystemOf(0.05);
var learned = context.Analysis.ResidualConvolution(system, new() { Network = ResidualConvolutionOptions.Reference })
    .Pretrained(Path.Combine("..", "weights", "residual-convolution-40x5x5"));
var analyzer = (LearnedAnalyzer<StateMemory>)learned.Triple.Analyzer;
string Number(double value, int digits = 3) => value.ToString($"f{digits}", System.Globalization.CultureInfo.InvariantCulture);

// %% [markdown]
// ## The mean marginal gain (section 3.2)
//
// $P^a_{ij}(x)$ is the covariance that the network's increment implies, so that $a \approx P^a \zeta$ with the scaled
// innovation $\zeta = H^\top R^{-1} \delta$. How does it follow the forecast? The marginal gain is the second derivative
//
// $$ \Omega_{ij} = \mathrm{mean}_x\; \frac{\partial^2 a_i}{\partial x_r\, \partial \zeta_j}\Big|_{\zeta = 0}, $$
//
// averaged over states of the attractor. It is zero for every method with a fixed gain, such as 3D-Var.

// %%
var attractor = context.Data.Twin(system with { Initial = null }, new() { Stream = "attractor", Batch = 8, Cycles = full ? 400 : 20 });
var gain = context.Scores.MeanMarginalGain(analyzer, attractor, new MarginalGainOptions { Every = full ? 10 : 5 });
Show(gain.ToFigure("How the gain changes where the forecast at site r is raised"));

// %% [markdown]
// The pattern is local: the forecast at a site decides how observations are used in its neighbourhood. Since all layers are
// convolutions, it is the same at every site.

// %%
double equivariance = MarginalGain.EquivarianceError(analyzer.Network,
    context.Random("state").Normal([1, 40], context.Precision), site: 20, shift: 7);
Show($"share within five sites {Number(gain.ShareWithin(distance: 5), 2)} (chance 0.08), half within {gain.HalfWidth} sites; " +
    $"moves with the site to 1e-4: {equivariance < 1e-4}");

// %% [markdown]
// ## Increments and innovations (section 4.3)
//
// Multiply the innovation by $\lambda$. An analysis that is linear in the innovation has increments $r(\lambda) = \lambda$
// times as large. The network's grow faster: large innovations count for more than in proportion.

// %%
IncrementScalingScore scaling = new() { Every = 20 };
ProjectedInnovationHistogram innovations = new(system.Network, HistogramBins.Symmetric(6));
var test = context.Data.Twin(system, new() { Batch = 4, Cycles = full ? 2000 : 160 });
var report = context.Scores.Evaluate(context.Transforms.IncrementScaling(learned, system.Network).Transform(test),
    new() { BurnIn = 60, Scores = [scaling, innovations] });
Show(DiagnosticFigures.IncrementScaling("Increments over the size of the innovation", report.Of(scaling)));

// %% [markdown]
// The innovations themselves, projected on the direction of the network's increments, are nearly normal at this short update
// step.

// %%
Show(DiagnosticFigures.Histogram("Projected innovations", new Axis("projected innovation"), report.Of(innovations)));

// %%
Show($"deviation {Number(report.Of(innovations).StandardDeviation.Mean, 2)}");

// %% [markdown]
// ## Ensembles where the model is strongly nonlinear (figure 3)
//
// The longer the time between observations, the more nonlinear is the forecast. The EnKF-N's analysis is linear in the
// innovation; the IEnKF-N iterates, and so solves a nonlinear problem. The paper has 0.18 to 0.20 at 0.05, and the iterated
// filter ever further ahead for longer steps. (The sample's networks reach 0.53 at 0.4 with 5,570 parameters.)

// %%
double[] steps = full ? [0.05, 0.1, 0.2, 0.3, 0.4] : [0.05, 0.2, 0.4];
long cycles = full ? 1000 : 80;
FiniteSizePrior Prior(double step) => FiniteSizePrior.DiracJeffreys(step < 0.1 ? 2 : 1);
double Error(double step, Func<AssimilationSystem, ITransformer> method)
{
    var twin = context.Data.Twin(SystemOf(step), new() { Stream = $"test {step}", Batch = 4, Cycles = 60 + cycles });
    return context.Scores.Evaluate(method(SystemOf(step)).Transform(twin), new() { BurnIn = 60 }).AnalysisRmse.Mean;
}
double[] once = [.. steps.Select(step => Error(step, one => context.Analysis.FiniteSizeEnsembleKalmanFilter(one,
    new() { Members = 40, Prior = Prior(step), Rotation = EnsembleRotation.MeanPreserving })))];
double[] iterated = [.. steps.Select(step => Error(step, one => context.Analysis.IterativeEnsembleKalmanSmoother(one,
    new() { Members = 40, Prior = FiniteSizePrior.DiracJeffreys(2), Rotation = EnsembleRotation.MeanPreserving })))];
Show(new LineChart("Analysis error over the update step", new Axis("time between observations"), new Axis("RMSE") { Minimum = 0 },
    [new("EnKF-N, 40 members", steps, once) { Markers = true }, new("IEnKF-N, 40 members", steps, iterated) { Markers = true }])
    { Width = 760, Height = 300 });

// %%
Show(new ReportTable("Analysis RMSE", ["update step", "EnKF-N", "IEnKF-N"],
    [.. steps.Select((step, k) => (string[])[Number(step, 2), Number(once[k]), Number(iterated[k])])]));

// Figures go to files, everything else to the console.
void Show(object value)
{
    if (value is Figure figure)
    {
        string file = $"bocquet-2025-{++figures}.svg";
        File.WriteAllText(file, figure.ToSvg());
        Console.WriteLine($"Written: {file}");
    }
    else Console.WriteLine(value);
}
