// The notebook trappler-vidard.ipynb as a program, made by './daml notebook app trappler-vidard.ipynb'. Run it in its folder:
//     dotnet run trappler-vidard.cs
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
// # Learned preconditioners in 4D-Var (Trappler and Vidard)
//
// Trappler and Vidard learn preconditioners for the inner loop of incremental 4D-Var, which solves $A\,v = b$ with the
// Gauss-Newton Hessian
//
// $$ A = B^{-1} + G^\top R^{-1} G $$
//
// by conjugate gradients. $A$ is known by its products only, each a run of the tangent linear and one of the adjoint. A
// preconditioner $P \approx A^{-1}$ makes fewer products enough. A spectral one corrects the leading eigenpairs $(U, \Lambda)$,
//
// $$ P = I + U\,(\mu \Lambda^{-1} - I)\,U^\top. $$
//
// Where do the pairs come from? They can be computed for every system, taken from the average over many states, or given by a
// network that sees the state. The model is shallow water on a beta plane, driven by wind. The sample
// `./daml sample shallow-water-preconditioner` compares 20 preconditioners in two regimes.

// %%
// The size. The outputs below are those of the quick one; the full one takes some minutes.
bool full = false;
int cells = full ? 16 : 8, rank = full ? 147 : 40, systems = full ? 10 : 3;
long trainingSteps = full ? 1_200 : 24;

// %% [markdown]
// ## The assimilation
//
// Heights are observed everywhere after two days. Background errors are the identity.

// %%
var context = new DataAssimilationContext(seed: 1);
var model = new ShallowWater(ShallowWaterOptions.Turbulent with { CellsX = cells, CellsY = cells, InitialHeight = 1 });
int heights = cells * cells;
var term = new ObservationTerm(
    new SubsetObservationOperator(model.Dimension, [.. Enumerable.Range(0, heights).Select(i => (long)i)]),
    ErrorCovariance.Scalar(heights, 1));
var cost = new FourDimensionalVariationalCost(model, [new BackgroundTerm(ErrorCovariance.Scalar(model.Dimension, 1))], [term]);
double end = 2 * ShallowWater.Day;
AssimilationWindow Observed(State state, Tensor values) =>
    new(state, new(0, end), model.TimeStep, [new Observation(values, null, end)]);
// The values do not matter to the Hessian.
AssimilationWindow Window(State state, RandomStream random) =>
    Observed(state, zeros([state.Values.size(0), heights], ScalarType.Float64));

// States begin around one that was spun up from rest for years, disturbed by smooth errors, and run on.
double year = 365 * ShallowWater.Day;
var rest = new ShallowWaterInitialCondition(model.Options).Draw(1, context.Random("rest"), ScalarType.Float64);
var spunUp = model.Advance(rest, new TimeInterval(0, (full ? 30 : 8) * year));
var start = new GaussianInitialCondition(spunUp[0],
    model.CorrelatedErrors(heightVariance: 100, velocityVariance: 1e-3, correlationLength: 300e3));
var states = new OnlineWindowOptions
{
    Batch = 4, SpinUp = (full ? 2 : 0.5) * year, ShortestLead = 10 * ShallowWater.Day, LongestLead = 30 * ShallowWater.Day,
    Perturbation = model.CorrelatedErrors(heightVariance: 1, velocityVariance: 1e-4, correlationLength: 300e3),
};

// %% [markdown]
// ## Fixed pairs: those of the average Hessian

// %%
var sequence = new OnlineWindows(model, start, Window, states).Open(context.Random("average"), context.Precision);
var average = new FixedPreconditioningEstimator(cost).FindEigenpairs([sequence.Next(), sequence.Next()],
    new ComputedEigenpairs(rank, EigenpairMethod.Randomised));
sequence.Dispose();

// %% [markdown]
// ## A network that corrects them
//
// Outer loops linearise at a state that an increment has moved, so the training states are moved too. The network sees the
// state and moves the fixed pairs with the flow: $W(x) = (I + T_\theta(x))\,W_0$.

// %%
var increments = new SimulatedIncrements(average);
AssimilationWindow Moved(State state, RandomStream random) =>
    Window(new State(state.Values + increments.Draw(state.Values.roll(1, 0) - state.Values, random)), random);
