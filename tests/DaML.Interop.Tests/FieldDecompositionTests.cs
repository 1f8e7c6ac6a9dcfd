using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>From files to modes: a real field, in one file or in several, in memory or by passes.</summary>
public sealed class FieldDecompositionTests : IDisposable
{
    private static readonly Column Field = new("field"), Anomaly = new("anomaly"), Coefficients = new("coefficients");
    private readonly TemporaryFolder folder = new();
    private readonly Reports reports = new();

    public FieldDecompositionTests() => Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ARealFieldInFilesByYearHasTheSameModesByPasses()
    {
        var context = new DataAssimilationContext(new DataAssimilationOptions { Precision = ScalarType.Float64, Progress = reports });
        var grid = LatitudeLongitudeGrid.FromNetCdf(NetCdfFileTests.RealFile, "slp");
        ITrajectoryView Whole(int from, int until) => context.Data.FromNetCdf(NetCdfFileTests.RealFile, "slp", Field,
            new NetCdfOptions { From = new DateTime(from, 1, 1), Until = new DateTime(until, 1, 1), Scale = 0.01 });
        foreach (int year in (int[])[2003, 2001, 2002])
            Whole(year, year + 1).ToNetCdf(folder.File($"slp.{year}.nc"), null, "days since 1970-01-01",
                descriptions: new Dictionary<Column, NetCdfDescription> { [Field] = new() { Grid = grid, Units = "hPa" } });
        var files = context.Data.FromNetCdf(folder.File("slp.*.nc"), "field", Field, new() { Interval = 1 });
        Assert.Equal(1095, files.CycleCount);
        grid.RequireSame(LatitudeLongitudeGrid.FromNetCdf(folder.File("slp.*.nc"), "field"));

        ProperOrthogonalDecomposition Modes(ITrajectoryView data, ModeFactorisation? factorisation) => context.Pipeline(data)
            .Append(context.Transforms.SeasonalCycle(Field, Anomaly))
            .Append(context.Transforms.ProperOrthogonalDecomposition(Anomaly, Coefficients, new ModeSelection.Count(20),
                grid.AreaWeights(ScalarType.Float64, CPU), factorisation))
            .Fit(data).Steps.OfType<ProperOrthogonalDecompositionTransformer>().Single().Decomposition;
        var direct = Modes(Whole(2001, 2004), null);
        var passes = Modes(files, new ModeFactorisation.Streaming());
        TestContext.Current.TestOutputHelper?.WriteLine($"{reports.Told.Count} passes");
        Assert.True((direct.Variances / passes.Variances - 1).abs().max().ToDouble() < 1e-8);
        var weights = direct.Weights.sqrt().unsqueeze(1);
        var left = (direct.Modes - matmul(passes.Modes, matmul(passes.Modes.mT, direct.Modes * direct.Weights.unsqueeze(1)))) * weights;
        Assert.True(linalg.norm(left, ord: 2.0).ToDouble() < 1e-6);   // the sine of the largest angle
        Assert.Equal(direct.VarianceFraction, passes.VarianceFraction, 1e-12);
    }

    [Fact]
    public void AFieldOfAnotherRegionIsRefused()
    {
        var context = new DataAssimilationContext(new DataAssimilationOptions { Precision = ScalarType.Float64 });
        var month = new NetCdfOptions { Until = new DateTime(2001, 2, 1) };
        var modes = context.Transforms.ProperOrthogonalDecomposition(Field, Coefficients,
            3).Fit(context.Data.FromNetCdf(NetCdfFileTests.RealFile, "slp", Field, month));
        var part = context.Data.FromNetCdf(NetCdfFileTests.RealFile, "slp", Field, month with { Region = new(30, 60, -70, 0) });
        Assert.Contains("of shape [561], but it has shape [377]", Assert.Throws<SchemaException>(() => modes.Transform(part)).Message);
        using var cursor = part.OpenCursor();
        cursor.MoveNext();
        Assert.Contains("The field has 377 points; the decomposition was learned on a grid of 561",
            Assert.Throws<ArgumentException>(() => modes.Decomposition.Project(cursor[Field])).Message);
    }

    private sealed class Reports : IProgress<ProgressReport>
    {
        public List<ProgressReport> Told { get; } = [];
        public void Report(ProgressReport value) => Told.Add(value);
    }
}
