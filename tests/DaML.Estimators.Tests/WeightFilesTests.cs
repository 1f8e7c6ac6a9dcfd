using System.Diagnostics;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class WeightFilesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("daml-weights-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Name => Path.Combine(folder, "small");

    private (SmallTwin Twin, SequentialAssimilation<StateMemory> Method) Written()
    {
        var twin = new SmallTwin();
        var method = twin.Estimator().Fit(twin.Training, twin.Validation);
        WeightFiles.Write(Name, SmallTwin.Analyzer(method).Network, SmallTwin.History(method));
        return (twin, method);
    }

    [Fact]
    public void Shipped_weights_make_the_method_again_to_the_bit()
    {
        var (twin, method) = Written();
        var read = new SmallTwin().Estimator().Pretrained(Name);
        Bits.Equal(SmallTwin.Analyzer(method).Network, SmallTwin.Analyzer(read).Network);
        Assert.Equal(twin.Rmse(method), twin.Rmse(read));
        Assert.False(SmallTwin.Analyzer(read).Network.training);
    }

    [Fact]
    public void They_tell_how_they_were_made()
    {
        var (_, method) = Written();
        var history = SmallTwin.History(method);
        var text = JsonNode.Parse(File.ReadAllText(Name + ".json"))!;
        Assert.Equal(SmallTwin.Analyzer(method).Network.parameters().Sum(parameter => parameter.numel()),
            text["parameters"]!.GetValue<long>());
        Assert.Equal(8, text["settings"]!["network"]!["settings"]!["options"]!["filters"]!.GetValue<int>());
        Assert.Equal("scalar-error-covariance", text["settings"]!["observing"]!["parts"]!["error"]!["kind"]!.GetValue<string>());

        var settings = WeightFiles.Read(Name).History.Settings!;
        Assert.Equal(("residual convolution", "Lorenz-96", 0L), (settings.Method, settings.Model, settings.Seed));
        Assert.Equal(SmallTwin.Brief, settings.Options);
        Assert.Equal(((ResidualConvolutionNetwork)SmallTwin.Analyzer(method).Network).Statistics, settings.Statistics);
        Assert.Contains("16 trajectories, without end", settings.Data);
        Assert.Contains("8 trajectories", settings.Validation);
        Assert.Equal(("cpu", ScalarType.Float32), (settings.Device, settings.Precision));
        Assert.Equal(__version__, settings.Software["libtorch"]);
        Assert.StartsWith("0.", settings.Software["DaML"]);

        // A step for each validation, of the steps since the one before.
        var curve = WeightFiles.Read(Name).History;
        Assert.Equal([8L, 16, 24], curve.Steps.Select(step => step.Step));
        Assert.Equal(history.Steps.Skip(8).Take(8).Average(step => step.Loss), curve.Steps[1].Loss, 1e-12);
        Assert.Equal(history.Steps[15].ValidationError, curve.Steps[1].ValidationError);
        Assert.Equal((history.Best!.Step, history.Restarts, history.End), (curve.Best!.Step, curve.Restarts, curve.End));
    }

    [Fact]
    public void A_method_read_from_an_archive_is_shipped_with_settings_given_in_code()
    {
        var (twin, method) = Written();
        string archive = Path.Combine(folder, "model.daml");
        twin.Context.Model.Save(method, archive);
        var read = SmallTwin.Analyzer(twin.Context.Model.Load<SequentialAssimilation<StateMemory>>(archive));
        Assert.Equal(SmallTwin.History(method).Settings!.Options, read.History!.Settings!.Options);

        string shipped = Path.Combine(folder, "shipped");
        var untold = read.History with { Settings = null };   // as trainings left it that did not take their settings down
        Assert.Null(
            Reloaded.Of(new LearnedAnalyzer<StateMemory>("old", read.Operator, read.Error, read.Network, untold), twin.Context)
                .History!.Settings);
        Assert.Contains("Settings", Assert.Throws<ArgumentException>(() => WeightFiles.Write(shipped, read.Network, untold)).Message);
        WeightFiles.Write(shipped, read.Network,
            untold with { Settings = read.History.Settings with { Device = "another machine", Notes = "converted" } });
        Assert.Equal(File.ReadAllBytes(Name + ".safetensors"), File.ReadAllBytes(shipped + ".safetensors"));
        var made = twin.Estimator().Pretrained(shipped);
        Assert.Equal(("another machine", "converted"), (SmallTwin.History(made).Settings!.Device, SmallTwin.History(made).Settings!.Notes));
    }

    // A convolution serves a circle of any size, and the constants are those of the training data.
    [Fact]
    public void Weights_of_one_dimension_serve_another()
    {
        using var scope = NewDisposeScope();
        var (twin, method) = Written();
        var larger = new SmallTwin(sites: 24);
        var read = larger.Estimator().Pretrained(Name);
        Assert.Equal(24, ((ResidualConvolutionNetwork)SmallTwin.Analyzer(read).Network).Statistics.Dimension);
        using var forecast = twin.Context.Random("forecast").Normal([3, 12], ScalarType.Float32);
        using var innovation = twin.Context.Random("innovation").Normal([3, 12], ScalarType.Float32);
        var local = SmallTwin.Analyzer(method).Network.call(forecast, innovation);
        var twice = SmallTwin.Analyzer(read).Network.call(forecast.repeat(1, 2), innovation.repeat(1, 2));
        Assert.True((twice - local.repeat(1, 2)).abs().max().ToDouble() < 1e-5);
    }

    [Fact]
    public void Weights_of_another_architecture_are_refused_tensor_by_tensor()
    {
        Written();
        string Refused(ResidualConvolutionOptions network) =>
            Assert.Throws<ModelArchiveException>(() => new SmallTwin().Estimator(network: network).Pretrained(Name)).Message;
        Assert.Contains("Float32 [8, 2, 5]; the network needs Float32 [16, 2, 5]", Refused(SmallTwin.Network with { Filters = 16 }));
        Assert.Contains("'trunk.convolutions.2.weight' is missing", Refused(SmallTwin.Network with { SubBlocks = 3 }));
        Assert.Contains("'trunk.convolutions.1.weight' has no counterpart in the network",
            Refused(SmallTwin.Network with { SubBlocks = 1 }));
        Assert.Contains("\"filters\":8", Refused(SmallTwin.Network with { SubBlocks = 1 }));
        Assert.Contains("Float64",
            Assert.Throws<ModelArchiveException>(() =>
                new SmallTwin(networkPrecision: ScalarType.Float64).Estimator().Pretrained(Name)).Message);
    }

    [Fact]
    public void Files_that_are_missing_damaged_or_mixed_up_are_refused()
    {
        Written();
        Assert.Contains("nobody", Assert.Throws<FileNotFoundException>(() => WeightFiles.Read(Path.Combine(folder, "nobody"))).Message);
        string text = File.ReadAllText(Name + ".json");
        byte[] bytes = File.ReadAllBytes(Name + ".safetensors");
        void Refused(string part, string json, byte[] weights)
        {
            File.WriteAllText(Name + ".json", json);
            File.WriteAllBytes(Name + ".safetensors", weights);
            Assert.Contains(part, Assert.Throws<ModelArchiveException>(() => WeightFiles.Read(Name)).Message);
        }
        Refused("SHA-256", text, [.. bytes[..^1], (byte)(bytes[^1] ^ 1)]);
        Refused("damaged", text[..(text.Length / 2)], bytes);
        Refused("daml-weights", text.Replace("daml-weights", "other"), bytes);
        Refused("version", text.Replace("\"formatVersion\": 1", "\"formatVersion\": 2"), bytes);
        Refused("settings", text.Replace("\"settings\"", "\"sattings\""), bytes);
        Refused("damaged", text.Replace("\"curve\": [", "\"curve\": [3,"), bytes);
        Refused("damaged", "[1]", bytes);
    }

    [Fact]
    public void Python_reads_the_same_numbers()
    {
        var (_, method) = Written();
        // The format by its definition, with nothing but the standard library.
        const string script = """
            import json, struct, sys
            raw = open(sys.argv[1], 'rb').read()
            n = struct.unpack('<Q', raw[:8])[0]
            header = json.loads(raw[8:8 + n])
            entry = header['trunk.encoder.weight']
            begin, end = entry['data_offsets']
            values = struct.unpack('<%df' % ((end - begin) // 4), raw[8 + n + begin:8 + n + end])
            print(entry['dtype'], entry['shape'], '%.9g' % values[7])
            """;
        using var python = Start(script);
        if (python is null) Assert.Skip("There is no python3 on this machine.");
        string output = python!.StandardOutput.ReadToEnd().Trim();
        double expected = SmallTwin.Analyzer(method).Network.state_dict()["trunk.encoder.weight"].view(-1)[7].ToDouble();
        Assert.Equal($"F32 [8, 2, 5] {((float)expected).ToString("G9", System.Globalization.CultureInfo.InvariantCulture)}", output);
    }

    private Process? Start(string script)
    {
        try { return Process.Start(new ProcessStartInfo("python3", ["-c", script, Name + ".safetensors"])
            { RedirectStandardOutput = true }); }
        catch (System.ComponentModel.Win32Exception) { return null; }
    }
}
