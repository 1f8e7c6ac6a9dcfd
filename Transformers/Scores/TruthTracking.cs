namespace DaML.Components;

/// <summary>
/// How well and how long a method tracks its truth, by the <see cref="TruthBounds"/> of an evaluation, over the cycles after the burn-in of
/// all
/// trajectories on which it did not diverge. A mean error over good cycles and lost ones together tells neither.
/// </summary>
/// <param name="Bounds">When a truth counted as lost and as found again.</param>
/// <param name="TrackedRmse">The mean analysis error over the cycles in which the truth is tracked (of the forecast where there is no
/// analysis); not a number where there are none.</param>
/// <param name="TrackedCycles">How many cycles those are, of all trajectories.</param>
/// <param name="LostCycles">How many cycles the truth was lost in, of all trajectories.</param>
/// <param name="Losses">How many times the truth was lost; a loss that began in the burn-in and lasts counts.</param>
/// <param name="NeverTracked">On how many trajectories the truth was tracked in no cycle.</param>
/// <param name="LostAtEnd">On how many trajectories the truth is lost in the last cycle.</param>
public sealed record TruthTracking(TruthBounds Bounds, double TrackedRmse, long TrackedCycles, long LostCycles, long Losses,
    long NeverTracked, long LostAtEnd)
{
    /// <summary>Losses in 1,000 cycles of a trajectory; not a number where every trajectory diverged.</summary>
    public double LossesPer1000Cycles => TrackedCycles + LostCycles == 0 ? double.NaN : 1000.0 * Losses / (TrackedCycles + LostCycles);

    /// <summary>
    /// How many cycles a loss lasts on average, those that begin or end outside of what was scored with their part in it; not a number
    /// where there are none.
    /// </summary>
    public double MeanLossLength => Losses == 0 ? double.NaN : (double)LostCycles / Losses;

    /// <summary>The part of all cycles in which the truth is lost; not a number where every trajectory diverged.</summary>
    public double LostShare => TrackedCycles + LostCycles == 0 ? double.NaN : (double)LostCycles / (TrackedCycles + LostCycles);

    /// <summary>Follows the errors of all trajectories; memory does not grow.</summary>
    internal sealed class Watch(TruthBounds bounds, int batch)
    {
        private readonly bool[] lost = new bool[batch];
        private readonly double[] sums = new double[batch];
        private readonly long[] tracked = new long[batch], missed = new long[batch], losses = new long[batch];

        /// <summary>Takes in a cycle.</summary>
        /// <param name="errors">Of each trajectory; one that is not a number leaves everything as it is.</param>
        /// <param name="scored">Whether the cycle lies after the burn-in.</param>
        public void Add(ReadOnlySpan<double> errors, bool scored)
        {
            for (int b = 0; b < batch; b++)
            {
                double error = errors[b];
                if (double.IsNaN(error)) continue;
                bool before = lost[b];
                lost[b] = before ? error > bounds.Found : error > bounds.Lost;
                if (!scored) continue;
                if (lost[b])
                {
                    if (!before || tracked[b] + missed[b] == 0) losses[b]++;
                    missed[b]++;
                }
                else
                {
                    tracked[b]++;
                    sums[b] += error;
                }
            }
        }

        /// <summary>What was seen on the trajectories that did not diverge.</summary>
        public TruthTracking Result(IReadOnlyList<TrajectoryOutcome> outcomes)
        {
            int[] counted = [.. Enumerable.Range(0, batch).Where(b => outcomes[b] != TrajectoryOutcome.Diverged)];
            long cycles = counted.Sum(b => tracked[b]);
            return new(bounds, counted.Sum(b => sums[b]) / cycles, cycles, counted.Sum(b => missed[b]), counted.Sum(b => losses[b]),
                counted.LongCount(b => tracked[b] == 0), counted.LongCount(b => lost[b]));
        }
    }
}
