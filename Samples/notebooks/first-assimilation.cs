// The notebook first-assimilation.ipynb as a program, made by './daml notebook app first-assimilation.ipynb'. Run it in its folder:
//     dotnet run first-assimilation.cs
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
// # Your first assimilation
//
// **Data assimilation** estimates the state of a system from a model that forecasts it and from observations that are noisy
// and incomplete. This notebook assimilates observations of the Lorenz-96 model with three methods, scores them, and looks
// at what they do. It runs in seconds.
//
// Each cycle has two steps. The model $M$ carries the last estimate forward. The *analysis* then corrects this forecast
// $x^f$ with the new observations $y$:
//
// $$ x^f_k = M(x^a_{k-1}), \qquad x^a_k = x^f_k + K_k\,(y_k - H x^f_k). $$
//
// $H$ maps a state to what is observed of it. The gain $K$ says how much to trust the observations. The methods differ in
// where $K$ comes from.

// %% [markdown]
// The size is set here and nowhere else. The outputs below are those of the quick size; the full size takes some minutes
// and has smaller standard errors.

// %%
bool full = false;
long cycles = full ? 10_000 : 400, trajectories = full ? 8 : 4;

// %% [markdown]
// ## A system: a model, and what is observed of it
//
// Lorenz-96 is a circle of 40 sites, each a value of some quantity of the atmosphere along a circle of latitude:
//
// $$ \frac{dx_i}{dt} = (x_{i+1} - x_{i-2})\, x_{i-1} - x_i + F, \qquad F = 8. $$
//
// It is chaotic: small errors double in about 0.4 time units. All sites are observed every 0.05 with errors of variance one.

// %%
var context = new DataAssimilationContext(seed: 1);
var model = new Lorenz96(dimension: 40, forcing: 8, timeStep: 0.05);
var network = ObservationNetwork.Full(model.Dimension, errorVariance: 1);

// Where truths and ensembles start: near one state of the attractor, with an error as large as an observation's.
var guess = model.Advance(context.Random("first guess").Normal([40], context.Precision), new TimeInterval(0, 50));
var system = new AssimilationSystem(model, network)
    { Initial = new GaussianInitialCondition(guess, ErrorCovariance.Scalar(40, 1)) };

// %% [markdown]
// ## A twin experiment
//
// A *twin experiment* draws a truth from the model and observes it. So the error of every analysis is known. The view is
// lazy: trajectories are computed while they are read, and the same seed gives the same numbers.

// %%
long burnIn = 100;
var twin = context.Data.Twin(system, new() { Batch = trajectories, Cycles = burnIn + cycles });

// %% [markdown]
// ## Methods
//
// A method is a record of settings, made from `context.Analysis`:
//
// - **3D-Var** has one covariance $B$ of forecast errors for all times, a fraction of the climatological covariance. It
//   learns $B$ from trajectories of the model, so it is an estimator with `Fit`.
// - The **ensemble transform Kalman filter** (ETKF) estimates the covariance in every cycle from 20 forecasts,
//   $P^f = \frac{1}{N-1} X X^\top$. Its small ensemble makes it overconfident, so the spread is inflated.
// - The **EnKF-N** accounts for the finite ensemble and needs no inflation.

// %%
var climate = context.Data.Twin(system with { Initial = null }, new() { Stream = "climate", Batch = 16 });
var variational = context.Analysis.ThreeDimensionalVariational(system, new()
    { Background = new ClimatologicalBackground { ClimatologyCycles = 300, TuningCycles = 150 } }).Fit(climate);
var etkf = context.Analysis.EnsembleTransformKalmanFilter(system, new()
    { Members = 20, Inflation = Inflation.StandardDeviation(1.04), Rotation = EnsembleRotation.MeanPreserving });
var finiteSize = context.Analysis.FiniteSizeEnsembleKalmanFilter(system, new()
    { Members = 20, Prior = FiniteSizePrior.DiracJeffreys(certainty: 2) });
var methods = new Dictionary<string, ITransformer>
    { ["3D-Var"] = variational, ["ETKF, 20 members"] = etkf, ["EnKF-N, 20 members"] = finiteSize };

// %% [markdown]
// `Transform` applies a method to a view. The scores are averages over the cycles after the burn-in, with standard errors
// over the trajectories. An analysis must be better than the observations alone, whose error is one.

