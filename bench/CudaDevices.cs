using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Benchmarks;

/// <summary>
/// <c>bench cuda</c>: what a CUDA device gets done. Training beside eager PyTorch on the same device, both sides alive and in
/// turns; filters over thousands of runs at once; and the share of the device's limits, which are measured in the same run as
/// the rates of a large matrix product and of a copy. Where there is no device it says so.
/// </summary>
internal static class CudaDevices
{
    private const int Rounds = 7, Cycles = 16, Sites = 40;
    private const string Device = "cuda";

    private static readonly (ResidualConvolutionOptions Size, long Batch)[] Trainings =
    [
        (ResidualConvolutionOptions.Reference, 64), (ResidualConvolutionOptions.Reference, 128),
        (ResidualConvolutionOptions.Reference, 256), (ResidualConvolutionOptions.Reference, 512),
        (new() { Filters = 20, Blocks = 3, SubBlocks = 3 }, 128),
    ];

    private static readonly (string Name, long Members, Func<long, FilterCycle> Make)[] Filters =
    [
        ("etkf", 20, runs => FilterCycle.EnsembleTransform(20, 1.04, runs, Device)),
        ("etkf", 40, runs => FilterCycle.EnsembleTransform(40, 1.01, runs, Device)),
        ("enkf_n", 20, runs => FilterCycle.FiniteSize(20, runs, Device)),
        ("enkf_n", 40, runs => FilterCycle.FiniteSize(40, runs, Device)),
    ];

    public static void Run(string? jsonFile, TextWriter output)
    {
        var metrics = new SortedDictionary<string, double>(StringComparer.Ordinal) { ["cuda.available"] = cuda.is_available() ? 1 : 0 };
        if (cuda.is_available()) Measure(metrics, output);
        else output.WriteLine($"No CUDA device is available, so there is nothing to measure: {Devices.WhyNoCuda}.");
        if (jsonFile is not null)
            AtomicFile.Write(jsonFile,
                stream => JsonSerializer.Serialize(stream, new { name = "bench-cuda", settings = new { rounds = Rounds }, metrics },
                    new JsonSerializerOptions { WriteIndented = true }));
    }

    private static void Measure(IDictionary<string, double> metrics, TextWriter output)
    {
        double copy = CopyRate();
        metrics["cuda.copy.bytes_per_second"] = copy;
        output.WriteLine(Text($"A copy moves {copy / 1e9:f0} GB/s."));
        using var python = PythonWorker.Start(output);
        foreach (var precision in Enum.GetValues<MatrixPrecision>())
        {
            var options = new DataAssimilationOptions { Device = Device, MatrixPrecision = precision };
            DataAssimilationContext context;
            try { context = new DataAssimilationContext(options); }
            catch (ArgumentException refused)
            {
                output.WriteLine(refused.Message);
                continue;
            }
            double product = 2 * Math.Pow(8192, 3) / Seconds(() => new MatrixProduct(8192, context));
            metrics[$"cuda.sgemm.{precision}.flops_per_second"] = product;
            output.WriteLine(Text($"{precision}: a product of matrices 8192 x 8192 runs at {product / 1e12:f1} TFLOP/s."));
            foreach (var (size, batch) in Trainings) Train(size, batch, precision, options, product, python, metrics, output);
        }
        foreach (long runs in (long[])[1000, 10_000])
            foreach (var (name, members, make) in Filters)
            {
                double seconds = Seconds(() => make(runs));
                // What a cycle has to move at least: the members are read and written by the model and by the analysis.
                double share = 4 * sizeof(double) * runs * members * Sites / seconds / copy;
                metrics[$"cuda.filter.{name}.{members}.{runs}.cycles_per_second"] = runs / seconds;
                metrics[$"cuda.filter.{name}.{members}.{runs}.share_of_copy"] = share;
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{name}, N = {members}, {runs} runs: {runs / seconds:f0} cycles/s, {1e3 * seconds:f2} ms for one of all runs; " +
                    $"{share:p1} of the rate of a copy."));
            }
    }

    private static void Train(ResidualConvolutionOptions size, long batch, MatrixPrecision precision, DataAssimilationOptions options,
        double product,
        WorkerProcess? python, IDictionary<string, double> metrics, TextWriter output)
    {
        string shape = $"{size.Filters}x{size.Blocks}x{size.SubBlocks}.{batch}.{precision}";
        using var step = new TrainingStep(size, batch, options);
        int repetitions = Repetitions(step);
        Timed(step, repetitions);
        python?.Run($"training.{Device}.{shape}", repetitions);
        List<double> own = [], ratios = [];
        for (int round = 0; round < Rounds; round++)
        {
            double? theirs = round % 2 == 0 ? python?.Run($"training.{Device}.{shape}", repetitions).Wall : null;
            own.Add(Timed(step, repetitions));
            theirs ??= python?.Run($"training.{Device}.{shape}", repetitions).Wall;
            if (theirs is { } eager) ratios.Add(eager / own[^1]);
        }
        double seconds = LocalScaling.Median(own), flops = TrainingFlops(size, batch) / seconds;
        metrics[$"cuda.training.{shape}.steps_per_second"] = 1 / seconds;
        metrics[$"cuda.training.{shape}.share_of_sgemm"] = flops / product;
        string beside = "";
        if (ratios.Count > 0)
        {
            metrics[$"cuda.training.{shape}.speedup"] = LocalScaling.Median(ratios);
            beside = Text($", {LocalScaling.Median(ratios):f2} ({ratios.Min():f2}-{ratios.Max():f2}) times eager PyTorch");
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"training, {size.Filters} filters, {size.Blocks} x {size.SubBlocks}, batch {batch}, {precision}: {1e3 * seconds:f2} " +
            $"ms a step{beside}; {flops / 1e12:f2} TFLOP/s, {flops / product:p0} of the product's."));
    }

    // The convolutions of a training step, forward and twice that backward, five sites wide, as compare.py counts them.
    private static double TrainingFlops(ResidualConvolutionOptions size, long batch) =>
        3.0 * 2 * Cycles * batch * Sites * size.KernelSize * (size.Filters * size.Filters * size.Blocks * size.SubBlocks +
            3 * size.Filters);

    private static double CopyRate()
    {
        const long numbers = 1 << 28;
        return 2.0 * sizeof(float) * numbers / Seconds(() => new Copy(numbers));
    }

    // Seconds of doing a thing once, the device's work included: a median of rounds.
    private static double Seconds(Func<IWorkload> make)
    {
        using var work = make();
        int repetitions = Repetitions(work);
        return LocalScaling.Median(Enumerable.Range(0, Rounds).Select(_ => Timed(work, repetitions)));
    }

    // As many as take a third of a second.
    private static int Repetitions(IWorkload work)
    {
        Timed(work, 3);
        return (int)Math.Clamp(0.3 / Timed(work, 3), 1, 10_000);
    }

    private static double Timed(IWorkload work, int repetitions)
    {
        cuda.synchronize();
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < repetitions; i++) work.Run();
        cuda.synchronize();
        return watch.Elapsed.TotalSeconds / repetitions;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed class Copy(long numbers) : IWorkload
    {
        private readonly Tensor from = zeros(numbers, device: CUDA).DetachFromDisposeScope(),
            to = zeros(numbers, device: CUDA).DetachFromDisposeScope();

        public void Run() => to.copy_(from);

        public void Dispose()
        {
            from.Dispose();
            to.Dispose();
        }
    }
}
