using System.IO.Compression;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Archives of the first versions of the filters, whose inflation was two settings and whose model error was always drawn.
/// </summary>
public sealed class OlderArchiveTests
{
    [Theory]
    [InlineData("etkf")]
    [InlineData("kalman")]
    public void An_archive_of_the_first_version_is_read_as_it_was_meant(string name)
    {
        var context = new DataAssimilationContext(3);
        var dynamics = new Lorenz96(8) { ModelError = ErrorCovariance.Scalar(8, 0.01) };
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension));
        using var scope = NewDisposeScope();
        var start = new GaussianInitialCondition(full(8, 3.0, dtype: ScalarType.Float64), ErrorCovariance.Scalar(8, 4));
        ITransformer method = name == "etkf"
            ? context.Analysis.EnsembleTransformKalmanFilter(system with { Initial = start },
                new() { Members = 6, Inflation = Inflation.ForgettingFactor(0.9) })
            : context.Analysis.KalmanFilter(system with { Initial = start }, new() { Inflation = Inflation.Variance(1.1) });
        string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.model");
        try
        {
            context.Model.Save(method, path);
            Rewrite(path);
            var loaded = ModelArchive.Read<ITransformer>(path,
                new ComponentRegistry(DynamicsComponents.All.Concat(TransformerComponents.All)), context);
            var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 5 });
            using var expected = method.Transform(twin).OpenCursor();
            using var actual = loaded.Transform(twin).OpenCursor();
            while (expected.MoveNext() && actual.MoveNext())
                Assert.True(expected[Columns.Analysis].equal(actual[Columns.Analysis]).all().ToBoolean());
            Assert.Equal(4, expected.Cycle);
        }
        finally { File.Delete(path); }
    }

    // Takes the manifest back to what the first versions wrote.
    private static void Rewrite(string path)
    {
        using var zip = ZipFile.Open(path, ZipArchiveMode.Update);
        var entry = zip.GetEntry("manifest.json")!;
        JsonNode manifest;
        using (var stream = entry.Open()) manifest = JsonNode.Parse(stream)!;
        var parts = manifest["root"]!["parts"]!;

        var analyzer = parts["analyzer"]!.AsObject();
        Assert.Equal(2, (int)analyzer["version"]!);
        var inflation = analyzer["parts"]!["inflation"]!["settings"]!.AsObject();
        foreach (string setting in new[] { "inflation", "inflationTarget" })
            analyzer["settings"]![setting] = inflation[setting]!.DeepClone();
        Assert.True(analyzer["parts"]!.AsObject().Remove("inflation"));
        analyzer["version"] = 1;

        var propagater = parts["propagater"]!.AsObject();
        Assert.Equal(2, (int)propagater["version"]!);
        Assert.True(propagater["settings"]!.AsObject().Remove("modelError")
            || propagater["settings"]!.AsObject().Remove("covarianceGrowth"));
        propagater["version"] = 1;

        entry.Delete();
        using var rewritten = new StreamWriter(zip.CreateEntry("manifest.json", CompressionLevel.NoCompression).Open());
        rewritten.Write(manifest.ToJsonString());
    }
}
