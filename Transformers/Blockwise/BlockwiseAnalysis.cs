using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The analysis of the local ensemble transform Kalman filter for states beyond memory: the ensemble is read from files, analysed block by
/// block and written to new files. The numbers are those of the analysis in memory to the bit, whatever the size of a block and the
/// number of threads.
/// </summary>
/// <remarks>
/// Files are NumPy's (<c>.npy</c>), in single or double precision: one of shape <c>[N, n]</c>, or one of shape <c>[n]</c> for each
/// member. For each block the members' values at its components are read, and beyond them only the values that observations near the block
/// are of. A block takes some 4 N numbers for each of its components where all are observed: the members, and the rows of the observations
/// that reach it and those of the block before. Beside it there are some 8 bytes for each component and 15 for each observation, and the
/// coordinates of an irregular geometry.
/// </remarks>
public sealed class BlockwiseAnalysis
{
    // Values that are read at once although a gap of so many lies between them.
    private const int Gap = 1024, MostAtOnce = 1 << 16;

    private readonly DataAssimilationContext context;
    private readonly LocalEnsembleTransformKalmanFilter method;
    private readonly LocalEnsembleTransformKalmanFilterAnalyzer analyzer;
    private readonly int pointsPerBlock;

    internal BlockwiseAnalysis(DataAssimilationContext context, IObservationNetwork network, LocalEnsembleTransformKalmanFilter method,
        int pointsPerBlock)
    {
        Require.AtLeast(pointsPerBlock, 1);
        if (method.Inflation is not MultiplicativeInflation)
            throw new ArgumentException($"A blockwise analysis takes a multiplicative inflation; given: {method.Inflation}. " +
                "Others can be applied to the files afterwards.", nameof(method));
        (this.context, this.method, this.pointsPerBlock) = (context, method, pointsPerBlock);
        analyzer = (LocalEnsembleTransformKalmanFilterAnalyzer)method.Analyzer(network);
    }

    /// <summary>Analyses an ensemble. The rotation depends on the context's seed and the observation's time.</summary>
    /// <param name="forecast">One file <c>[N, n]</c>, or N files <c>[n]</c> in the order of the members.</param>
    /// <param name="observation">y, <c>[p]</c> or <c>[1, p]</c>, with its mask.</param>
    /// <param name="analysis">The new files, one or N; they may be the forecast's. They have their names when all of them are complete: an
    /// interrupted run leaves what was there before.</param>
    /// <param name="observed">
    /// H of each member, <c>[N, p]</c> (default: null, the network picks components, whose values are read from the files).
    /// </param>
    /// <param name="progress">Receives the number of components done (default: null, the context's).</param>
    /// <param name="cancellation">Ends the run between two blocks.</param>
    /// <exception cref="ArgumentException">The method, the observation or the observed members do not fit the ensemble.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, too short, of another shape, or holds a value that is not finite; the
    /// message says which member and component.</exception>
    /// <exception cref="IOException">A file cannot be read, or the disk has too little room.</exception>
    /// <exception cref="ArithmeticException">The analysis is not finite.</exception>
    public void Run(IReadOnlyList<string> forecast, Observation observation, IReadOnlyList<string> analysis, Tensor? observed = null,
        IProgress<ProgressReport>? progress = null, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var files = new EnsembleFiles(forecast);
        observation = Checked(files, observation);
        if (observed is null && analyzer.Selected is null)
            throw new ArgumentException($"{analyzer.Observes.Name} needs whole states: give H of each member, [{files.Members}, " +
                $"{analyzer.Observes.ObservationDimension}], as the observed members.", nameof(observed));
        if (observed is not null)
            observed = Require.Finite(Require.Shape(observed, "The observed members", files.Members,
                analyzer.Observes.ObservationDimension), "The observed members").to(files.Type, CPU).contiguous();
        using var random = context.Random($"blockwise analysis/{observation.Time:r}");
        var run = new Work(files, observation, observed, progress ?? context.Progress, cancellation);
        EnsembleOutput.Write(analysis, files.Members, files.Dimension, files.Type, output =>
        {
            if (files.Type == ScalarType.Float64) Blocks<double>(run, output, random);
            else Blocks<float>(run, output, random);
        });
    }

    private sealed record Work(EnsembleFiles Files, Observation Observation, Tensor? Observed, IProgress<ProgressReport>? Progress,
        CancellationToken Cancellation);

    private Observation Checked(EnsembleFiles files, Observation observation)
    {
        long n = analyzer.Observes.StateDimension, p = analyzer.Observes.ObservationDimension;
        if (files.Dimension != n)
            throw new ArgumentException($"The network observes states of {n} components; '{files.Path(0)}' has {files.Dimension}.");
        if (files.Members != method.Members)
            throw new ArgumentException($"The method has {method.Members} members; the files hold {files.Members}.");
        if (observation.Network is not null)
            throw new ArgumentException("A blockwise analysis is made for one network; make another for the observation's own.");
        observation.OfOneError(nameof(BlockwiseAnalysis));
        Tensor values = Row(observation.Values);
        var mask = observation.Mask is null ? null : Row(observation.Mask);
        if (mask is not null && mask.dtype != ScalarType.Bool)
            throw new ArgumentException($"An observation mask must be boolean, true = observed; given: {mask.dtype}.");
        Require.Finite(mask is null ? values : values.where(mask, zeros_like(values)), "The observations");
        return new(values.to(files.Type, CPU).contiguous(), mask?.cpu().contiguous(), observation.Time);

        Tensor Row(Tensor given) => Require.Shape(given.ndim == 1 ? given.unsqueeze(0) : given, "The observations and their mask", 1, p);
    }

