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
    public void The_table_is_what_its_recipe_makes_of_the_reanalysis()
    {
        Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");
        string again = Path.Combine(outcome.Folder.FullName, "again.csv");
        StationTable.Write(again);
        Assert.Equal(File.ReadAllText(MlNetExperiment.TableFile), File.ReadAllText(again));
    }

    [Fact]
    public void Analyses_forecast_better_than_reports_and_both_better_than_no_model()
    {
        double gain = Metric("mse_gain.over_reports"), error = Metric("mse_gain.over_reports.standard_error");
        Assert.True(gain > 2 * error, $"{gain} +- {error}");
        double[] rising = [.. ((string[])["assimilated", "reports_of_three_days", "reports", "persistence", "climatology"])
            .Select(name => Metric("rmse." + name))];
        Assert.Equal(rising.Order(), rising);
        // Where the station is silent is where the others and the days before tell most.
        Assert.True(Metric("rmse.reports.silent") - Metric("rmse.assimilated.silent")
            > 3 * (Metric("rmse.reports.reported") - Metric("rmse.assimilated.reported")));
        Assert.True(Metric("rmse.analysis.reported") < Metric("rmse.report"));
    }

    [Fact]
    public void Reports_have_the_errors_and_gaps_that_are_said()
    {
        var (reports, reanalysis) = Table();
        double[] errors = [.. reports.Zip(reanalysis, (r, a) => r.Zip(a, (x, y) => x - y)).SelectMany(row => row)
            .Where(error => !double.IsNaN(error))];
        Assert.Equal(1.5, Math.Sqrt(errors.Average(error => error * error)), 0.02);
        Assert.Equal(0.19, 1 - errors.Length / (8.0 * reports.Length), 0.01);
    }

    // The same filter without ML.NET, and the least-squares regression from its analyses by the normal equations.
    [Fact]
    public void The_pipeline_s_score_is_that_of_the_filter_and_a_regression_in_closed_form()
    {
        using var scope = NewDisposeScope();
        var context = new DataAssimilationContext(1);
        var (reports, reanalysis) = Table();
        const int first = 2;    // the pipeline's rows begin with the third day and end with the last but one
        int days = reports.Length - 1 - first, training = (int)(new DateTime(2009, 1, 1) - new DateTime(2001, 1, 1 + first)).TotalDays;

        MemoryTrajectoryView View(int from, int count)
        {
            var observed = tensor(reports[from..(from + count)].SelectMany(row => row).ToArray()).reshape(count, 1, 8);
            return new MemoryTrajectoryView(new Dictionary<Column, Tensor>
            {
                [Columns.Truth] = tensor(reanalysis[from..(from + count)].SelectMany(row => row).ToArray()).reshape(count, 1, 8),
                [Columns.Observation] = observed, [Columns.ObservationMask] = observed.isnan().logical_not(),
            }, [.. Enumerable.Range(0, count).Select(day => 11323.0 + from + day)], 11322.0 + from);
        }

        using var past = View(first, training);
        using var future = View(first + training, days - training);
        var filter = new ReportFilterEstimator(context, 8).Fit(past);
        Tensor Analyses(ITrajectoryView view) => filter.Transform(view).Materialise([Columns.Analysis])[Columns.Analysis].squeeze(1);
        Tensor With(Tensor x) => cat([x - 1010, ones(x.size(0), 1, dtype: x.dtype)], 1);
        Tensor Tomorrow(int from, int count) => tensor(reanalysis[(from + 1)..(from + 1 + count)].Select(row => row[0]).ToArray());

        var x = With(Analyses(past));
        var weights = linalg.lstsq(x, Tomorrow(first, training).unsqueeze(1)).Solution;
        int tested = days - training;
        var score = matmul(With(Analyses(future)), weights).squeeze(1);
        var error = (score - Tomorrow(first + training, tested))[..(tested - 1)].square().mean().sqrt().ToDouble();
        Assert.Equal(error, Metric("rmse.assimilated"), 0.03);
    }

    [Fact]
    public void Persistence_is_that_of_the_table()
    {
        var (reports, reanalysis) = Table();
        int begin = (int)(new DateTime(2009, 1, 1) - new DateTime(2001, 1, 1)).TotalDays;
        double last = double.NaN, sum = 0;
        for (int day = 0; day < reports.Length - 2; day++)
        {
            if (!double.IsNaN(reports[day][0])) last = reports[day][0];
            if (day >= begin) sum += Math.Pow(last - reanalysis[day + 1][0], 2);
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
        Assert.Contains("Kalnay", File.ReadAllText(Path.Combine(outcome.Folder.FullName, "report.html")));
        new DataAssimilationContext().Model.LoadMicrosoftML(new MLContext(), Path.Combine(outcome.Folder.FullName, "pipeline.zip"),
            out var schema);
        Assert.NotNull(schema.GetColumnOrNull("Reports"));
    }

    // Reports (NaN: none) and reanalysis of each day, read without ML.NET and without DaML.
    private static (double[][] Reports, double[][] Reanalysis) Table()
    {
        double[][] rows = [.. File.ReadLines(MlNetExperiment.TableFile).Skip(1).Select(line => line.Split(',')[1..]
            .Select(field => field.Length == 0 ? double.NaN : double.Parse(field, CultureInfo.InvariantCulture)).ToArray())];
        return ([.. rows.Select(row => row[..8])], [.. rows.Select(row => row[8..])]);
    }
}
