using System.Globalization;
using System.Xml.Linq;
using DaML.Samples;
using Microsoft.ML;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The sample of a Microsoft.ML pipeline: its table, its scores beside the closed form, and what assimilation gains.</summary>
public sealed class MlNetPipelineTests(MlNetPipelineTests.Outcome outcome, PageReader reader) : IClassFixture<MlNetPipelineTests.Outcome>
{
    /// <summary>One run of the sample for all tests.</summary>
    public sealed class Outcome() : SampleOutcome("mlnet", () => new MlNetPipelineSample());

    private double Metric(string name) => outcome.Result.Metrics[name];

    [BrowserFact]
    public async Task ItsPageReadsWell()
    {
        _ = outcome.Result;
        await reader.Check(Path.Combine(outcome.Folder.FullName, "report.html"));
    }

    [Fact]
    public void The_table_has_ten_years_of_reports_with_the_gaps_that_are_said()
    {
        double[][] reports = Table();
        Assert.Equal((int)(new DateTime(1948, 1, 1) - new DateTime(1938, 1, 1)).TotalDays, reports.Length);
        Assert.All(reports, row => Assert.Equal(StationDay.Stations, row.Length));
        Assert.All(reports.SelectMany(row => row).Where(report => !double.IsNaN(report)),
            report => Assert.InRange(report, 980, 1046));
        Assert.Equal(0.032, reports.SelectMany(row => row).Average(report => double.IsNaN(report) ? 1.0 : 0), 0.0005);
        // Weather goes east: Wright Field's pressure of today tells more of Langley's tomorrow than Langley's own.
        Assert.True(LaggedCorrelation(reports, 4, 0) > LaggedCorrelation(reports, 0, 0) + 0.1);
    }

    [Fact]
    public void With_half_of_the_reports_the_analyses_forecast_much_better_than_the_reports()
    {
        Assert.True(Metric("mse_gain.half") > 3 * Metric("mse_gain.half.standard_error"));
        foreach (string reports in (string[])["", ".half"])
        {
            double[] rising = [.. ((string[])["assimilated", "reports", "persistence"]).Select(name => Metric($"rmse.{name}{reports}"))];
            Assert.Equal(rising.Order(), rising);
            Assert.True(Metric("rmse.reports" + reports) < Metric("rmse.climatology" + reports));
        }
        // Half of the reports cost the filter less than half of what they cost the regression without it.
        Assert.True(Metric("rmse.assimilated.half") - Metric("rmse.assimilated")
            < 0.5 * (Metric("rmse.reports_of_three_days.half") - Metric("rmse.reports_of_three_days")));
        Assert.True(Metric("rmse.estimate.withheld") < 0.5 * Metric("rmse.climatology"));
    }

    // With all reports, three days of them have what the analyses have: the page says so, and neither may drift away from it unseen.
    [Fact]
    public void With_all_reports_three_days_of_them_forecast_as_well_as_the_analyses() =>
        Assert.InRange(Metric("mse_gain"), -2 * Metric("mse_gain.standard_error"), 2 * Metric("mse_gain.standard_error"));

