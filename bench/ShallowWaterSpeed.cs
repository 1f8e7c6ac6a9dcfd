using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Benchmarks;

/// <summary>
/// <c>bench shallow-water</c>: the kernels of the shallow-water model beside the same scheme in torch operators with their automatic
/// derivatives, and beside
/// NumPy. Everything is timed in turn in each round; a ratio is the median over rounds of the ratios within one.
/// </summary>
internal static class ShallowWaterSpeed
{
    private const int Rounds = 7, Steps = 96, Block = 32;

    public static void Run(string? jsonFile, TextWriter output)
    {
        int threads = Math.Min(2, Environment.ProcessorCount);
        set_num_threads(threads);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var random = new RandomStream(1, "shallow-water", CPU);
        var model = new ShallowWater(ShallowWaterOptions.Turbulent);
        var large = new ShallowWater(ShallowWaterOptions.Turbulent with { CellsX = 512, CellsY = 512, TimeStep = 200 });
        var plain = new TensorForm(model);
        TimeInterval window = new(0, Steps * model.TimeStep), few = new(0, 8 * model.TimeStep);
        var x = model.Advance(zeros([model.Dimension], dtype: ScalarType.Float64), new TimeInterval(0, 60 * ShallowWater.Day));
        Tensor dx = random.Normal([model.Dimension], ScalarType.Float64),
            block = random.Normal([Block, model.Dimension], ScalarType.Float64);
        var field = zeros([large.Dimension], dtype: ScalarType.Float64);
        using var numpy = PythonWorker.StartNumPy(output);

        long before = GC.GetTotalMemory(forceFullCollection: true);
        using var linear = model.Linearise(x, window);
        double kept = (GC.GetTotalMemory(forceFullCollection: true) - before) / 1048576.0;

        var times = new Dictionary<string, List<double>>();
        for (int round = -3; round < Rounds; round++) // three to warm up
        {
            Measure("forward", Steps, () => model.Advance(x, window).Dispose(), repetitions: 4);
            Measure("torch.forward", 8, () => plain.Advance(x, few).Dispose());
            if (numpy is not null) Add("numpy.forward", numpy.Run("model.shallow-water", 48).Wall);
            Measure("gauss-newton", Steps, () => Product(linear, dx), repetitions: 2);
            Measure("torch.gauss-newton", 8, () =>
            {
                using var inner = NewDisposeScope();
                plain.Adjoint(x, plain.TangentLinear(x, dx, few), few);
            });
            Measure("gauss-newton.block", Steps * Block, () => Product(linear, block));
            set_num_threads(1); // one thread for both sizes: only the large one is shared among threads
            Measure("forward.64", 16, () => model.Advance(x, new TimeInterval(0, 16 * model.TimeStep)).Dispose(), repetitions: 8);
            Measure("forward.512", 16, () => large.Advance(field, new TimeInterval(0, 16 * large.TimeStep)).Dispose());
            set_num_threads(threads);

            void Measure(string name, int steps, Action work, int repetitions = 1)
            {
                var watch = Stopwatch.StartNew();
                for (int i = 0; i < repetitions; i++) work();
                Add(name, watch.Elapsed.TotalSeconds / repetitions / steps);
            }

            void Add(string name, double seconds)
            {
                if (!times.TryGetValue(name, out var list)) times[name] = list = [];
                if (round >= 0) list.Add(seconds);
            }
        }

        var metrics = new SortedDictionary<string, double>(StringComparer.Ordinal) { ["window.mebibytes"] = kept };
        output.WriteLine(
            $"64 x 64 cells, double precision, {threads} threads; medians of {Rounds} rounds, microseconds a step (and vector)");
        foreach (var (name, seconds) in times)
        {
            metrics[$"{name}.microseconds"] = 1e6 * LocalScaling.Median(seconds);
            output.WriteLine(Invariant($"{name,-22} {metrics[$"{name}.microseconds"],10:f1}"));
        }
        Ratio("forward.over_torch", "torch.forward", "forward", "times as fast as torch operators: forward");
        if (numpy is not null) Ratio("forward.over_numpy", "numpy.forward", "forward", "times as fast as NumPy: forward");
        Ratio("gauss-newton.over_torch", "torch.gauss-newton", "gauss-newton",
            "times as fast as torch's automatic derivatives: a Gauss-Newton product");
        Ratio("gauss-newton.forward_runs", "gauss-newton", "forward", "forward runs: a Gauss-Newton product over the two days");
        Ratio("gauss-newton.block_gain", "gauss-newton", "gauss-newton.block",
            "times as fast for each vector: 32 at once against one by one");
        Ratio("cells.512_over_64", "forward.512", "forward.64", "times the time for each cell: 512 x 512 against 64 x 64 (one thread)",
            1.0 / 64);
        output.WriteLine(Invariant($"{kept,8:f1} MiB kept for the linearised window of {Steps} steps"));
        if (jsonFile is not null)
            AtomicFile.Write(jsonFile,
                stream => JsonSerializer.Serialize(stream,
                    new { name = "bench-shallow-water", settings = new { rounds = Rounds, steps = Steps, block = Block, threads },
                        metrics },
                new JsonSerializerOptions { WriteIndented = true }));

        void Ratio(string name, string above, string below, string text, double scale = 1)
        {
            metrics[name] = LocalScaling.Median(times[above].Zip(times[below], (a, b) => scale * a / b));
            output.WriteLine(Invariant($"{metrics[name],8:f2} {text}"));
        }
    }

    private static void Product(ILinearisation linear, Tensor vectors)
    {
        using var scope = NewDisposeScope();
        linear.Adjoint(linear.TangentLinear(vectors));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed class TensorForm(ShallowWater model) : Dynamics(model.Dimension, model.TimeStep)
    {
        protected override Tensor Tendency(Tensor state) => model.TimeDerivative(state);
    }
}
