using System.Xml.Linq;
using DaML.Samples;

namespace DaML.Tests;

/// <summary>The sample of real fields reaches what is expected of it.</summary>
public sealed class PressureAnalysisTests : IClassFixture<PressureAnalysisTests.Outcome>
{
    private readonly Outcome outcome;
    private readonly PageReader reader;
    private readonly IReadOnlyDictionary<string, double> metrics;

    public PressureAnalysisTests(Outcome outcome, PageReader reader)
    {
        Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");
        (this.outcome, this.reader) = (outcome, reader);
        metrics = outcome.Result.Metrics;
    }

    /// <summary>One run of the sample for all tests.</summary>
    public sealed class Outcome() : SampleOutcome("pressure", () => new PressureAnalysisSample());

    [BrowserFact]
    public async Task ItsPageReadsWell() => await reader.Check(Path.Combine(outcome.Folder.FullName, "report.html"));

    [Theory]
    [InlineData("")]
    [InlineData(".etkf")]
    public void TheAnalysisIsFarBetterThanClimatology(string filter)
    {
        Assert.InRange(metrics["rmse.climatology"], 10.4, 10.8);
        Assert.True(metrics["rmse.analysis" + filter] <= 2.8, $"{metrics["rmse.analysis" + filter]:f2} hPa");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(10)]
    public void ForecastsBeatPersistenceClimatologyAndTheModelAlone(int lead)
    {
        foreach (string filter in (string[])["", ".etkf"])
        {
            double forecast = metrics[$"rmse.forecast.day{lead}{filter}"];
            Assert.True(forecast < metrics[$"rmse.persistence.day{lead}"]);
            Assert.True(forecast < metrics["rmse.climatology"]);
            Assert.True(forecast < metrics["rmse.free_run"]);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(".etkf")]
    public void TheFilterKnowsItsErrors(string filter)
    {
        Assert.InRange(metrics["spread_over_error" + filter], 0.75, 1.25);
        Assert.InRange(metrics["innovation.chi_square" + filter], 0.75, 1.35);
        Assert.InRange(metrics["innovation.rms" + filter] / metrics["innovation.rms_expected" + filter], 0.8, 1.25);
    }

    [Fact]
    public void PersistenceIsThatOfTheData()
    {
        // By hand from the file: the mean square of pressure differences one day apart within 2010.
        var view = new DataAssimilationContext().Data.FromNetCdf(
            Path.Combine(AppContext.BaseDirectory, "data", "slp_ncep1_natlantic_daily_2001-2010.nc"), "slp", Columns.Truth,
            new NetCdfOptions { Scale = 0.01, From = new DateTime(2010, 1, 1) });
        using var year = view.Materialise();
        var field = year[Columns.Truth];
        Assert.Equal((field[1..] - field[..^1]).square().mean().sqrt().item<double>(), metrics["rmse.persistence.day1"], 9);
    }

    [Fact]
    public void ItPrintsItsTablesAndDrawsItsFigures()
    {
        Assert.Contains("Kalman filter", outcome.Printed.ToString());
        Assert.Contains("climatology", outcome.Printed.ToString());
        Assert.Contains("spread / error", outcome.Printed.ToString());
        foreach (string name in (string[])["maps", "forecasts", "innovations", "year"])
            Assert.Equal("svg", XDocument.Load(Path.Combine(outcome.Folder.FullName, name + ".svg")).Root!.Name.LocalName);
        Assert.Contains("Kalnay", File.ReadAllText(Path.Combine(outcome.Folder.FullName, "report.html")));
    }
}
