using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public partial class DocumentTests
{
    [Fact]
    public void The_reduced_order_page_quotes_its_examples_and_they_analyse_a_real_field()
    {
        foreach (string mark in (string[])["example", "streaming", "others", "own"])
            Assert.Contains(Marked("ReducedOrder.cs", mark), Quoted("reduced-order.md"));
        Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");
        using var scope = NewDisposeScope();
        var context = new DataAssimilationContext(seed: 1);
        var folder = Directory.CreateTempSubdirectory("daml-reduced-order-");
        try
        {
            string output = Path.Combine(folder.FullName, "analyses.nc");
            // A site for every fourth degree of latitude and every eighth of longitude.
            (double, double)[] sites =
            [
                .. from latitude in Enumerable.Range(0, 10)
                   from longitude in Enumerable.Range(0, 10)
                   select (30.5 + 4.2 * latitude, -69 + 8.4 * longitude)
            ];
            string file = Path.Combine(AppContext.BaseDirectory, "data", "slp_ncep1_natlantic_daily_2001-2010.nc");
            var (observed, analysed, modes) = ReducedOrder.Run(context, file, sites, steps: 50, output);
            Assert.Equal(90, context.Data.FromNetCdf(output, "analysis", Columns.Analysis).CycleCount);
            double error = 0, size = 0;
            using var cursor = analysed.OpenCursor();
            var anomaly = new Column("anomaly");
            while (cursor.MoveNext())
            {
                using var day = NewDisposeScope();
                error += (modes.Reconstruct(cursor[Columns.Analysis][.., ..20]) - cursor[anomaly]).square().mean().ToDouble();
                size += cursor[anomaly].square().mean().ToDouble();
            }
            // A hundred sites of 1 hPa leave what the modes do not hold, two of ten hPa, and little more.
            Assert.InRange(Math.Sqrt(error / size), 0.1, 0.27);
            Assert.Equal(90, observed.CycleCount);
        }
        finally { folder.Delete(recursive: true); }
        Assert.Equal(3, ReducedOrder.Others(context, new("c"), new("f")).Count);
        Assert.NotNull(ReducedOrder.Streaming(context, new("x"), new("c")));
    }
}
