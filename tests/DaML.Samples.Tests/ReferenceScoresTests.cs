using System.Text.Json;
using System.Text.Json.Nodes;
using DaML.Samples;
using Spectre.Console;

namespace DaML.Tests;

/// <summary>
/// The reference scores: the exact ones are met to round-off, the sample tells what it measured, and a user's own table is taken or
/// refused.
/// </summary>
public sealed class ReferenceScoresTests(PageReader reader) : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("daml-reference-");

    public void Dispose() => folder.Delete(recursive: true);

    private static JsonObject Shipped() =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "data", "reference-scores.json")))!.AsObject();

    private (int Code, string Output, string Error, JsonElement? Document) Measure(string rows, long seeds = 3, long cycles = 200,
        CancellationToken cancellation = default)
    {
        string file = Path.Combine(folder.FullName, "rows.json"), json = Path.Combine(folder.FullName, "result.json");
        File.WriteAllText(file, rows);
        File.Delete(json);
        var (output, error) = (new StringWriter(), new StringWriter());
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No });
        console.Profile.Width = 160;
        int code = CommandLine.Run(["sample", "reference-scores", "--rows", file, "--out", folder.FullName, "--json", json],
            [new DemoSample(), new ReferenceScoresSample(seeds, cycles)], console, error, cancellation);
        return (code, output.ToString(), error.ToString(), File.Exists(json) ? JsonDocument.Parse(File.ReadAllText(json)).RootElement
            : null);
    }

    // The shipped experiments with other rows.
    private static string With(params string[] rows)
    {
        var table = Shipped();
        table["rows"] = new JsonArray([.. rows.Select(row => JsonNode.Parse(row))]);
        return table.ToJsonString();
    }

    private const string Easy =
        """
        { "experiment": "Lorenz-63, every 0.25", "method": "EnKF-N", "settings": { "members": 10 }, "expected": 0.6,
            "tolerance": { "share": 0.9 }, "source": "a test" }
        """;

    [Fact]
    public void Every_exact_row_is_met_to_its_tolerance()
    {
        var table = Shipped();
        string[] exact = [.. table["rows"]!.AsArray().Where(row => row!["case"] is not null).Select(row => row!.ToJsonString())];
        Assert.InRange(exact.Length, 35, 200);
        var (code, output, error, document) = Measure(With(exact));
        Assert.Equal((0, ""), (code, error));
        var rows = document!.Value.GetProperty("rows").EnumerateArray().ToList();
        Assert.Equal(exact.Length, rows.Count);
        Assert.All(rows.Zip(exact), pair =>
        {
            Assert.True(pair.First.GetProperty("pass").GetBoolean(), pair.First.ToString());
            using var asked = JsonDocument.Parse(pair.Second);
            double expected = asked.RootElement.GetProperty("expected").GetDouble(),
                relative = asked.RootElement.GetProperty("tolerance").GetProperty("relative").GetDouble();
            // the two condition numbers are published with four digits
            Assert.InRange(relative, 0, expected is 93.61 or 95.87 ? 6e-5 : 1e-9);
            Assert.InRange(pair.First.GetProperty("measured").GetDouble() / expected, 1 - relative, 1 + relative);
        });
        Assert.Contains($"All {exact.Length} rows pass.", output);
    }

    [Fact]
    public async Task A_row_of_ones_own_is_measured_and_told_in_the_form_agreed()
    {
        string lost =
            """
            { "experiment": "Lorenz-96, every 0.05", "method": "ETKF", "settings": { "members": 5 }, "expected": 0.2,
                "tolerance": { "share": 0.1 }, "source": "a test" }
            """;
        string below =
            """
            { "experiment": "Lorenz-63, every 0.25", "method": "etkf", "settings": { "members": 10, "inflation": 1.02,
                "rotation": "mean-preserving" }, "expected": 0.2, "tolerance": { "below": true }, "source": "a test" }
            """;
        string more = Easy.Replace("\"a test\"", "\"a test\", \"seeds\": 5", StringComparison.Ordinal);
        var (code, output, error, document) = Measure(With(Easy, lost, below, more));
        Assert.Equal((0, ""), (code, error));
        Assert.Equal(["rows"], document!.Value.EnumerateObject().Select(member => member.Name));
        var rows = document.Value.GetProperty("rows").EnumerateArray().ToList();
        Assert.All(rows,
            row => Assert.Equal(
                ["model", "method", "settings", "expected", "measured", "seeds", "cycles", "divergences", "pass", "tracking"],
                row.EnumerateObject().Select(member => member.Name)));
        Assert.Equal(("Lorenz-63, every 0.25", "EnKF-N", "N = 10"),
            (rows[0].GetProperty("model").GetString(), rows[0].GetProperty("method").GetString(),
                rows[0].GetProperty("settings").GetString()));
        Assert.Equal((3, 200, 0, true),
            (rows[0].GetProperty("seeds").GetInt64(), rows[0].GetProperty("cycles").GetInt64(),
                rows[0].GetProperty("divergences").GetInt64(), rows[0].GetProperty("pass").GetBoolean()));
        Assert.InRange(rows[0].GetProperty("measured").GetDouble(), 0.35, 0.85);
        var tracking = rows[0].GetProperty("tracking");
        Assert.Equal(["mean", "tracked", "lossesPer1000Cycles", "lossLength", "lostTruths", "neverTracked", "lostAbove", "foundBelow"],
            tracking.EnumerateObject().Select(member => member.Name));
        Assert.InRange(tracking.GetProperty("foundBelow").GetDouble(), 1.1, 1.4);      // optimal interpolation scores 1.25
        Assert.InRange(tracking.GetProperty("lostAbove").GetDouble(), 4, 5);           // half-way to the climatology's 7.6
        Assert.Equal((0, 0.0), (tracking.GetProperty("lostTruths").GetInt64(), tracking.GetProperty("lossesPer1000Cycles").GetDouble()));
        Assert.Equal(rows[0].GetProperty("tracking").GetProperty("mean").GetDouble(), tracking.GetProperty("tracked").GetDouble(), 1e-12);
        var never = rows[1].GetProperty("tracking");
        Assert.Equal(rows[1].GetProperty("divergences").GetInt64(), never.GetProperty("lostTruths").GetInt64());
        // Five members without inflation lose the truth: counted, not measured.
        Assert.Equal((JsonValueKind.Null, 3, false),
            (rows[1].GetProperty("measured").ValueKind, rows[1].GetProperty("divergences").GetInt64(),
                rows[1].GetProperty("pass").GetBoolean()));
        Assert.False(rows[2].GetProperty("pass").GetBoolean());
        Assert.Equal((5, true), (rows[3].GetProperty("seeds").GetInt64(), rows[3].GetProperty("pass").GetBoolean()));
        Assert.Contains("2 of 4 rows FAIL.", output);
        Assert.Contains("3/3", output);
        foreach (string name in (string[])["report.html", "scores-lorenz-63-every-0-25.svg"])
            Assert.True(File.Exists(Path.Combine(folder.FullName, name)), name);
        await reader.Check(Path.Combine(folder.FullName, "report.html"));
        Assert.Equal(document.Value.ToString(), Measure(With(Easy, lost, below, more)).Document!.Value.ToString());
    }

    // Half of the sites are observed, with errors of 0.7: a filter with an error of 1.0 follows them, and was once called lost in every
    // experiment.
    [Fact]
    public void A_filter_of_a_sparse_network_whose_error_exceeds_the_observations_is_not_lost()
    {
        const string table = """
            { "experiments": { "half": { "model": { "name": "Lorenz-96", "timeStep": 0.02 }, "interval": 0.4,
                "errorVariance": 0.5, "stride": 2,
                "start": { "level": 3, "components": { "1": 4 }, "variance": 1 }, "burnIn": 100 } },
              "rows": [ { "experiment": "half", "method": "LETKF", "settings": { "members": 40, "radius": 4,
                  "inflation": 1.10 }, "expected": 1, "tolerance": { "share": 0.15 }, "source": "a test" } ] }
            """;
        var row = Measure(table, seeds: 3, cycles: 200).Document!.Value.GetProperty("rows")[0];
        Assert.Equal(0, row.GetProperty("divergences").GetInt64());
        Assert.InRange(row.GetProperty("measured").GetDouble(), 0.85, 1.2);
        Assert.InRange(row.GetProperty("tracking").GetProperty("foundBelow").GetDouble(), 2, 2.9);
        Assert.True(row.GetProperty("pass").GetBoolean());
    }

    [Fact]
    public void Every_method_and_model_that_a_row_may_name_runs()
    {
        string models = """
            { "experiments": {
                "84": { "model": { "name": "lorenz-84" }, "interval": 0.1, "errorVariance": 0.1, "start": { "level": 1,
                    "variance": 0.1 }, "burnIn": 2, "stride": 2 },
                "two": { "model": { "name": "two-scale Lorenz-96", "slow": 4, "fast": 2 }, "interval": 0.01,
                    "errorVariance": 1, "start": { "level": 0.1, "variance": 0.01 }, "burnIn": 0 },
                "ks": { "model": { "name": "Kuramoto-Sivashinsky", "dimension": 32, "length": 22 }, "interval": 0.5,
                    "errorVariance": 1, "start": { "level": 0, "variance": 0.01 }, "burnIn": 0 },
                "advection": { "model": { "name": "linear advection", "dimension": 20 }, "interval": 1, "errorVariance": 1,
                    "start": { "level": 0, "variance": 1 }, "burnIn": 0 },
                "noisy": { "model": { "name": "Lorenz-96", "dimension": 12, "noise": 0.1 }, "interval": 0.05,
                    "errorVariance": 1, "start": { "level": 3, "components": { "1": 4 }, "variance": 1 }, "burnIn": 3 },
                "96": { "model": { "name": "Lorenz-96", "dimension": 12 }, "interval": 0.05, "errorVariance": 1,
                    "start": { "level": 3, "components": { "1": 4 }, "variance": 1 }, "burnIn": 3 } },
              "rows": [] }
            """;
        static string Row(string experiment, string method, string settings) =>
            $$"""
            { "experiment": "{{experiment}}", "method": "{{method}}", "settings": {{settings}}, "expected": 0.5,
                "tolerance": { "share": 1 }, "source": "a test" }
            """;
        string[] rows =
        [
            .. ((string[])["84", "two", "ks", "advection", "noisy"])
                .Select(experiment => Row(experiment, "ETKF", """{ "members": 14, "inflation": 1.02 }""")),
            Row("96", "climatology", "{}"), Row("96", "optimal interpolation", "{}"), Row("96", "3D-Var", """{ "backgroundScale": 0.1 }"""),
            Row("96", "4D-Var", """{ "backgroundScale": 0.1, "window": 2 }"""),
            Row("96", "extended Kalman filter", """{ "inflationPerTime": 5 }"""),
            Row("96", "stochastic EnKF", """{ "members": 20 }"""), Row("96", "DEnKF", """{ "members": 20 }"""),
            Row("96", "serial EnSRF", """{ "members": 20 }"""),
            Row("96", "EnKF-N", """{ "members": 20, "certainty": 2 }"""), Row("96", "IEnKF", """{ "members": 20 }"""),
            Row("96", "IEnKS", """{ "members": 20, "lag": 3 }"""),
            Row("96", "IEnKS-N", """{ "members": 20, "lag": 2 }"""), Row("noisy", "IEnKF-Q", """{ "members": 20, "inflation": 1.02 }"""),
            Row("96", "LETKF", """{ "members": 7, "radius": 3, "taper": "Gaussian", "inflation": 1.04 }"""),
            Row("noisy", "particle filter", """{ "members": 50, "jitter": 0.5 }"""),
        ];
        var table = JsonNode.Parse(models)!.AsObject();
        table["rows"] = new JsonArray([.. rows.Select(row => JsonNode.Parse(row))]);
        var (code, _, error, document) = Measure(table.ToJsonString(), seeds: 2, cycles: 12);
        Assert.Equal((0, ""), (code, error));
        Assert.All(document!.Value.GetProperty("rows").EnumerateArray(), row =>
            Assert.True(row.GetProperty("divergences").GetInt64() == 2 || row.GetProperty("measured").GetDouble() > 0, row.ToString()));
        // Every method there is was run: the list that a misspelt one is refused with.
        string known = Measure(With(Easy.Replace("EnKF-N", "x", StringComparison.Ordinal))).Error.Split("there are: ")[1].TrimEnd()
            .TrimEnd('.');
        Assert.Equal(known.Split(", ").Order(), rows.Select(row => JsonNode.Parse(row)!["method"]!.ToString()).Distinct().Order());
    }

    [Fact]
    public void Stopped_it_writes_nothing()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        var (code, _, error, document) = Measure(With(Easy), cycles: 10_000_000, cancellation: stop.Token);
        Assert.Equal(CommandLine.Stopped, code);
        Assert.Contains("reference-scores was stopped before its end", error);
        Assert.Null(document);
    }

    [Theory]
    [InlineData("\"EnKF-N\"", "\"EnKF-M\"", "There is no method 'EnKF-M'; there are: ")]
    [InlineData("\"members\"", "\"ensemble\"", "EnKF-N has no setting 'ensemble'; it has: members, inflation, rotation, certainty")]
    [InlineData("\"members\": 10", "\"inflation\": 1.1", "EnKF-N needs the setting 'members'")]
    [InlineData("\"members\": 10", "\"members\": \"ten\"", "must be a number; given: ten")]
    [InlineData("\"members\": 10", "\"members\": 2.5", "must be a whole number; given: 2.5")]
    [InlineData("\"members\": 10", "\"members\": 10, \"rotation\": \"sometimes\"",
        "must be one of: none, mean-preserving; given: sometimes")]
    [InlineData("\"members\": 10", "\"members\": 1", "must be at least 2; given: 1")]
    [InlineData("\"Lorenz-63, every 0.25\", \"method\"", "\"Lorenz-63\", \"method\"",
        "There is no experiment 'Lorenz-63'; there are: Lorenz-63, every 0.25")]
    [InlineData("{ \"share\": 0.9 }", "{ }", "A tolerance must have exactly one of 'share'")]
    [InlineData("{ \"share\": 0.9 }", "{ \"share\": -1 }", "A tolerance must be above 0")]
    [InlineData("{ \"share\": 0.9 }", "{ \"within\": 0.9 }", "within")]
    [InlineData("\"source\": \"a test\"", "\"sauce\": \"a test\"", "sauce")]
    [InlineData("\"method\": \"EnKF-N\"", "\"case\": \"EnKF-N\"", "neither 'experiment' nor 'method'")]
    public void A_row_that_is_not_understood_is_refused_with_what_is_known(string from, string to, string expected)
    {
        Assert.Contains(from, Easy);
        var (code, _, error, document) = Measure(With(Easy, Easy.Replace(from, to, StringComparison.Ordinal)));
        Assert.Equal(CommandLine.Misuse, code);
        Assert.Contains(expected, error);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Null(document);
    }

    [Theory]
    [InlineData("{ \"case\": \"nonsense\", \"settings\": {}, \"quantity\": \"x\", \"expected\": 1, \"tolerance\": { \"relative\": 1e-9 " +
        "}, \"source\": \"\" }", "There is no case 'nonsense'; there are: Lorenz-95 forecast")]
    [InlineData("{ \"case\": \"Lorenz-95 3D-Var\", \"settings\": {}, \"quantity\": \"J\", \"expected\": 1, \"tolerance\": { " +
        "\"relative\": 1e-9 }, \"source\": \"\" }", "has no quantity 'J'; it has: J of the background, least J")]
    public void A_case_that_is_not_known_is_refused(string row, string expected) => Assert.Contains(expected, Measure(With(row)).Error);

    [Theory]
    [InlineData("", "is not a table of reference scores")]
    [InlineData("[]", "is not a table of reference scores")]
    [InlineData("{ \"experiments\": {}, \"rows\": [] }", "has no rows")]
    public void A_file_that_is_no_table_is_refused(string text, string expected) => Assert.Contains(expected, Measure(text).Error);

    [Fact]
    public void A_file_that_is_not_there_is_refused() => Assert.Contains("cannot be read",
        Assert.Throws<SampleException>(() =>
            new ReferenceScoresSample()
                .Run(new SampleRun(new SampleOptions
                    { OutputFolder = folder.FullName, Settings = new Dictionary<string, string> { ["--rows"] = "/nowhere/rows.json" } },
            AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(new StringWriter()) }),
            CancellationToken.None))).Message);
}