// %%
var scores = methods.ToDictionary(method => method.Key,
    method => context.Scores.Evaluate(method.Value.Transform(twin), new() { BurnIn = burnIn }));
string Number(double value) => value.ToString("f3", System.Globalization.CultureInfo.InvariantCulture);
Show(new ReportTable("Errors and what the method itself says of them", ["method", "analysis RMSE", "forecast RMSE", "spread"],
    [.. scores.Select(one => (string[])[one.Key, Number(one.Value.AnalysisRmse.Mean), Number(one.Value.ForecastRmse.Mean),
        one.Value.AnalysisSpread is { } spread ? Number(spread.Mean) : "none"])]));

// %% [markdown]
// The ensemble methods halve the error of 3D-Var: they know the *errors of the day*. The spread is what a method believes
// its error to be. That of the EnKF-N is right; the inflated ensemble of the ETKF is a little too wide.
//
// ## The first cycles
//
// All methods begin with an error of one. The ensembles need some fifty cycles to learn the errors of the day.

// %%
int shown = 100;
double[] times = [.. Enumerable.Range(1, shown).Select(cycle => 0.05 * cycle)];
Show(new LineChart("Analysis error from the first cycle on", new Axis("time", "model units"),
    new Axis("RMSE") { Scale = AxisScale.Logarithmic },
    [.. scores.Select(one => new LineSeries(one.Key, times, [.. one.Value.AnalysisRmse.PerCycle.Take(shown)]))])
    { Width = 760, Height = 320, References = [new("observations", 1)] });

// %% [markdown]
// ## Truth, analysis and error in space and time
//
// Waves travel around the circle. The error of the analysis is small. It comes in bursts that travel with
// the flow.

// %%
List<double[]> truth = [], error = [];
foreach (var cycle in etkf.Transform(twin.Take(burnIn + 150)))
{
    if (cycle.Cycle < burnIn) continue;
    using var scope = NewDisposeScope();
    var (x, a) = (cycle[Columns.Truth][0].to(ScalarType.Float64), cycle[Columns.Analysis][0].to(ScalarType.Float64));
    truth.Add(x.ToArray<double>());
    error.Add((a - x).ToArray<double>());
}

// Rows are sites, columns are cycles.
double[,] Field(List<double[]> rows)
{
    var field = new double[rows[0].Length, rows.Count];
    for (int i = 0; i < rows[0].Length; i++)
        for (int k = 0; k < rows.Count; k++) field[i, k] = rows[k][i];
    return field;
}
HeatMap Panel(string title, List<double[]> rows, double reach, string what) => new(title, Field(rows),
    new CellAxis(new Axis("time", "model units"), 0.05 * burnIn, 0.05), new CellAxis(new Axis("site"), 0, 1),
    ColorScale.Diverging(reach, new Axis(what))) { Width = 760, Height = 220 };

Show(new FigureGrid("", [Panel("truth", truth, 12, "x"), Panel("analysis − truth", error, 1, "error")]));

// %% [markdown]
// ## Fewer observations
//
// Half of the sites unobserved: the ensemble's covariance carries information to them. Only the network changes.

// %%
var everyOther = system with { Network = ObservationNetwork.Strided(model.Dimension, stride: 2) };
var sparseTwin = context.Data.Twin(everyOther, new() { Batch = trajectories, Cycles = burnIn + cycles });
var sparse = context.Analysis.FiniteSizeEnsembleKalmanFilter(everyOther, new()
    { Members = 20, Prior = FiniteSizePrior.DiracJeffreys(certainty: 2) });
var sparseScores = context.Scores.Evaluate(sparse.Transform(sparseTwin), new() { BurnIn = burnIn });
Show($"EnKF-N with every other site observed: analysis RMSE {Number(sparseScores.AnalysisRmse.Mean)}");

// %% [markdown]
// ## Where to go on
//
// - *Your own model* brings another model into all methods.
// - *Your own network* learns the analysis instead of computing it from an ensemble.
// - `docs/filters.md` lists the filters, `docs/variational.md` 3D-Var and 4D-Var, `docs/scores.md` the scores.

// Figures go to files, everything else to the console.
void Show(object value)
{
    if (value is Figure figure)
    {
        string file = $"first-assimilation-{++figures}.svg";
        File.WriteAllText(file, figure.ToSvg());
        Console.WriteLine($"Written: {file}");
    }
    else Console.WriteLine(value);
}
