using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Observing a column of a view, and forecasts from it.</summary>
public sealed class FieldStepsTests
{
    private static readonly Column Field = new("field"), Later = new("later");
    private readonly DataAssimilationContext context = new(21);
    private readonly Tensor field;
    private readonly MemoryTrajectoryView view;

    public FieldStepsTests()
    {
        using var random = context.Random("field");
        field = random.Normal([400, 2, 3], ScalarType.Float64);
        view = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Field] = field },
            [.. Enumerable.Range(1, 400).Select(cycle => 0.5 * cycle)]);
    }

    [Fact]
    public void ObservationsAreTheFieldWithTheErrorsAskedFor()
    {
        var network = new ObservationNetwork(new SubsetObservationOperator(3, [2, 0]), ErrorCovariance.Diagonal(4, 0.25));
        using var observed = new FieldObservation(context, network, Field).Transform(view).Materialise();
        var error = (observed[Columns.Observation] - field.index_select(2, tensor((long[])[2, 0]))).flatten(0, 1);
        Assert.InRange(error[.., 0].var().ToDouble(), 3.4, 4.6); // 800 draws: 5 % a standard deviation
        Assert.InRange(error[.., 1].var().ToDouble(), 0.21, 0.29);
        Assert.InRange(error.mean().ToDouble(), -0.15, 0.15);

        using var again = new FieldObservation(context, network, Field).Transform(view).Materialise();
        Assert.Equal(observed[Columns.Observation].data<double>().ToArray(), again[Columns.Observation].data<double>().ToArray());
        using var other = new FieldObservation(context, network, Field, "another").Transform(view).Materialise();
        Assert.NotEqual(observed[Columns.Observation].data<double>().ToArray(), other[Columns.Observation].data<double>().ToArray());
    }

    [Fact]
    public void AMaskedNetworkAddsItsMask()
    {
        var network = new ObservationNetwork(new IdentityObservationOperator(3), ErrorCovariance.Scalar(3, 1),
            new RandomDensityPattern(0, 1));
        var step = new FieldObservation(context, network, Field);
        Assert.Equal("field[3], observation[3], observation-mask[3]", step.Transform(view).Schema.ToString());
        using var observed = step.Transform(view).Materialise();
        Assert.Equal(0, observed[Columns.Observation][observed[Columns.ObservationMask].logical_not()].abs().sum().ToDouble());
        Assert.Contains("of shape [4], but it has shape [3]",
            Assert.Throws<SchemaException>(() =>
                new FieldObservation(context, new ObservationNetwork(new IdentityObservationOperator(4), ErrorCovariance.Scalar(4, 1)),
                    Field).Transform(view)).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void AForecastIsTheModelRunFromThatManyCyclesEarlier(int lead)
    {
        var matrix = tensor(new double[,] { { 0.9, 0.1, 0 }, { 0, 0.8, 0.1 }, { 0.2, 0, 0.7 } });
        var dynamics = new LinearDynamics(matrix, 0.25); // two time steps a cycle
        using var forecast = new LeadTimeForecast(dynamics, Field, Later, lead).Transform(view).Materialise();
        Assert.Equal(400 - lead, forecast.CycleCount);
        Assert.Equal(0.5 * (lead + 1), forecast.Times[0]);
        Assert.Equal(field[lead..].data<double>().ToArray(), forecast[Field].data<double>().ToArray());
        var expected = matmul(field[..^lead], matrix.matrix_power(2 * lead).mT);
        Assert.True((forecast[Later] - expected).abs().max().ToDouble() < 1e-13);
    }

    [Fact]
    public void AForecastLongerThanTheViewIsRefused()
    {
        var dynamics = new LinearDynamics(eye(3, dtype: ScalarType.Float64), 0.5);
        Assert.Contains("more than 400 cycles; given: 400",
            Assert.Throws<ArgumentException>(() => new LeadTimeForecast(dynamics, Field, Later, 400).Transform(view)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new LeadTimeForecast(dynamics, Field, Later, 0));
    }

    [Fact]
    public void BothAreTheSameToTheBitAfterSaving()
    {
        var dynamics = new LinearDynamics(0.5 * eye(3, dtype: ScalarType.Float64), 0.5);
        var chain = new FieldObservation(context, new ObservationNetwork(new IdentityObservationOperator(3), ErrorCovariance.Scalar(3, 1)),
            Field, "own")
            .Append(new LeadTimeForecast(dynamics, Field, Later, 3));
        string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.daml");
        try
        {
            context.Model.Save(chain, path);
            var loaded = ModelArchive.Read<TransformerChain>(path,
                new ComponentRegistry([.. DynamicsComponents.All, .. TransformerComponents.All]), context);
            using var before = chain.Transform(view).Materialise();
            using var after = loaded.Transform(view).Materialise();
            foreach (var column in (Column[])[Columns.Observation, Later])
                Assert.Equal(before[column].data<double>().ToArray(), after[column].data<double>().ToArray());
        }
        finally
        {
            File.Delete(path);
        }
    }
}
