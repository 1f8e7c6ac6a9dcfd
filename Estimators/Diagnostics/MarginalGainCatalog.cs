using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Mean marginal gains, made from <see cref="DataAssimilationContext.Scores"/>.</summary>
public static class MarginalGainCatalog
{
    /// <summary>Computes the mean marginal gain of a learned analysis by full second-order differentiation (Bocquet et al. 2025, eq.
    /// G1).</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="analyzer">The analysis; its network is differentiated twice.</param>
    /// <param name="view">States of the model's attractor, in a view that ends; every trajectory of its batch counts.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    /// <param name="cancellation">Cancels the work.</param>
    /// <exception cref="SchemaException">The view has no states.</exception>
    /// <exception cref="ArgumentException">The view never ends, or ends within the burn-in; or a setting is out of its range.</exception>
    public static MeanMarginalGain MeanMarginalGain(this ScoreCatalog catalog, LearnedAnalyzer<StateMemory> analyzer, ITrajectoryView view,
        MarginalGainOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new();
        return Average(catalog, view, analyzer.Operator.StateDimension, options, (states, site, _) =>
        {
            // As many samples of the unit matrix as there are states, so that C D^-1 is their mean.
            long n = states.size(1);
            return (MarginalGain.OfSite(analyzer.Network, states, site).sum([0]),
                states.size(0) * eye(n, dtype: ScalarType.Float64, device: states.device));
        }, cancellation);
    }

    /// <summary>
    /// Computes the mean marginal gain of any analysis of one state by the composite of regression and differentiation (Bocquet et al.
    /// 2025, appendices G and H): the derivative of the increments along x_l at innovations drawn from N(0, R), regressed on zeta = H^T
    /// R^-1 delta over all states at once (eq. H5).
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="analyzer">The analysis.</param>
    /// <param name="network">H and R, of its observations; they also give the missing ones.</param>
    /// <param name="view">States of the model's attractor, in a view that ends; every trajectory of its batch counts.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    /// <param name="cancellation">Cancels the work.</param>
    /// <exception cref="SchemaException">The view has no states.</exception>
    /// <exception cref="ArgumentException">The view never ends, or ends within the burn-in; or a setting is out of its range.</exception>
    public static MeanMarginalGain MeanMarginalGainByRegression(this ScoreCatalog catalog, IAnalyzer<StateMemory> analyzer,
        IObservationNetwork network, ITrajectoryView view,
        MarginalGainRegressionOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new();
        long n = network.Operator.StateDimension, samples = Require.AtLeast(options.Samples ?? n, 2, nameof(options.Samples));
        using var random = catalog.Context.Random($"marginal-gain/{analyzer.Name}");
        return Average(catalog, view, n, options, (states, site, time) =>
        {
            var (cross, square) = MarginalGain.Moments(analyzer, network, states, site, samples, time, random, options.Derivative);
            return (cross.sum([0]), square.sum([0]));
        }, cancellation);
    }

    // Reads the states, one site after the other taking its turn; the moments are sums over the states of a cycle, [n, n] each.
    private static MeanMarginalGain Average(ScoreCatalog catalog, ITrajectoryView view, long n, MarginalGainOptions options,
        Func<Tensor, long, double, (Tensor Cross, Tensor Square)> moments, CancellationToken cancellation)
    {
        Require.NotNegative(options.BurnIn, nameof(options.BurnIn));
        Require.AtLeast(options.Every, 1, nameof(options.Every));
        long site = options.Site ?? n / 2;
        if (site < 0 || site >= n)
            throw new ArgumentOutOfRangeException(nameof(options), site,
                $"A state of {n} components has sites 0 to {n - 1}; given: {site}.");
        new SchemaContract([new(options.State, n)], []).Apply(view.Schema, "The mean marginal gain");
        if (view.CycleCount is not { } cycles || cycles <= options.BurnIn)
            throw new ArgumentException(
                $"A mean marginal gain needs a view that ends, after its burn-in of {options.BurnIn} cycles; given: " +
                    $"{view.CycleCount?.ToString() ?? "an endless view"}.", nameof(view));

        using var scope = NewDisposeScope();
        var average = new MarginalGainAverage(n, site, (cycles - options.BurnIn + options.Every - 1) / options.Every,
            catalog.Context.Device);
        var pace = new ProgressPace();
        long used = 0;
        foreach (var cycle in view)
        {
            cancellation.ThrowIfCancellationRequested();
            if (cycle.Cycle < options.BurnIn || (cycle.Cycle - options.BurnIn) % options.Every != 0) continue;
            using var inner = NewDisposeScope();
            long turn = options.Symmetry == SiteSymmetry.Translation ? (site + used) % n : site;
            var (cross, square) = moments(cycle[options.State], turn, cycle.Time);
            average.Add(cross, square, turn, used++);
            if (catalog.Context.Progress is { } progress && pace.IsDue(out var elapsed))
                progress.Report(new ProgressReport(options.Activity, cycle.Cycle + 1, cycles, new Dictionary<string, double>(),
                    elapsed, elapsed * ((double)cycles / (cycle.Cycle + 1) - 1)));
        }
        return average.Result(used * view.Schema.Batch);
    }
}
