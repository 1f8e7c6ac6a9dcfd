namespace DaML.Tests;

/// <summary>The figures of docs/figures.md, by their names.</summary>
internal static class Figures
{
    public static IReadOnlyDictionary<string, Figure> All()
    {
        // <experiment>
        var daml = new DataAssimilationContext(seed: 7);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var twin = daml.Data.Twin(system, new() { Cycles = 400 });
        var etkf = daml.Analysis.EnsembleTransformKalmanFilter(system, new()
            { Members = 40, Inflation = Inflation.StandardDeviation(1.02) });

        List<double> times = [];
        List<double[]> truth = [], analysis = [], spread = [];    // a row of 40 sites for each cycle
        foreach (var cycle in etkf.Transform(twin))
        {
            times.Add(cycle.Time);
            truth.Add(cycle[Columns.Truth].ToArray<double>());
            analysis.Add(cycle[Columns.Analysis].ToArray<double>());
            spread.Add(cycle[Columns.AnalysisSpread].ToArray<double>());
        }
        // </experiment>

        // <bands>
        double[] AtSite(List<double[]> rows) => [.. rows.Take(120).Select(row => row[0])];
        double[] first = [.. times.Take(120)];
        var bands = new LineChart("One site", new Axis("time", "model units"), new Axis("x"),
        [
            new LineSeries("truth", first, AtSite(truth)) { Color = new RgbColor(0x1a, 0x1a, 0x1a), Style = LineStyle.Dashed },
            new LineSeries("analysis", first, AtSite(analysis))
                { Bands = [LineBand.Around("± 2 standard deviations", AtSite(analysis), AtSite(spread), 2)] },
        ]);
        // </bands>

        // <quantiles>
        var errors = truth.Zip(analysis, (t, a) => t.Zip(a, (x, y) => Math.Abs(y - x)).Order().ToArray()).ToList();
        double[] Quantile(double share) => [.. errors.Select(sorted => sorted[(int)(share * (sorted.Length - 1))])];
        var quantiles = new LineChart("Error over the sites", new Axis("time", "model units"),
            new Axis("absolute error") { Scale = AxisScale.Logarithmic, Minimum = 1e-3 },
            [
                new LineSeries("median", times, Quantile(0.5))
                {
                    Bands = [new LineBand("5 to 95 %", Quantile(0.05), Quantile(0.95)),
                        new LineBand("25 to 75 %", Quantile(0.25), Quantile(0.75))],
                },
            ]) { References = [new("observation error", 1)] };
        // </quantiles>

        // <hovmoeller>
        var difference = new double[200, 40];    // [along y, along x]: time upwards, sites to the right
        for (int k = 0; k < 200; k++)
            for (int i = 0; i < 40; i++) difference[k, i] = analysis[k][i] - truth[k][i];
        var hovmoeller = new HeatMap("Error (analysis − truth)", difference, new CellAxis(new Axis("site"), 0, 1),
            new CellAxis(new Axis("time", "model units"), times[0], times[1] - times[0]), ColorScale.Diverging(1, new Axis("x")));
        // </hovmoeller>

        // <heat>
        var sizes = new double[40, 80];
        for (int i = 0; i < 40; i++)
            for (int k = 0; k < 80; k++) sizes[i, k] = spread[k][i] * spread[k][i];
        var heat = new HeatMap("Variance of the analysis while the filter finds the truth", sizes,
            new CellAxis(new Axis("cycle"), 0, 1), new CellAxis(new Axis("site"), 0, 1),
            ColorScale.Sequential(0.01, 1, new Axis("variance") { Scale = AxisScale.Logarithmic }));
        // </heat>

        // <map>
        var pressure = new double[19, 35];    // a low over the Atlantic, every 2.5 degrees from 80°W and from 70°N
        for (int i = 0; i < 19; i++)
            for (int j = 0; j < 35; j++)
            {
                double east = (-80 + 2.5 * j + 28) / 14, north = (70 - 2.5 * i - 55) / 9;
                pressure[i, j] = 1018 - 38 * Math.Exp(-(east * east + north * north) / 2);
            }
        var map = new MapPlot("Sea-level pressure", pressure, -80, 2.5, 70, -2.5,
            ColorScale.Sequential(980, 1020, new Axis("pressure", "hPa")))
        {
            Outlines = Coastlines.World, MarkerName = "stations",
            Markers = [new MapMarker(-21.9, 64.1, 991), new MapMarker(-9.1, 38.7, 1014), new MapMarker(-52.7, 47.6, 1012)],
        };
        // </map>

        // <histogram>
        var normalised = Enumerable.Range(100, 300)
            .SelectMany(k => Enumerable.Range(0, 40).Select(i => (analysis[k][i] - truth[k][i]) / spread[k][i])).ToList();
        var density = Histogram.Density("Normalised errors", new Axis("error / spread") { Minimum = -4, Maximum = 4 }, normalised, 40);
        double[] places = [.. Enumerable.Range(0, 161).Select(i => -4 + i / 20.0)];
        var histogram = density with
        {
            BinName = "ETKF, 40 members",
            Curves = [new LineSeries("standard normal", places, [.. places.Select(z => Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI))])],
        };
        // </histogram>

        // <ranks>
        var score = new RankHistogramScore(ScoredState.Forecast);
        var report = daml.Scores.Evaluate(etkf.Transform(twin), new() { BurnIn = 100, Scores = [score] });
        var ranks = report.Of(score).ToFigure("Rank of the truth among the forecast members");
        // </ranks>

        // <bars>
        var bars = new BarChart("Analysis error", new Axis("RMSE"),
        [
            new Bar("observations", report.ObservationRmse!.Mean, 1.0),
            new Bar("ETKF, 40 members", report.AnalysisRmse.Mean, 0.18),
        ]) { ReferenceName = "expected", Height = 200 };
        // </bars>

        // <grid>
        var grid = new FigureGrid("An ETKF on Lorenz-96", [bands, histogram], columns: 2);
        // </grid>

        return new Dictionary<string, Figure>
        {
            ["bands"] = bands, ["quantiles"] = quantiles, ["hovmoeller"] = hovmoeller, ["heat"] = heat, ["map"] = map,
            ["histogram"] = histogram, ["ranks"] = ranks, ["bars"] = bars, ["grid"] = grid,
        };
    }

    /// <summary>Writes a figure in the three ways.</summary>
    public static void Write(Figure bands, string folder)
    {
        // <files>
        bands.Save(Path.Combine(folder, "bands.svg"));
        bands.Save(Path.Combine(folder, "bands.png"), scale: 3);    // 1920 pixels wide
        // </files>
    }

    /// <summary>Writes a page.</summary>
    public static void Page(Figure bands, string folder)
    {
        // <page>
        var page = new HtmlReport("An ETKF on Lorenz-96",
        [
            new ReportParagraph("Forty members assimilate all forty sites in every step."),
            new ReportFigure(bands, "One site: the truth stays within two standard deviations of the analysis."),
            new ReportTable("RMSE", ["method", "analysis"], [["ETKF", "0.18"]]),
            new ReportSettings(new Dictionary<string, object> { ["members"] = 40, ["seed"] = 7 }),
        ]);
        AtomicFile.WriteText(Path.Combine(folder, "report.html"), page.ToHtml());
        // </page>
    }
}