    private unsafe void Blocks<T>(Work run, EnsembleOutput output, RandomStream random)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var (files, observation, observed, progress, cancellation) = run;
        int members = files.Members, n = checked((int)files.Dimension), size = Math.Min(n, pointsPerBlock);
        var turn = analyzer.Turn(1, members, random, files.Type)?.contiguous();
        var whitening = new Whitening<T>(members, KernelMemory.Address<T>(observation.Values),
            observation.Mask is null ? null : KernelMemory.Address<byte>(observation.Mask), analyzer.Deviations);
        var local = new LocalAnalysis<T>(members, analyzer.Domains, analyzer.Zeta(members), method.Inflation.PosteriorFactor);
        using var rows = new LocalRows<T>(analyzer.Domains, whitening);
        using var block = empty(members, size, dtype: files.Type);
        T* x = KernelMemory.Address<T>(block);
        var pace = new ProgressPace();
        for (int first = 0, count; first < n; first += count)
        {
            cancellation.ThrowIfCancellationRequested();
            count = Math.Min(size, n - first);
            for (int i = 0; i < members; i++)
            {
                var values = new Span<T>(x + (long)i * size, count);
                files.Read(i, first, values);
                if (FirstLost(values) is { } lost) throw Lost(files, i, first + lost, values[lost]);
            }
            rows.MoveTo(first, first + count);
            if (observed is not null)
                rows.Fill(KernelMemory.Address<T>(observed), observed.size(1), (observation, _) => observation);
            else
            {
                int[] fresh = rows.Fresh();
                using var near = empty(members, Math.Max(1, fresh.Length), dtype: files.Type);
                Near(files, fresh, x, first, count, size, KernelMemory.Address<T>(near));
                rows.Fill(KernelMemory.Address<T>(near), fresh.Length, (_, at) => at);
            }
            local.Analyze(x, x, size, rows.Start, rows.RowOf, turn is null ? null : KernelMemory.Address<T>(turn), first, first + count);
            for (int i = 0; i < members; i++)
            {
                var values = new Span<T>(x + (long)i * size, count);
                if (FirstLost(values) is { } lost)
                    throw new ArithmeticException($"{analyzer.Name}: the analysis of member {i} at component {first + lost} is " +
                        $"{values[lost]} although forecast and observations are finite. Numbers beyond the range of {files.Type}, or an " +
                        "error variance near zero, are the usual causes.");
                output.Write<T>(i, first, values);
            }
            if (progress is not null && (pace.IsDue(out var elapsed) || first + count == n))
                progress.Report(new("blockwise analysis", first + count, n, new Dictionary<string, double>(), pace.Elapsed,
                    pace.Elapsed * ((double)(n - first - count) / (first + count))));
        }
    }

    // The values of observed components, [N, observations]: from the block where they are in it, and else from the files.
    private unsafe void Near<T>(EnsembleFiles files, int[] observations, T* block, int first, int count, int stride, T* near)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long Component(int k) => analyzer.Selected![observations[k]];
        var outside = new List<int>();
        for (int k = 0; k < observations.Length; k++)
        {
            long component = Component(k);
            if (component < first || component >= first + count)
            {
                outside.Add(k);
                continue;
            }
            for (int i = 0; i < files.Members; i++)
                near[(long)i * observations.Length + k] = block[(long)i * stride + component - first];
        }
        outside.Sort((k, l) => Component(k).CompareTo(Component(l)));
        var values = new T[MostAtOnce];
        for (int from = 0, to; from < outside.Count; from = to)
        {
            long begin = Component(outside[from]), last = begin;
            for (to = from + 1; to < outside.Count; to++)
            {
                long next = Component(outside[to]);
                if (next - last > Gap || next - begin >= MostAtOnce) break;
                last = next;
            }
            var together = values.AsSpan(0, (int)(last - begin + 1));
            for (int i = 0; i < files.Members; i++)
            {
                files.Read(i, begin, together);
                for (int k = from; k < to; k++)
                {
                    long component = Component(outside[k]);
                    var value = together[(int)(component - begin)];
                    if (!T.IsFinite(value)) throw Lost(files, i, component, value);
                    near[(long)i * observations.Length + outside[k]] = value;
                }
            }
        }
    }

    private static int? FirstLost<T>(ReadOnlySpan<T> values) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int k = 0; k < values.Length; k++)
            if (!T.IsFinite(values[k])) return k;
        return null;
    }

    private static InvalidDataException Lost<T>(EnsembleFiles files, int member, long component, T value) =>
        new($"Member {member} of the forecast is {value} at component {component} ('{files.Path(member)}'); finite values are needed.");
}