var layout = FieldLayout.Of(model);
var learned = new LearnedPreconditioningEstimator("correction", context, cost, layout,
    LearnedPreconditioningEstimator.Transported(layout, average, new UNetOptions { Features = 8 }),
    new() { Loss = HessianLoss.Whitened, Probes = 8, ValidationBatches = 2,
        Training = new() { Steps = trainingSteps, LearningRate = 1e-3, ValidationInterval = 8 } }, average)
    .Fit(new OnlineWindows(model, start, Moved, states));

// %% [markdown]
// A loss of one is as good as the fixed pairs.

// %%
var validated = learned.History!.Steps.Where(step => step.ValidationError is not null).ToList();
Show(new LineChart("Whitened loss on hold-out states", new Axis("optimiser step"), new Axis("loss") { Minimum = 0 },
    [new("correction", [.. validated.Select(step => (double)step.Step)], [.. validated.Select(step => step.ValidationError!.Value)])
        { Markers = true }]) { Width = 760, Height = 260, References = [new("fixed pairs", 1)] });

// %% [markdown]
// ## Systems that nobody has seen
//
// The second outer loop from new states: the truth is observed, a first solve moves the state, and the system there is solved
// with each preconditioner to a residual of 1e-7.

// %%
var unseen = new OnlineWindows(model, start, Window, states with { Batch = 2 * systems })
    .Open(context.Random("unseen"), context.Precision);
var drawn = unseen.Next().Background.Values;
var truth = model.Advance(drawn.narrow(0, 0, systems), new TimeInterval(0, end));
var noisy = truth.narrow(1, 0, heights) + context.Random("noise").Normal([systems, heights], ScalarType.Float64);
var window = Observed(new State(drawn.narrow(0, systems, systems)), noisy);
var solver = new ConjugateGradientSolver(new InnerSolverOptions { MaximumIterations = 400, ResidualReduction = 1e-7 });

var control = cost.Background(window);
var trajectory = cost.Run(window, control);
var quadratic = cost.Linearise(trajectory, control, cost.Value(trajectory, control).Total);
var before = solver.Solve(quadratic, new NoPreconditioning().Prepare(trajectory, quadratic, []));
quadratic.Dispose();
control += before.Solution;
trajectory = cost.Run(window, control);
quadratic = cost.Linearise(trajectory, control, cost.Value(trajectory, control).Total);

var preconditioners = new Dictionary<string, IPreconditioning>
{
    ["none"] = new NoPreconditioning(),
    ["fixed pairs, spectral"] = new SpectralPreconditioning(average),
    ["learned correction, spectral"] = new SpectralPreconditioning(learned),
    ["fixed pairs, limited memory"] = new LimitedMemoryPreconditioning(average, mu: null),
    ["own pairs, randomised"] = new SpectralPreconditioning(new ComputedEigenpairs(rank, EigenpairMethod.Randomised, seed: 1)),
};
var solutions = preconditioners.ToDictionary(one => one.Key,
    one => solver.Solve(quadratic, one.Value.Prepare(trajectory, quadratic, [before])));
Show(new LineChart("Residual of the first system", new Axis("iteration"), new Axis("residual") { Scale = AxisScale.Logarithmic },
    [.. solutions.Select(one => LineSeries.Evenly(one.Key, 0, 1, one.Value.Trajectories[0].ResidualNorms))])
    { Width = 760, Height = 360 });

// %% [markdown]
// The limited-memory form and pairs of the system's own spend 40 and more products before the first iteration. The fixed and
// the learned pairs spend none.
//
// The few steps of the quick size teach the network little: the correction is about as good as the fixed pairs. In the sample,
// which trains for 1,200 steps at 16 x 16 cells, it takes 62 iterations where the fixed pairs take 112 and no preconditioner 156
// (`docs/preconditioning.md`).

// %%
string Mean(InnerSolution solution) =>
    solution.Trajectories.Average(report => report.Iterations).ToString("f1", System.Globalization.CultureInfo.InvariantCulture);
Show(new ReportTable("Mean iterations to 1e-7", ["preconditioner", "iterations"],
    [.. solutions.Select(one => (string[])[one.Key, Mean(one.Value)])]));

// Figures go to files, everything else to the console.
void Show(object value)
{
    if (value is Figure figure)
    {
        string file = $"trappler-vidard-{++figures}.svg";
        File.WriteAllText(file, figure.ToSvg());
        Console.WriteLine($"Written: {file}");
    }
    else Console.WriteLine(value);
}
