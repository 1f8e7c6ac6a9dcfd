// The notebook your-own-model.ipynb as a program, made by './daml notebook app your-own-model.ipynb'. Run it in its folder:
//     dotnet run your-own-model.cs
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
// # Your own model
//
// You bring a model by writing its tendency. Everything else follows: integrator, batches and members, tangent linear and
// adjoint, and with them every filter and 4D-Var. This notebook takes the system of Rössler (1976), observes it in its own
// way, and assimilates. It runs in seconds.

// %%
// The size. The outputs below are those of the quick one.
bool full = false;
long cycles = full ? 5_000 : 100, trajectories = full ? 16 : 8;

// %% [markdown]
// ## The tendency
//
// $$ \dot x = -y - z, \qquad \dot y = x + a y, \qquad \dot z = b + z\,(x - c), \qquad a = b = 0.2,\; c = 5.7. $$
//
// A state is a tensor `[..., 3]`. The dimensions in front are batch and members, which the model need not know.

// %%
var context = new DataAssimilationContext(seed: 1);
var model = new Roessler();

// One trajectory on the attractor: 60 time units, a row for each step.
var start = model.Advance(tensor([1.0, 1.0, 0.0]), new TimeInterval(0, 200));
List<double[]> path = [start.ToArray<double>()];
for (var state = start; path.Count <= 1200; path.Add(state.ToArray<double>()))
    state = model.Advance(state, new TimeInterval(0, model.TimeStep));

double[] times = [.. path.Select((_, k) => k * model.TimeStep)];
Show(new LineChart("A trajectory", new Axis("time"), new Axis("value"), [.. "xyz".Select((letter, i) =>
    new LineSeries($"{letter}", times, [.. path.Select(row => row[i])]))]) { Width = 760, Height = 300 });

// %% [markdown]
// ## Are its derivatives right?
//
// The integrator carries $f'$ through its stages to the tangent linear $M'$ and the adjoint $M'^\top$. Two tests prove them. The Taylor
// test: $\lVert M(x + \varepsilon d) - M(x) - \varepsilon M' d \rVert$ falls with $\varepsilon^2$. The dot-product test:
// $\langle M' d, w \rangle = \langle d, M'^\top w \rangle$. (In a project of your own, `DynamicsConformance.Check(model)` of
// the package `DaML.Conformance` does these and more.)

// %%
var window = new TimeInterval(0, 1);
var draw = context.Random("directions");
var (d, w) = (draw.Normal([3], ScalarType.Float64), draw.Normal([3], ScalarType.Float64));
var tangent = model.TangentLinear(start, d, window);
double Remainder(double epsilon) =>
    (model.Advance(start + epsilon * d, window) - model.Advance(start, window) - epsilon * tangent).norm().ToDouble();
double order = Math.Log10(Remainder(1e-2) / Remainder(1e-3));
double left = tangent.dot(w).ToDouble(), right = d.dot(model.Adjoint(start, w, window)).ToDouble();
Show($"order of the remainder {order:f2}; dot products agree to 1e-12: {Math.Abs(left - right) < 1e-12 * Math.Abs(left)}");

// %% [markdown]
// ## How chaotic is it?
//
// Lyapunov exponents are the mean growth rates of small errors. One is positive, one is zero (along the flow) and one is
// strongly negative (onto the attractor). The published values are 0.0714, 0 and −5.39.

// %%
string Number(double value) => value.ToString("f3", System.Globalization.CultureInfo.InvariantCulture);
var attractor = new AttractorInitialCondition(model, spinUpTime: 100);
var truths = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension)) { Initial = attractor, Interval = 0.5 };
var lyapunov = context.Transforms.LyapunovVectors(model, transient: 100)
    .Fit(context.Data.Twin(truths, new() { Stream = "exponents", Batch = 16, Cycles = full ? 4000 : 250 }));
Show(string.Join(", ", lyapunov.Spectrum!.Exponents.Select(exponent => Number(Math.Round(exponent, 3) + 0.0))));

// %% [markdown]
// ## An observation operator of your own
//
// One instrument responds to $x$ by a square, $h_1 = (10 + x)^2 / 20$; the other sees $h_2 = z$. Nothing sees $y$. The forward
// operator is all there is to write; its derivatives are automatic.

// %%
var network = new ObservationNetwork(new TwoInstruments(), ErrorCovariance.Scalar(2, 0.25));
var system = new AssimilationSystem(model, network)
    { Interval = 0.2, Initial = new GaussianInitialCondition(start, ErrorCovariance.Scalar(3, 1)) };
long burnIn = 40;
var twin = context.Data.Twin(system, new() { Batch = trajectories, Cycles = burnIn + cycles });