    // The same filter without ML.NET, and the least-squares regression from its analyses by the normal equations.
    [Fact]
    public void The_pipeline_s_score_is_that_of_the_filter_and_a_regression_in_closed_form()
    {
        using var scope = NewDisposeScope();
        var context = new DataAssimilationContext(1);
        double[][] reports = Table();
        const int first = 2;    // the pipeline's rows begin with the third day and end with the last but one
        int days = reports.Length - 1 - first, training = (int)(new DateTime(1946, 1, 1) - new DateTime(1938, 1, 1 + first)).TotalDays;
        double start = (new DateTime(1938, 1, 1) - DateTime.UnixEpoch).TotalDays;

        MemoryTrajectoryView View(int from, int count)
        {
            var observed = tensor(reports[from..(from + count)].SelectMany(row => row).ToArray()).reshape(count, 1, StationDay.Stations);
            return new MemoryTrajectoryView(new Dictionary<Column, Tensor>
            {
                [Columns.Observation] = observed, [Columns.ObservationMask] = observed.isnan().logical_not(),
            }, [.. Enumerable.Range(0, count).Select(day => start + from + day)], start + from - 1);
        }

        using var past = View(first, training);
        using var future = View(first + training, days - training);
        var filter = new ReportFilterEstimator(context, StationDay.Stations).Fit(past);
        Tensor Analyses(ITrajectoryView view) => filter.Transform(view).Materialise([Columns.Analysis])[Columns.Analysis].squeeze(1);
        Tensor With(Tensor x) => cat([x - 1010, ones(x.size(0), 1, dtype: x.dtype)], 1);
        Tensor Tomorrow(int from, int count) => tensor(reports[(from + 1)..(from + 1 + count)].Select(row => row[0]).ToArray());

        var tomorrow = Tomorrow(first, training);
        using var known = tomorrow.isnan().logical_not();
        var weights = linalg.lstsq(With(Analyses(past))[known], tomorrow[known].unsqueeze(1)).Solution;
        int tested = days - training;
        var score = matmul(With(Analyses(future)), weights).squeeze(1);
        var error = (score - Tomorrow(first + training, tested))[..(tested - 1)].square().mean().sqrt().ToDouble();
        Assert.Equal(error, Metric("rmse.assimilated"), 0.03);
    }

    [Fact]
    public void Persistence_is_that_of_the_table()
    {
        double[][] reports = Table();
        int begin = (int)(new DateTime(1946, 1, 1) - new DateTime(1938, 1, 1)).TotalDays;
        double last = double.NaN, sum = 0;
        for (int day = 0; day < reports.Length - 2; day++)
        {
            if (!double.IsNaN(reports[day][0])) last = reports[day][0];
            if (day >= begin) sum += Math.Pow(last - reports[day + 1][0], 2);
        }
        Assert.Equal(Math.Sqrt(sum / (reports.Length - 2 - begin)), Metric("rmse.persistence"), 1e-4);
    }

    [Fact]
    public void It_prints_its_table_draws_its_figures_and_leaves_a_pipeline_that_can_be_read()
    {
        _ = outcome.Result;
        Assert.Contains("regression from the analyses", outcome.Printed.ToString());
        foreach (string name in (string[])["errors", "winter"])
            Assert.Equal("svg", XDocument.Load(Path.Combine(outcome.Folder.FullName, name + ".svg")).Root!.Name.LocalName);
        Assert.Contains("Global Surface Summary of the Day", File.ReadAllText(Path.Combine(outcome.Folder.FullName, "report.html")));
        new DataAssimilationContext().Model.LoadMicrosoftML(new MLContext(), Path.Combine(outcome.Folder.FullName, "pipeline.zip"),
            out var schema);
        Assert.NotNull(schema.GetColumnOrNull("Reports"));
    }

    // The reports of each day (NaN: none), read without ML.NET and without DaML.
    private static double[][] Table() => [.. File.ReadLines(MlNetExperiment.TableFile).Skip(1).Select(line => line.Split(',')[1..]
        .Select(field => field.Length == 0 ? double.NaN : double.Parse(field, CultureInfo.InvariantCulture)).ToArray())];

    // The correlation of one station's report of today with another's of tomorrow.
    private static double LaggedCorrelation(double[][] reports, int today, int tomorrow)
    {
        (double X, double Y)[] pairs = [.. reports.Zip(reports.Skip(1), (a, b) => (a[today], b[tomorrow]))
            .Where(pair => !double.IsNaN(pair.Item1 + pair.Item2))];
        double x = pairs.Average(pair => pair.X), y = pairs.Average(pair => pair.Y);
        return pairs.Sum(pair => (pair.X - x) * (pair.Y - y))
            / Math.Sqrt(pairs.Sum(pair => Math.Pow(pair.X - x, 2)) * pairs.Sum(pair => Math.Pow(pair.Y - y, 2)));
    }
}
