using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Computes a model's Lyapunov exponents on the states of a view; the resulting transformer adds the vectors to any view and knows the
/// exponents.
/// </summary>
/// <param name="context">Seed and progress.</param>
/// <param name="dynamics">The model of the trajectories.</param>
/// <param name="transient">The number of first cycles, the spin-up of the vectors, to leave out of the averages; at least one.</param>
/// <param name="count">The number of exponents k, 1 to n (default: null, n).</param>
/// <param name="state">The column with the states (default: <see cref="Columns.Truth"/>).</param>
public sealed class LyapunovEstimator(DataAssimilationContext context, IDynamics dynamics, int transient, long? count = null,
    Column? state = null) : IEstimator<LyapunovVectors>
{
    private const int Blocks = 10;

    private readonly int transient = (int)Require.AtLeast(transient, 1);
    private readonly LyapunovVectors vectors = new(context, dynamics, count, state);

    /// <inheritdoc/>
    public string Name => vectors.Name;

    /// <inheritdoc/>
    public SchemaContract Contract => vectors.Contract;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The view never ends, or has fewer than ten cycles after the spin-up.</exception>
    /// <exception cref="DivergenceException">The tangent linear became non-finite.</exception>
    public LyapunovVectors Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        if (data.CycleCount is not { } cycles || cycles < transient + Blocks)
            throw new ArgumentException(
                $"Lyapunov exponents need a view that ends, with at least {Blocks} cycles after the transient of {transient}; given: " +
                    $"{data.CycleCount?.ToString() ?? "an endless view"}.", nameof(data));
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        long kept = cycles - transient, batch = data.Schema.Batch, k = vectors.Count;
        var sums = zeros([Blocks, batch, k], dtype: ScalarType.Float64, device: context.Device);   // of growth times length
        var lengths = new double[Blocks];
        double before = 0;
        var pace = new ProgressPace();
        foreach (var cycle in vectors.Transform(data))
        {
            cancellation.ThrowIfCancellationRequested();
            using var inner = NewDisposeScope();
            if (cycle.Cycle >= transient)
            {
                int block = (int)((cycle.Cycle - transient) * Blocks / kept);
                double length = cycle.Time - before;
                sums[block].add_(cycle[LyapunovVectors.Growth].to(ScalarType.Float64) * length);
                lengths[block] += length;
            }
            before = cycle.Time;
            if (context.Progress is { } progress && pace.IsDue(out var elapsed))
                progress.Report(new ProgressReport($"Lyapunov exponents of {dynamics.Name}", cycle.Cycle + 1, cycles,
                    new Dictionary<string, double>(), elapsed, elapsed * ((double)cycles / (cycle.Cycle + 1) - 1)));
        }
        var means = (sums / tensor(lengths, Blocks, 1, 1).to(sums.device)).reshape(-1, k);          // one for each block and trajectory
        var exponents = means.mean([0]);
        var errors = ((means - exponents).square().sum([0]) / (means.size(0) - 1) / means.size(0)).sqrt();
        double[] values = exponents.ToArray<double>(), deviations = errors.ToArray<double>();
        int[] order = [.. Enumerable.Range(0, values.Length).OrderByDescending(i => values[i])];
        return new LyapunovVectors(context, dynamics, k, vectors.State,
            new LyapunovSpectrum([.. order.Select(i => values[i])], [.. order.Select(i => deviations[i])]));
    }
}