// %% [markdown]
// ## Assimilation
//
// An ensemble filter takes the model as it is. So does 4D-Var, which minimises over a window of four observations
//
// $$ J(x_0) = \tfrac12 (x_0 - x^b)^\top B^{-1} (x_0 - x^b) + \tfrac12 \sum_k (y_k - h(x_k))^\top R^{-1} (y_k - h(x_k)) $$
//
// with the gradient from the adjoints of the model and of the operator. Nothing but the tendency, its derivative and $h$ was written.

// %%
var etkf = context.Analysis.EnsembleTransformKalmanFilter(system, new()
    { Members = 12, Inflation = Inflation.StandardDeviation(1.02), Rotation = EnsembleRotation.MeanPreserving });
var fourDVar = context.Analysis.FourDimensionalVariational(system, new()
    { Background = new KnownBackground(ErrorCovariance.Scalar(3, 0.3)), Window = WindowCycling.Overlapping(length: 4, shift: 2),
        Minimisation = new IncrementalOptions { OuterIterations = 2 } });
ScoreReport Score(ITransformer method) => context.Scores.Evaluate(method.Transform(twin), new() { BurnIn = burnIn });
var scores = new Dictionary<string, ScoreReport> { ["ETKF, 12 members"] = Score(etkf), ["4D-Var, windows of 4"] = Score(fourDVar) };
Show(new ReportTable("Root-mean-square error of the state", ["method", "analysis", "forecast"], [.. scores.Select(one =>
    (string[])[one.Key, Number(one.Value.AnalysisRmse.Mean), Number(one.Value.ForecastRmse.Mean)])]));

// %% [markdown]
// Two of three numbers are observed. Both methods find $y$ from the way the others change. The fixed $B$ of 4D-Var knows nothing
// of the errors of the day.

// %%
int shown = 60;
double[] cycleTimes = [.. Enumerable.Range(1, shown).Select(cycle => cycle * system.Interval)];
Show(new LineChart("Analysis error from the first cycle on", new Axis("time"), new Axis("RMSE") { Scale = AxisScale.Logarithmic },
    [.. scores.Select(one => new LineSeries(one.Key, cycleTimes, [.. one.Value.AnalysisRmse.PerCycle.Take(shown)]))])
    { Width = 760, Height = 300 });

// %% [markdown]
// ## Where to go on
//
// - Operators, analyzers and saved components of your own: `docs/extending.md`.
// - A model whose parameters are to be estimated takes them as a second argument (`docs/models.md`).
// - A model in another process is driven by ask and tell (`docs/ask-and-tell.md`).

// Figures go to files, everything else to the console.
void Show(object value)
{
    if (value is Figure figure)
    {
        string file = $"your-own-model-{++figures}.svg";
        File.WriteAllText(file, figure.ToSvg());
        Console.WriteLine($"Written: {file}");
    }
    else Console.WriteLine(value);
}

/// <summary>The system of Roessler (1976, Phys. Lett. A 57, 397).</summary>
public sealed class Roessler() : Dynamics(dimension: 3, timeStep: 0.05)
{
    protected override Tensor Tendency(Tensor state)
    {
        var (x, y, z) = (state.select(-1, 0), state.select(-1, 1), state.select(-1, 2));
        return stack([-y - z, x + 0.2 * y, 0.2 + z * (x - 5.7)], dim: -1);
    }

    // Optional, for speed: f'(x) dx and f'(x)^T w. Without them both are made by automatic differentiation.
    protected override Tensor TendencyTangentLinear(Tensor state, Tensor perturbation, double time)
    {
        var (x, z) = (state.select(-1, 0), state.select(-1, 2));
        var (dx, dy, dz) = (perturbation.select(-1, 0), perturbation.select(-1, 1), perturbation.select(-1, 2));
        return stack([-dy - dz, dx + 0.2 * dy, z * dx + (x - 5.7) * dz], dim: -1);
    }

    protected override Tensor TendencyAdjoint(Tensor state, Tensor sensitivity, double time)
    {
        var (x, z) = (state.select(-1, 0), state.select(-1, 2));
        var (u, v, w) = (sensitivity.select(-1, 0), sensitivity.select(-1, 1), sensitivity.select(-1, 2));
        return stack([v + z * w, 0.2 * v - u, (x - 5.7) * w - u], dim: -1);
    }
}

/// <summary>(10 + x)^2 / 20 and z.</summary>
public sealed class TwoInstruments() : ObservationOperator(stateDimension: 3, observationDimension: 2)
{
    protected override Tensor Observe(Tensor state) =>
        stack([(10 + state.select(-1, 0)).square() / 20, state.select(-1, 2)], dim: -1);
}
