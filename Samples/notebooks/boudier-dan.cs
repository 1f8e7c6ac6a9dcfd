// The notebook boudier-dan.ipynb as a program, made by './daml notebook app boudier-dan.ipynb'. Run it in its folder:
//     dotnet run boudier-dan.cs
// Outside this repository, two lines take the place of the two projects (docs/notebooks.md).
#:project ../../Estimators/DaML.Estimators.csproj
#:project ../../Interop/DaML.Interop.csproj
#:property UsesTorch=true
#:property PublishAot=false

using DaML;
using DaML.Components;
using DaML.Plotting;
using TorchSharp;
using static TorchSharp.torch;

int figures = 0;
// %% [markdown]
// # Data assimilation networks (Boudier et al.)
//
// Boudier, Fillion, Gratton, Gürol and Zhang: *Data assimilation networks*.
//
// Every sequential method is three maps over a memory $h$: an analyzer takes an observation in, a propagater moves the memory
// on in time, a procoder says which probability density over states the memory stands for,
//
// $$ a : H \times Y \to H, \qquad b : H \to H, \qquad c : H \to \mathrm{pdf}(X). $$
//
// In the Kalman filter the memory is mean and covariance. A data assimilation network learns all three maps over
// $H = \mathbb{R}^m$, from trajectories and observations alone: it is told neither the model nor the observation operator.
// Training minimises the cross-entropy of prior $q^b$ and posterior $q^a$ at the truth,
//
// $$ L = \frac{1}{T + 1} \sum_t \bigl[-\ln q^b_t(x_t) - \ln q^a_t(x_t)\bigr]. $$
//
// Theorem 4.1: no method has a smaller expectation of $L$ than the Bayesian filter. Here this optimum is known, because the
// system is linear and Gaussian: it is the Kalman filter. The sample `./daml sample dan-lorenz95` goes on to Lorenz-63 and
// Lorenz-95.

// %%
// The size. The outputs below are those of the quick one; the full one takes some minutes.
bool full = false;
long trainingSteps = full ? 6_000 : 200;

// %% [markdown]
// ## A system whose optimum is known
//
// A damped rotation with model noise; only a mixture of the two components is observed.

// %%
var context = new DataAssimilationContext(seed: 1);
var turn = 0.95 * tensor(new[,] { { 0.9, -0.4 }, { 0.4, 0.9 } });
var model = new LinearDynamics(turn) { ModelError = ErrorCovariance.Scalar(2, 0.1) };
var network = new ObservationNetwork(new LinearObservationOperator(tensor(new[,] { { 1.0, 0.5 } })), ErrorCovariance.Scalar(1, 0.5));
var first = new GaussianInitialCondition(zeros(2, ScalarType.Float64), ErrorCovariance.Scalar(2, 1));
var system = new AssimilationSystem(model, network) { Initial = first };
ITrajectoryView Twin(string stream, long batch) => context.Data.Twin(system, new() { Stream = stream, Batch = batch });

// %% [markdown]
// ## Training
//
// A memory of 24 numbers, networks of two layers, truncated back-propagation through eight cycles.

// %%
var dan = context.Analysis.DataAssimilationNetwork(network, timeStep: 1, new() { MemorySize = 24, Layers = 2 },
    new() { Steps = trainingSteps, Truncation = 8, LearningRate = 5e-3, ValidationInterval = 50, ValidationCycles = 100 })
    .Fit(Twin("training", 64), Twin("validation", 64));
var kalman = context.Analysis.KalmanFilter(system);

// %% [markdown]
// ## How far from the optimum?
//
// Cross-entropies are in nats a cycle, prior and posterior together.

// %%
string Number(double value, int digits = 3) => value.ToString($"f{digits}", System.Globalization.CultureInfo.InvariantCulture);
var test = Twin("test", 32).Take(full ? 500 : 150);
var crossEntropy = new CrossEntropy();
ScoreReport Score(ITransformer method) => context.Scores.Evaluate(method.Transform(test), new() { BurnIn = 30, Scores = [crossEntropy] });
var scores = new Dictionary<string, ScoreReport> { ["Kalman filter"] = Score(kalman), ["network"] = Score(dan) };
Show(new ReportTable("The network beside the optimum", ["method", "cross-entropy", "prior RMSE", "posterior RMSE"],
    [.. scores.Select(one => (string[])[one.Key, Number(one.Value[crossEntropy].Mean, 2), Number(one.Value.ForecastRmse.Mean),
        Number(one.Value.AnalysisRmse.Mean)])]));

// %%
var history = NetworkTriple.Of(dan).History!;
var validated = history.Steps.Where(step => step.ValidationError is not null).ToList();
Show(new LineChart("Cross-entropy on hold-out trajectories", new Axis("optimiser step"), new Axis("nats a cycle"),
    [new("network", [.. validated.Select(step => (double)step.Step)], [.. validated.Select(step => step.ValidationError!.Value)])
        { Markers = true }]) { Width = 760, Height = 280 });

// %% [markdown]
// ## It knows its uncertainty
//
// The posterior is a density with a covariance. Both posteriors of the first component along one trajectory, with one standard
// deviation to each side.

// %%
List<double> times = [], truth = [];
List<double>[] ours = [[], []], exact = [[], []];
var (a, b) = (dan.Run(test), kalman.Run(test));
while (a.MoveNext() && b.MoveNext() && a.Cycle < 60)
{
    using var scope = NewDisposeScope();
    times.Add(a.Time);
    truth.Add(a[Columns.Truth][0, 0].ToDouble());
    foreach (var (density, lists) in new[] { (a.AnalysisDensity, ours), (b.AnalysisDensity, exact) })
    {
        lists[0].Add(density.Mean[0, 0].to(ScalarType.Float64).ToDouble());
        lists[1].Add(Math.Sqrt(density.Covariance[0, 0, 0].to(ScalarType.Float64).ToDouble()));
    }
}
a.Dispose();
b.Dispose();
LineSeries[] Posterior(string name, List<double>[] of, RgbColor color) =>
[
    new(name, times, of[0]) { Color = color, Style = LineStyle.Solid },
    // one line above, a gap, one line below
    new($"{name}, ± deviation", [.. times, times[^1], .. times],
        [.. of[0].Zip(of[1], (m, s) => m + s), double.NaN, .. of[0].Zip(of[1], (m, s) => m - s)])
        { Color = color, Style = LineStyle.Dotted },
];
Show(new LineChart("Posterior of the first component", new Axis("cycle"), new Axis("x"),
    [new LineSeries("truth", times, truth) { Color = new RgbColor(0, 0, 0), Style = LineStyle.Dashed },
     .. Posterior("Kalman filter", exact, new RgbColor(0, 114, 178)),
        .. Posterior("network", ours, new RgbColor(213, 94, 0))]) { Width = 760, Height = 340 });

// %%
Show(new ReportTable("Posterior standard deviation of the first component", ["method", "deviation"],
    [["Kalman filter", Number(exact[1][^1])], ["network", Number(ours[1].Skip(20).Average())]]));

// Figures go to files, everything else to the console.
void Show(object value)
{
    if (value is Figure figure)
    {
        string file = $"boudier-dan-{++figures}.svg";
        File.WriteAllText(file, figure.ToSvg());
        Console.WriteLine($"Written: {file}");
    }
    else Console.WriteLine(value);
}
