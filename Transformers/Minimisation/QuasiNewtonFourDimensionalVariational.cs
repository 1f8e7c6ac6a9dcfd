using System.Diagnostics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// 4D-Var by the limited-memory quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno (Liu and Nocedal 1989, Math. Program. 45,
/// 503-528) on the full nonlinear cost, as implemented in MathNet.Numerics. Each evaluation is one run of the model and one of its
/// adjoint; the tangent linear is not used. Every trajectory of a batch is minimised by itself, so its result is the same to the bit
/// whatever the others are.
/// </summary>
[Component("quasi-newton-4d-var")]
public sealed class QuasiNewtonFourDimensionalVariational : IWindowMinimisation
{
    /// <summary>Makes a method.</summary>
    /// <param name="cost">The cost that is minimised.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    public QuasiNewtonFourDimensionalVariational(FourDimensionalVariationalCost cost, [Inlined] QuasiNewtonOptions? options = null)
    {
        Cost = cost;
        Options = options ?? new();
        Require.AtLeast(Options.Memory, 1, nameof(Options.Memory));
        Require.AtLeast(Options.MaximumIterations, 1, nameof(Options.MaximumIterations));
        Require.NotNegative(Options.GradientReduction, nameof(Options.GradientReduction));
        if (Options.GradientReduction >= 1)
            throw new ArgumentOutOfRangeException(nameof(options), Options.GradientReduction, $"'{nameof(Options.GradientReduction)}' " +
                $"must be below 1; given: {Options.GradientReduction}.");
    }

    /// <inheritdoc/>
    public FourDimensionalVariationalCost Cost { get; }

    /// <summary>Its settings.</summary>
    public QuasiNewtonOptions Options { get; }

    /// <inheritdoc/>
    public FourDimensionalVariationalResult Minimise(AssimilationWindow window, IProgress<ProgressReport>? progress = null,
        CancellationToken cancellation = default,
        IReadOnlyList<InnerSolution>? earlier = null)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var watch = Stopwatch.StartNew();
        RequireFiniteBackground(window);
        long total = window.Batch * Options.MaximumIterations;
        var ended = new List<(FourDimensionalVariationalResult Result, QuasiNewtonReport Report)>();
        for (long i = 0; i < window.Batch; i++)
        {
            long before = i * Options.MaximumIterations;
            var objective = new WindowObjective(Cost, window.Trajectory(i), Options.GradientReduction, cancellation,
                (iteration, evaluation) =>
            {
                long done = Math.Max(1, before + iteration);
                progress?.Report(new ProgressReport("minimising 4D-Var's cost", done, total, new Dictionary<string, double>
                {
                    ["cost"] = evaluation.Cost, ["gradient norm"] = evaluation.GradientNorm,
                }, watch.Elapsed, watch.Elapsed * ((double)total / done - 1)));
            });
            var report = Minimise(objective);
            ended.Add((objective.Result(), report));
        }
        var results = ended.Select(each => each.Result).ToList();
        Tensor Together(Func<FourDimensionalVariationalResult, Tensor> part) => cat([.. results.Select(part)], 0).MoveToOuterDisposeScope();
        return new(
            new(window, [.. Enumerable.Range(0, window.Steps + 1).Select(step => new State(Together(result =>
                result.Trajectory[step].Values)))]),
            new(Together(result => result.Control.Values)),
            new([.. results[0].Cost.Parts.Select((part, k) => new CostPart(part.Term, Together(result => result.Cost.Parts[k].Value)))],
                Together(result => result.Cost.Total)),
            [])
        { QuasiNewton = [.. ended.Select(each => each.Report)] };
    }

    // Over all trajectories together, so that the message counts them as the caller does.
    private void RequireFiniteBackground(AssimilationWindow window)
    {
        using var scope = NewDisposeScope();
        var control = Cost.Background(window);
        var run = Cost.Run(window, control);
        Cost.RequireFinite(run, Cost.Value(run, control));
    }

    // MathNet reports its end by its return value or exception; in either case the objective holds the best point.
    private QuasiNewtonReport Minimise(WindowObjective objective)
    {
        objective.Start();
        if (objective.IsReduced) return objective.Report(QuasiNewtonStop.GradientReduced);
        var minimiser = new LimitedMemoryBfgsMinimizer(objective.SmallestGradient, 0, 0, Options.Memory, Options.MaximumIterations);
        try
        {
            var found = minimiser.FindMinimum(objective, objective.Point);
            return objective.Iterations >= Options.MaximumIterations ? objective.Report(QuasiNewtonStop.IterationLimit)
                : objective.Report(QuasiNewtonStop.NoProgress, $"The minimiser stopped with '{found.ReasonForExit}'.");
        }
        catch (WindowObjective.ReducedException) { return objective.Report(QuasiNewtonStop.GradientReduced); }
        catch (MaximumIterationsException) { objective.Rethrow(); return objective.Report(QuasiNewtonStop.IterationLimit); }
        catch (OptimizationException error) { objective.Rethrow(); return objective.Report(QuasiNewtonStop.NoProgress,
            error.InnerException?.Message ?? error.Message); }
    }
}
