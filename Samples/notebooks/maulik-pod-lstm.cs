// The notebook maulik-pod-lstm.ipynb as a program, made by './daml notebook app maulik-pod-lstm.ipynb'. Run it in its folder:
//     dotnet run maulik-pod-lstm.cs
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
// # A learned emulator inside 4D-Var (Maulik et al. 2022)
//
// Maulik, Rao, Wang, Mengaldo, Constantinescu, Lusch, Balaprakash, Foster and Kotamarthi: *Efficient high-dimensional variational
// data assimilation with machine-learned reduced-order models* (Geosci. Model Dev. 15, 3433-3445).
//
// A field is compressed to the coefficients of its leading modes (proper orthogonal decomposition, POD). A network (LSTM)
// learns how they evolve. Sparse noisy observations are assimilated by 4D-Var through the network, whose adjoint is automatic:
//
// $$ J(c_0) = \tfrac12 \lVert c_0 - c^b \rVert^2_{B^{-1}} + \tfrac12 \sum_k \lVert y_k - H\, \Phi\, c_k \rVert^2_{R^{-1}},
// \qquad c_{k+1} = f_\theta(c_k, c_{k-1}, \ldots). $$
//
// The field here is real: daily sea-level pressure over the North Atlantic (NCEP/NCAR Reanalysis 1, public domain). The paper
// has geopotential over North America. The sample `./daml sample pod-lstm-4dvar` compares ten methods over two years.

// %%
// The size. The outputs below are those of the quick one; the full one takes some minutes.
bool full = false;
int firstYear = full ? 2001 : 2004, modesKept = full ? 20 : 12, trainingSteps = full ? 1_500 : 100;

// %% [markdown]
// ## The data, its seasonal cycle and its modes

// %%
var context = new DataAssimilationContext(seed: 1);
string file = Path.Combine("..", "data", "slp_ncep1_natlantic_daily_2001-2010.nc");
Column pressure = new("pressure"), anomaly = new("anomaly"), coefficients = new("coefficients"), coming = new("coming");
ITrajectoryView Days(DateTime from, DateTime until) => context.Data.FromNetCdf(file, "slp", pressure,
    new() { Scale = 0.01, From = from, Until = until, Interval = 1 });
var (training, validation) = (Days(new(firstYear, 1, 1), new(2008, 1, 1)), Days(new(2008, 1, 1), new(2009, 1, 1)));
var grid = LatitudeLongitudeGrid.FromNetCdf(file, "slp");
var area = grid.AreaWeights(ScalarType.Float64, CPU);
var field = context.Pipeline(training)
    .Append(context.Transforms.SeasonalCycle(pressure, anomaly))
    .Append(context.Transforms.ProperOrthogonalDecomposition(anomaly, coefficients, modesKept, area))
    .Fit(training);
var modes = field.Find<ProperOrthogonalDecompositionTransformer>().Decomposition;
var learnedFrom = field.Transform(training).Materialise([pressure, anomaly, coefficients]);

// %% [markdown]
// The first mode is the pressure between Iceland and Ireland. The second is the north against the south, the pattern of the
// North Atlantic Oscillation.

// %%
double[,] OnGrid(Tensor values)
{
    double[] flat = values.to(ScalarType.Float64).ToArray<double>();
    var rows = new double[grid.Latitudes.Count, grid.Longitudes.Count];
    for (int i = 0; i < flat.Length; i++) rows[i / grid.Longitudes.Count, i % grid.Longitudes.Count] = flat[i];
    return rows;
}
MapPlot Map(string title, double[,] values, ColorScale color) => new(title, values, grid.Longitudes[0],
    grid.Longitudes[1] - grid.Longitudes[0], grid.Latitudes[0], grid.Latitudes[1] - grid.Latitudes[0], color)
    { Width = 520, Height = 330, Outlines = Coastlines.World };
Tensor Mode(int number)
{
    var one = modes.Reconstruct(nn.functional.one_hot(tensor((long)number), modes.ModeCount).to(ScalarType.Float64).unsqueeze(0))[0];
    return one / one.abs().max() * one[one.abs().argmax()].sign();    // modes have no sign
}
var shade = ColorScale.Diverging(1, new Axis("mode"));
Show(new FigureGrid("", [Map("first mode", OnGrid(Mode(0)), shade), Map("second mode", OnGrid(Mode(1)), shade)], columns: 2));

// %% [markdown]
// ## The emulator
//
// Ridge regression on the last days' coefficients, corrected by an LSTM. Seven years are too few for a network to learn alone what
// a regression knows.

// %%
var emulator = context.Transforms.LongShortTermMemory(coefficients, coming,
    new() { Lags = 2, Baseline = new(), Training = new() { Steps = trainingSteps, LearningRate = 1e-3, BatchSize = 128,
        ValidationInterval = 50 } }, new() { Hidden = full ? 128 : 32, Inputs = 8 })
    .Fit(learnedFrom, field.Transform(validation).Materialise([coefficients]));

