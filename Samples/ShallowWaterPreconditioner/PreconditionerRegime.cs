using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>
/// One of the two regimes of the shallow-water model, as an assimilation system: height observed once, after two days, R = I and
/// B = I in SI units. States begin around one that was
/// spun up from rest (8 years in the calm regime, 30 in the turbulent one, whose mean drifts until then), disturbed by smooth
/// errors, and run on.
/// </summary>
internal sealed class PreconditionerRegime
{
    public const int Steps = 96;

    private const double Correlation = 300e3;

    private readonly GaussianInitialCondition start;

    public PreconditionerRegime(string name, ShallowWaterOptions options, PreconditionerPlan plan, long seed)
    {
        Name = name;
        Model = new ShallowWater(options with { CellsX = plan.Cells, CellsY = plan.Cells, InitialHeight = 1 });
        Cells = (long)plan.Cells * plan.Cells;
        Term = new ObservationTerm(
            new SubsetObservationOperator(Model.Dimension, [.. Enumerable.Range(0, (int)Cells).Select(cell => (long)cell)]),
            ErrorCovariance.Scalar(Cells, 1));
        Cost = new FourDimensionalVariationalCost(Model, [new BackgroundTerm(ErrorCovariance.Scalar(Model.Dimension, 1))], [Term]);
        Layout = FieldLayout.Of(Model);
        // The calm flow settles down; what is disturbed before each run keeps its states apart.
        bool calm = name == "calm";
        using var random = new RandomStream(seed, $"{name}/base", CPU);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        double year = 365 * ShallowWater.Day;
        var rest = new ShallowWaterInitialCondition(Model.Options).Draw(1, random, ScalarType.Float64);
        var spunUp = Model.Advance(rest,
            new TimeInterval(0, Math.Round((calm ? 8 : 30) * plan.SpinUp * year / Model.TimeStep) * Model.TimeStep));
        start = new GaussianInitialCondition(spunUp[0], Model.CorrelatedErrors(calm ? 0.25 : 100, calm ? 2.5e-5 : 1e-3, Correlation));
        States = new OnlineWindowOptions
        {
            Batch = plan.TrainingBatch, SpinUp = (calm ? 0.25 : 2) * plan.SpinUp * year, ShortestLead = 10 * ShallowWater.Day,
            LongestLead = 30 * ShallowWater.Day,
            Perturbation = Model.CorrelatedErrors(calm ? 0.25 : 1, calm ? 2.5e-5 : 1e-4, Correlation),
        };
    }

    public string Name { get; }

    public ShallowWater Model { get; }

    public FourDimensionalVariationalCost Cost { get; }

    public ObservationTerm Term { get; }

    public FieldLayout Layout { get; }

    public OnlineWindowOptions States { get; }

    /// <summary>How many heights are observed.</summary>
    public long Cells { get; }

    /// <summary>Windows at states of the model's long run, as many in a batch as asked for.</summary>
    public OnlineWindows Windows(long batch) => new(Model, start, (state, _) => Window(state, null), States with { Batch = batch });

    /// <summary>
    /// The same for trainings: half of the states are moved towards another one of the batch as an outer loop moves them.
    /// </summary>
    public OnlineWindows LearningWindows(long batch, FixedEigenpairs average)
    {
        var increments = new SimulatedIncrements(average);
        return new(Model, start, (state, random) => Window(Moved(state, increments, random), null), States with { Batch = batch });
    }

    /// <summary>The window of two days at some states.</summary>
    /// <param name="state">The states.</param>
    /// <param name="heights">What is observed at its end, <c>[batch, cells]</c>; null for zeros where the values do not matter.</param>
    public AssimilationWindow Window(State state, Tensor? heights)
    {
        double end = Steps * Model.TimeStep;
        var values = heights ?? zeros([state.Values.size(0), Cells], dtype: state.Values.dtype, device: state.Values.device);
        return new(state, new TimeInterval(0, end), Model.TimeStep, [new Observation(values, null, end)]);
    }

    private static State Moved(State state, SimulatedIncrements increments, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var values = state.Values;
        var increment = increments.Draw(values.roll(1, 0) - values, random);
        var moved = random.Uniform([values.size(0), 1], values.dtype) < 0.5;
        return new State((values + moved.to_type(values.dtype) * increment).MoveToOuterDisposeScope());
    }
}
