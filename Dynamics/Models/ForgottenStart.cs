using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Decides whether a model forgets its initial state, so that a spin-up from random numbers gives states of its climate. A chaotic model
/// does: the distance between two nearby states grows exponentially while the states themselves stay bounded. So does a contracting model
/// with an error. Any other model stays where the random numbers put it, or converges to the same point from everywhere.
/// </summary>
internal static class ForgottenStart
{
    // The logarithm of the decisive growth, from half of a run to its end. Distances that grow like t^k grow by a factor of 2^k over this
    // half: k would have to be above 4, whatever the length. Exponential growth exceeds it once the run is long enough.
    private const double Decisive = 3;

    // A weakly chaotic model may run this many times the spin-up to show its growth.
    private const int LongestRun = 4;

    private const int Pairs = 8, StepsAtOnce = 20;

    // The distance of a pair, relative to the size of its states: far above rounding in single precision, and small enough to be nearly
    // linear.
    private const double Distance = 1e-3;

    // Distances below this count as zero; its square is representable in single precision.
    private const double Smallest = 1e-18;

    private static readonly ConditionalWeakTable<IDynamics, string> Verdicts = [];

    /// <summary>Refuses a model that does not forget its initial state. Each model is checked once.</summary>
    /// <param name="dynamics">The model.</param>
    /// <param name="steps">The number of steps of its spin-up.</param>
    /// <param name="dtype">The precision of the states.</param>
    /// <param name="device">The device of the states.</param>
    /// <exception cref="InvalidOperationException">The model does not forget its initial state, or its values are not finite.</exception>
    public static void Require(IDynamics dynamics, long steps, ScalarType dtype, Device device)
    {
        string verdict = Verdicts.GetValue(dynamics, _ => Judge(dynamics, steps, dtype, device) ?? "");
        if (verdict.Length > 0)
            throw new InvalidOperationException($"{dynamics.Name} has no initial condition, and a spin-up from random numbers does not " +
                $"give one: {verdict}. Set {nameof(AssimilationSystem)}.{nameof(AssimilationSystem.Initial)}, or give the model an " +
                $"{nameof(IDynamics.InitialCondition)}.");
    }

    // Null if the model forgets its initial state, otherwise what was found.
    private static string? Judge(IDynamics dynamics, long steps, ScalarType dtype, Device device)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var random = new RandomStream(0, "forgotten-start", device);
        var (state, direction) = (random.Normal([Pairs, dynamics.Dimension], dtype), random.Normal([Pairs, dynamics.Dimension], dtype));
        List<double[]> distances = [new double[Pairs]], sizes = [Logarithms(Size(state))];
        int runs = (int)Math.Max(2, steps / StepsAtOnce / 2 * 2), longest = LongestRun * runs;
        for (int run = 1; ; run++)
        {
            using var inner = NewDisposeScope();
            var size = Size(state);
            var nearby = state + direction * (Distance * size / Size(direction));
            var interval = new TimeInterval((run - 1) * StepsAtOnce * dynamics.TimeStep, run * StepsAtOnce * dynamics.TimeStep);
            var ahead = dynamics.Advance(cat([state, nearby]), interval);
            if (!ahead.isfinite().all().ToBoolean()) return $"within {run * StepsAtOnce} steps it gives values that are not finite";
            state = ahead[..Pairs].MoveToOuterDisposeScope();
            var apart = ahead[Pairs..] - state;
            distances.Add([.. Logarithms(Size(apart) / (Distance * size)).Zip(distances[^1], (grown, before) => before + grown)]);
            sizes.Add(Logarithms(Size(state)));
            // A pair that has merged continues in another direction.
            direction = where(Size(apart) > Smallest, apart, random.Normal([Pairs, dynamics.Dimension], dtype)).MoveToOuterDisposeScope();
            if (run < runs || run % 2 != 0) continue;
            double growth = Median(distances, run, unless: null), beyondStates = Median(distances, run, unless: sizes);
            if (beyondStates > Decisive) return null;
            if (growth < -Decisive) return dynamics.ModelError is null ? Text("shrinks", run, growth) : null;
            if (run == longest) return Text("does not grow as that of a chaotic model does", run, growth);
        }

        string Text(string seen, int run, double growth) =>
            $"the distance of nearby states {seen} (by a factor of {Math.Exp(growth):g2} from step {run / 2 * StepsAtOnce} to " +
            $"{run * StepsAtOnce})";
    }

    // The pairs' median growth from half of a run to its end; if the states themselves grow, the growth beyond that.
    private static double Median(List<double[]> distances, int run, List<double[]>? unless)
    {
        double[] growth = [.. Enumerable.Range(0, Pairs).Select(pair => distances[run][pair] - distances[run / 2][pair]
            - (unless is null ? 0 : Math.Max(0, unless[run][pair] - unless[run / 2][pair]))).Order()];
        return (growth[Pairs / 2 - 1] + growth[Pairs / 2]) / 2;
    }

    private static Tensor Size(Tensor states) => states.square().mean([1], keepdim: true).sqrt().clamp(Smallest);

    private static double[] Logarithms(Tensor sizes) => sizes.to(ScalarType.Float64).log().ToArray<double>();
}
