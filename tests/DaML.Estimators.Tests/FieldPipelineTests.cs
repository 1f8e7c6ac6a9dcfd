using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The steps for fields as one pipeline, from the field to its analysis.</summary>
public sealed class FieldPipelineTests
{
    private static readonly Column Field = new("field"), Anomaly = new("anomaly"), Coefficients = new("coefficients"),
        Next = new("next"), AnalysedAnomaly = new("analysed-anomaly"), Analysed = new("analysed");

    private readonly DataAssimilationContext context = new(31);
    private readonly MemoryTrajectoryView view;

    public FieldPipelineTests()
    {
        // Three damped waves on 16 points, forced by noise, on a seasonal cycle of 100 days.
        using var scope = NewDisposeScope();
        using var random = context.Random("truth");
        var places = arange(16, dtype: ScalarType.Float64) * (2 * Math.PI / 16);
        var patterns = stack([places.cos(), places.sin(), (2 * places).cos()]);
        var (c, values) = (zeros([1, 3], dtype: ScalarType.Float64), new List<Tensor>());
        for (int day = 0; day < 1000; day++)
        {
            c = 0.9 * c + random.Normal([1, 3], ScalarType.Float64);
            values.Add(matmul(c, patterns) + 10 * Math.Cos(2 * Math.PI * (day + 1) / 100.0) +
                0.1 * random.Normal([1, 16], ScalarType.Float64));
        }
        view = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Field] = stack(values) },
            [.. Enumerable.Range(1, 1000).Select(day => (double)day)]);
    }

    [Fact]
    public void AFieldIsAnalysedFromAFewOfItsPointsAndTheWholeIsSavedAsOne()
    {
        var climate = context.Pipeline(view)
            .Append(context.Transforms.SeasonalCycle(Field, Anomaly, new SeasonalCycleOptions { Harmonics = 1, Period = 100 }))
            .Append(context.Transforms.ProperOrthogonalDecomposition(Anomaly, Coefficients, 3))
            .Append(context.Transforms.LinearInverseModel(Coefficients, Next))
            .Fit(view);
        var (seasons, modes,
            model) = (climate.Find<SeasonalCycleTransformer>(), climate.Find<ProperOrthogonalDecompositionTransformer>(),
                climate.Find<LinearInverseModel>());
        Assert.True(modes.Decomposition.VarianceFraction > 0.99);

        var sites = new SubsetObservationOperator(16, [1, 6, 7, 12]);
        using var unresolved = modes.Decomposition.TruncationErrorCovariance(seasons.Transform(view), Anomaly, sites);
        var instruments = ErrorCovariance.Scalar(4, 0.04);
        var system = new AssimilationSystem(model.Dynamics,
            new ObservationNetwork(new ReconstructionOperator(modes.Decomposition).Then(sites),
                ErrorCovariance.Full(unresolved + instruments.ToMatrix(ScalarType.Float64, CPU))));
        var whole = seasons.Append(modes)
            .Append(context.Transforms.Observe(new ObservationNetwork(sites, instruments), Anomaly))
            .Append(context.Analysis.KalmanFilter(system with
                { Initial = new GaussianInitialCondition(zeros(3, dtype: ScalarType.Float64),
                    ErrorCovariance.Full(model.ClimatologicalCovariance)) }))
            .Append(modes.Inverse(Columns.Analysis, AnalysedAnomaly))
            .Append(seasons.Inverse(AnalysedAnomaly, Analysed));

        // The modes are orthonormal, so the mean variance over the points is that of the coefficients over the number of
        // points, and that of what the modes leave out.
        using var analysed = whole.Transform(view).Materialise([Field, Anomaly, Analysed, Columns.AnalysisSpread]);
        double error = (analysed[Analysed] - analysed[Field]).square().mean().sqrt().ToDouble();
        double spread = (analysed[Columns.AnalysisSpread].square().sum(2).mean() / 16 + modes.Decomposition.TruncationVariance.mean())
            .sqrt().ToDouble();
        Assert.InRange(spread / error, 0.95, 1.05);
        Assert.True(error < 0.2 * analysed[Anomaly].square().mean().sqrt().ToDouble());

        using var again = Reloaded.Of(whole, context).Transform(view).Materialise([Analysed]);
        Assert.Equal(analysed[Analysed].data<double>().ToArray(), again[Analysed].data<double>().ToArray());
    }

    [Fact]
    public void WhatDoesNotFitIsRefusedAsItIsAppended()
    {
        var seasons = context.Pipeline(view).Append(context.Transforms.SeasonalCycle(Field, Anomaly));
        Assert.Contains("Step 2 of the pipeline", Assert.Throws<SchemaException>(() =>
            { seasons.Append(
                context.Transforms.ProperOrthogonalDecomposition(Anomaly, Coefficients, 3,
                    ones(15, dtype: ScalarType.Float64))); }).Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("'next' of shape [any], which is missing", Assert.Throws<SchemaException>(() =>
            { seasons.Append(context.Transforms.LinearInverseModel(Next, Coefficients)); }).Message);
    }

    [Fact]
    public void A_field_with_missing_values_goes_into_no_anomaly_coefficient_or_observation()
    {
        using var scope = NewDisposeScope();
        var own = new DataAssimilationContext(3);
        Column field = new("masked-field"), anomaly = new("masked-anomaly"), coefficients = new("masked-coefficients");
        using var random = own.Random("field");
        var values = random.Normal([30, 1, 4], ScalarType.Float64);
        var present = ones_like(values, dtype: ScalarType.Bool);
        double[] times = [.. Enumerable.Range(1, 30).Select(day => 12.0 * day)];
        var complete = own.Data.FromMemory(new Dictionary<Column, Tensor> { [field] = values, [Columns.MaskOf(field)] = present.clone() },
            times);
        present[3, 0, 2] = false;
        var masked = own.Data.FromMemory(new Dictionary<Column, Tensor> { [field] = values, [Columns.MaskOf(field)] = present }, times);
        var cycle = own.Transforms.SeasonalCycle(field, anomaly).Fit(complete);
        var modes = own.Transforms.ProperOrthogonalDecomposition(field, coefficients, modes: 2).Fit(complete);
        var observed = own.Transforms.Observe(new ObservationNetwork(new IdentityObservationOperator(4), ErrorCovariance.Scalar(4, 1)),
            field);
        foreach (ITransformer step in (ITransformer[])[cycle, modes, observed])
        {
            using (var whole = step.Transform(complete).OpenCursor()) while (whole.MoveNext()) { }
            using var cursor = step.Transform(masked).OpenCursor();
            string message = Assert.Throws<ArgumentException>(() => { while (cursor.MoveNext()) { } }).Message;
            Assert.Contains("the column 'masked-field' lacks 1 of its 4 in cycle 3 (time 48)", message);
        }
    }
}
