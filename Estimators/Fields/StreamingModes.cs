using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The leading modes of a field that is read in chunks, by randomised subspace iteration (Halko, Martinsson and Tropp 2011, SIAM Review
/// 53, 217-288, algorithm 4.4) and a Rayleigh-Ritz step in each pass. With Y <c>[samples, n]</c> the weighted anomalies and Q
/// <c>[n, l]</c> orthonormal, drawn at random first: <list type="number"> <item>Z = Y^T (Y Q), chunk by chunk;</item> <item>Q^T Z = W
/// diag(s) W^T; the Ritz vectors are V = Q W, with Y^T Y V = Z W;</item> <item>done where |Z w - s v| is at most tolerance times s for
/// each pair that is kept;</item> <item>Q from Z W = Q R.</item> </list>
/// </summary>
internal sealed class StreamingModes(DataAssimilationContext context, ITrajectoryView data, Column field, ModeSelection selection,
    ModeFactorisation.Streaming settings, Tensor? weights, string step, CancellationToken cancellation)
{
    // The accuracy of variances, which are squares, as a fraction of the largest.
    private const double Rounding = 1e-13;

    private long samples;

    /// <summary>Reads the data pass by pass.</summary>
    /// <exception cref="ArgumentException">The data have fewer modes than requested, or the iteration did not end.</exception>
    public LeadingModes Find()
    {
        var mean = Mean();
        long n = mean.size(0), most = Math.Min(samples, n);
        int wanted = selection is ModeSelection.Count(var count) ? count : (int)Math.Min(settings.MaximumModes, most);
        if (wanted > most) throw LeadingModes.TooMany(wanted, most, step);
        var area = weights?.to(mean.device) ?? ones(n, dtype: ScalarType.Float64, device: mean.device);
        var root = area.sqrt();
        double roundOff = LeadingModes.RoundOff(mean, area);
        long l = Math.Min(wanted + settings.Oversampling, most);
        var q = RandomBasis(n, l, mean.device);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        for (int pass = 1; ; pass++)
        {
            var (v, next, s, residuals, total) = Pass(q, mean, root);
            q.Dispose();
            if (pass == 1) LeadingModes.RequireVariance(total, roundOff, step, field);
            double floor = Rounding * s[0];
            int rank = s.Count(variance => variance > Math.Max(floor, roundOff));
            int? kept = LeadingModes.Count(selection, s[..wanted], total, Math.Min(rank, wanted));
            double worst = Enumerable.Range(0, kept ?? wanted).Max(k => residuals[k] / (s[k] + floor / settings.Tolerance));
            context.Progress?.Report(new ProgressReport(step, pass, settings.MaximumPasses,
                new Dictionary<string, double> { ["residual"] = worst }, clock.Elapsed, null));
            if (worst <= settings.Tolerance)
            {
                if (kept is not { } r)
                    throw new ArgumentException($"{step}: {wanted} modes hold {100 * s[..wanted].Sum() / total:f2} % of the variance, " +
                        $"and {100 * ((ModeSelection.Variance)selection).Fraction:f2} % was asked for; raise " +
                        $"{nameof(settings.MaximumModes)} above {wanted}.");
                LeadingModes.RequireRank(r, rank, step);
                next.Dispose();
                v = v[.., ..r];
                return new LeadingModes(mean, area, v, tensor(s[..r], device: v.device), Truncation(v, mean, root) / area);
            }
            if (pass == settings.MaximumPasses)
                throw new ArgumentException($"{step}: after {pass} passes the residual of a mode is {worst:g3} of its variance, and " +
                    $"the tolerance is {settings.Tolerance:g3}. Raise {nameof(settings.Oversampling)} ({settings.Oversampling}), " +
                    $"{nameof(settings.MaximumPasses)}, or {nameof(settings.Tolerance)}.");
            v.Dispose();
            q = Orthonormal(next);
            next.Dispose();
        }
    }

    // m, computed as the first sample plus the mean of the differences from it, which is exact for a field that does not vary.
    private Tensor Mean()
    {
        using var scope = NewDisposeScope();
        Tensor? first = null, sum = null;
        TrainingData.Read(data, field, step, cancellation, (_, x) =>
        {
            if (first is null || sum is null)
            {
                first = x[0].clone().MoveToOuterDisposeScope();
                sum = zeros_like(first).MoveToOuterDisposeScope();
            }
            sum.add_((x - first).sum(0L));
            samples += x.size(0);
        });
        return (first! + sum! / samples).MoveToOuterDisposeScope();
    }

    // V and Z W [n, l]; s and the residuals' norms [l], of the covariance; the total weighted variance.
    private (Tensor V, Tensor Image, double[] S, double[] Residuals, double Total) Pass(Tensor q, Tensor mean, Tensor root)
    {
        using var scope = NewDisposeScope();
        var z = zeros_like(q);
        double total = 0;
        ForEachChunk(mean, root, y =>
        {
            z.add_(matmul(y.mT, matmul(y, q)));
            double norm = linalg.norm(y).ToDouble();
            total += norm * norm;
        });
        z.div_(samples);
        var projected = matmul(q.mT, z);
        var (rising, w) = linalg.eigh((projected + projected.mT) / 2);
        var s = rising.flip(0).clamp(min: 0);
        w = w.flip(1);
        var v = matmul(q, w);
        var image = matmul(z, w);
        z.Dispose();
        var residuals = (v * s).sub_(image).pow_(2).sum(0L).sqrt();
        return (v.MoveToOuterDisposeScope(), image.MoveToOuterDisposeScope(), s.ToArray<double>(),
            residuals.ToArray<double>(), total / samples);
    }

    // The mean square of Y - Y V V^T at each point.
    private Tensor Truncation(Tensor v, Tensor mean, Tensor root)
    {
        using var scope = NewDisposeScope();
        var sum = zeros_like(mean);
        ForEachChunk(mean, root, y => sum.add_(y.sub_(matmul(matmul(y, v), v.mT)).pow_(2).sum(0L)));
        return (sum / samples).MoveToOuterDisposeScope();
    }

    // Iterates over Y, some rows at a time; the caller may overwrite them.
    private void ForEachChunk(Tensor mean, Tensor root, Action<Tensor> use)
    {
        using var scope = NewDisposeScope();
        long rows = Math.Max(settings.SamplesPerChunk, data.Schema.Batch), filled = 0;
        var chunk = empty([rows, mean.size(0)], dtype: ScalarType.Float64, device: mean.device);
        TrainingData.Read(data, field, step, cancellation, (_, x) =>
        {
            if (filled + x.size(0) > rows) Flush();
            chunk.narrow(0, filled, x.size(0)).copy_(x);
            filled += x.size(0);
        });
        Flush();

        void Flush()
        {
            using var chunkScope = NewDisposeScope();
            use(chunk.narrow(0, 0, filled).sub_(mean).mul_(root));
            filled = 0;
        }
    }

    private Tensor RandomBasis(long n, long l, Device device)
    {
        using var scope = NewDisposeScope();
        using var random = context.Random($"{step}/{field.Name}");
        return Orthonormal(random.Normal([n, l], ScalarType.Float64).to(device)).MoveToOuterDisposeScope();
    }

    private static Tensor Orthonormal(Tensor columns)
    {
        using var scope = NewDisposeScope();
        return linalg.qr(columns).Q.MoveToOuterDisposeScope();
    }
}
