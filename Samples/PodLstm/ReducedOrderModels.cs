using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>What the training years teach of a field: its seasonal cycle, its modes, and models of their coefficients.</summary>
/// <param name="Case">The field.</param>
/// <param name="Grid">Where the field's components lie.</param>
/// <param name="Weights">The area each stands for, <c>[n]</c>.</param>
/// <param name="Modes">The projection on the modes.</param>
/// <param name="Training">The training years: field, anomaly, coefficients.</param>
/// <param name="Test">A month before the test years, in which methods that cycle find the state, and the test years.</param>
/// <param name="Models">Models of the coefficients, by the names that metrics have.</param>
/// <param name="Mean">The mean of the training fields over time and area.</param>
/// <param name="Range">The range of the training fields' values.</param>
internal sealed record ReducedOrderModels(FieldCase Case, LatitudeLongitudeGrid Grid, Tensor Weights,
    ProperOrthogonalDecompositionTransformer Modes, MemoryTrajectoryView Training, MemoryTrajectoryView Test,
    IReadOnlyDictionary<string, AutoregressiveModel> Models, double Mean, double Range)
{
    /// <summary>Cycles of <see cref="Test"/> before the test years.</summary>
    public const int SpinUp = 31;

    public static readonly Column Field = new("field"), Anomaly = new("anomaly"),
        Coefficients = new("coefficients"), Coming = new("coming");

    /// <summary>The true fields of <see cref="Test"/>, <c>[cycles, n]</c>.</summary>
    public Tensor Truth { get; } = Rows(Test, Field);

    /// <summary>Their anomalies from the seasonal cycle, <c>[cycles, n]</c>.</summary>
    public Tensor Anomalies { get; } = Rows(Test, Anomaly);

    /// <summary>The weights of each region, zero outside, <c>[n]</c>, by its name.</summary>
    public IReadOnlyDictionary<string, Tensor> RegionWeights { get; } =
        Case.Regions.ToDictionary(region => region.Name, region => Inside(region, Grid, Weights));

    /// <summary>The emulator that the assimilation uses.</summary>
    public AutoregressiveModel Emulator => Models["lstm"];

    /// <summary>Past days that the model with the longest window goes on from.</summary>
    public int Window => Models.Values.Max(model => model.Window);

    /// <summary>Learns all.</summary>
    public static ReducedOrderModels Learn(DataAssimilationContext context, FieldCase field, CancellationToken cancellation)
    {
        string file = Path.Combine(AppContext.BaseDirectory, "data", field.File);
        var grid = LatitudeLongitudeGrid.FromNetCdf(file, field.Variable);
        ITrajectoryView Years(DateTime? from, DateTime? until) =>
            context.Data.FromNetCdf(file, field.Variable, Field, new NetCdfOptions { Scale = field.Scale, From = from, Until = until });
        var training = Years(null, field.ValidationStart);
        var weights = grid.AreaWeights(ScalarType.Float64, context.Device);

        var climate = context.Pipeline(training)
            .Append(context.Transforms.SeasonalCycle(Field, Anomaly, new() { Harmonics = field.Harmonics }))
            .Append(context.Transforms.ProperOrthogonalDecomposition(Anomaly, Coefficients, field.Modes, weights))
            .Fit(training, cancellation);
        MemoryTrajectoryView Reduced(ITrajectoryView years) =>
            climate.Transform(years).Materialise([Field, Anomaly, Coefficients], cancellation: cancellation);
        var (learned, validation) = (Reduced(training), Reduced(Years(field.ValidationStart, field.TestStart)));
        var test = Reduced(Years(field.TestStart.AddDays(-SpinUp), null));

        // The residual form on a short window, with the products of the leading modes that a linear model lacks; and the network
        // alone, which has to learn what ridge regression knows.
        var ridge = new RidgeAutoregressionOptions { Lags = field.Lags, Penalty = 0.003 };
        var course = new AutoregressiveEmulatorOptions().Training with { Steps = field.TrainingSteps };
        var residual = new AutoregressiveEmulatorOptions { Lags = 2, Baseline = ridge, WeightDecay = field.WeightDecay, Training = course };
        var alone = new AutoregressiveEmulatorOptions { WeightDecay = 0.1, Training = course };
        var persistence = (AnomalyDamping damping) =>
            context.Transforms.DampedPersistence(Coefficients, Coming, damping).Fit(learned, cancellation);
        var inverse = context.Transforms.LinearInverseModel(Coefficients, Coming).Fit(learned, cancellation);
        var models = new Dictionary<string, AutoregressiveModel>
        {
            ["persistence"] = persistence(AnomalyDamping.None),
            ["climatology"] = persistence(AnomalyDamping.Complete),
            ["damped"] = persistence(AnomalyDamping.Fitted),
            ["lim"] = new AutoregressiveModel(inverse.Dynamics, field.Modes, 1, Coefficients, Coming),
            ["ridge"] = context.Transforms.RidgeAutoregression(Coefficients, Coming, ridge).Fit(learned, cancellation),
            ["lstm_alone"] = context.Transforms
                .LongShortTermMemory(Coefficients, Coming, alone, name: $"{field.Key} LSTM alone")
                .Fit(learned, validation, cancellation),
            ["lstm"] = context.Transforms
                .LongShortTermMemory(Coefficients, Coming, residual, new() { Hidden = 128, Inputs = 8 }, $"{field.Key} LSTM")
                .Fit(learned, validation, cancellation),
        };
        var (mean, range) = Statistics(learned, weights);
        return new ReducedOrderModels(field, grid, weights, climate.Find<ProperOrthogonalDecompositionTransformer>(), learned, test, models,
            mean, range);
    }

    /// <summary>A column of a view of one trajectory, <c>[cycles, n]</c>.</summary>
    public static Tensor Rows(ITrajectoryView view, Column column)
    {
        using var scope = NewDisposeScope();
        var rows = new List<Tensor>();
        foreach (var cycle in view) rows.Add(cycle[column].clone());
        return cat([.. rows], 0).MoveToOuterDisposeScope();
    }

    private static Tensor Inside(FieldCase.Region region, LatitudeLongitudeGrid grid, Tensor weights)
    {
        double[] inside = [.. Enumerable.Range(0, (int)grid.Size).Select(i => region.Holds(grid.Location(i)) ? 1.0 : 0)];
        using var holds = tensor(inside, device: weights.device);
        return weights * holds;
    }

    private static (double Mean, double Range) Statistics(ITrajectoryView view, Tensor weights)
    {
        using var scope = NewDisposeScope();
        var fields = Rows(view, Field);
        return ((matmul(fields.mean([0]), weights) / weights.sum()).ToDouble(), (fields.max() - fields.min()).ToDouble());
    }
}