// %% [markdown]
// ## Observations and 4D-Var
//
// Forty stations anywhere between the grid points, with errors of 1 hPa and what the modes leave out. $B$ and the model error $Q$
// are estimated from the emulator's own forecast errors.

// %%
var draws = context.Random("stations").Uniform([80], ScalarType.Float64).ToArray<double>();
(double Latitude, double Longitude)[] sites =
    [.. Enumerable.Range(0, 40).Select(i => (30 + 40 * draws[2 * i], -70 + 80 * draws[2 * i + 1]))];
var stations = new ObservationNetwork(grid.InterpolateTo(sites), ErrorCovariance.Scalar(sites.Length, 1));
var error = modes.TruncationErrorCovariance(learnedFrom, anomaly, stations.Operator)
    + stations.Error.ToMatrix(ScalarType.Float64, CPU);
var network = emulator.Observed(new ObservationNetwork(new ReconstructionOperator(modes).Then(stations.Operator),
    ErrorCovariance.Full(error)));
var model = emulator.Dynamics;
var statistics = new StateStatistics().Estimate(model, learnedFrom, coefficients);
var system = new AssimilationSystem(model, network)
    { Initial = new GaussianInitialCondition(zeros(model.Dimension, ScalarType.Float64), statistics) };
var fourDVar = context.Analysis.FourDimensionalVariational(system, new()
{
    Background = new KnownBackground(new ForecastErrors { Scale = 0.3 }.Estimate(model, learnedFrom, coefficients)),
    Window = WindowCycling.Disjoint(1),
    Priors = [new ModelErrorTerm(ForecastErrors.ModelError(model, learnedFrom, coefficients))],
});

var observed = field.Append(context.Transforms.Observe(stations, anomaly))
    .Transform(Days(new(2009, 1, 1), full ? new(2010, 1, 1) : new(2009, 4, 1)))
    .Materialise([pressure, anomaly, coefficients, Columns.Observation]);
List<Tensor> analyses = [], truths = [];
foreach (var cycle in fourDVar.Transform(observed))
{
    analyses.Add(cycle[Columns.Analysis].clone().DetachFromDisposeScope());
    truths.Add(cycle[anomaly].clone().DetachFromDisposeScope());
}
var (analysed, truth) = (cat(analyses, 0), cat(truths, 0));    // [days, 2 r], [days, n]
Console.WriteLine($"{analysed.size(0)} days analysed");

// %% [markdown]
// ## One day

// %%
int day = 45;
long r = modes.ModeCount;
var reconstructed = modes.Reconstruct(analysed.narrow(1, 0, r));
var colour = ColorScale.Diverging(30, new Axis("anomaly", "hPa"));
MapMarker[] marks = [.. sites.Select(site => new MapMarker(site.Longitude, site.Latitude))];
Show(new FigureGrid("15 February 2009", [Map("truth", OnGrid(truth[day]), colour),
    Map("4D-Var from 40 stations", OnGrid(reconstructed[day]), colour) with { Markers = marks, MarkerName = "stations" }], columns: 2));

// %% [markdown]
// ## Forecasts from the analyses
//
// The emulator runs on from each analysis. Persistence keeps the true field, which no forecaster has; climatology is the seasonal
// cycle.

// %%
string Number(double value) => value.ToString("f2", System.Globalization.CultureInfo.InvariantCulture);
int[] leads = [0, 1, 2, 3, 5];
long days = truth.size(0) - 10 - leads[^1], spinUp = 10;
var later = emulator.Run(analysed.narrow(0, spinUp, days), leads[^1]);
double Rmse(Tensor fields, int lead) => FieldVerification.Of(fields, truth.narrow(0, spinUp + lead, days), null,
    new() { Weights = area }).RootMeanSquareError.Value;
var errors = new Dictionary<string, double[]>
{
    ["4D-Var and emulator"] = [.. leads.Select(lead => Rmse(lead == 0 ? reconstructed.narrow(0, spinUp, days)
        : modes.Reconstruct(later.select(1, lead - 1)), lead))],
    ["persistence of the truth"] = [.. leads.Select(lead => Rmse(truth.narrow(0, spinUp, days), lead))],
    ["climatology"] = [.. leads.Select(lead => Rmse(zeros_like(truth.narrow(0, spinUp, days)), lead))],
};
Show(new LineChart("Error of the pressure over the area", new Axis("lead", "days"), new Axis("RMSE", "hPa") { Minimum = 0 },
    [.. errors.Select(one => new LineSeries(one.Key, [.. leads.Select(lead => (double)lead)], one.Value) { Markers = true })])
    { Width = 760, Height = 300 });

// %%
Show(new ReportTable("Root-mean-square error in hPa, by lead in days", ["method", .. leads.Select(lead => $"{lead} d")],
    [.. errors.Select(one => (string[])[one.Key, .. one.Value.Select(Number)])]));

// Figures go to files, everything else to the console.
void Show(object value)
{
    if (value is Figure figure)
    {
        string file = $"maulik-pod-lstm-{++figures}.svg";
        File.WriteAllText(file, figure.ToSvg());
        Console.WriteLine($"Written: {file}");
    }
    else Console.WriteLine(value);
}
