namespace DaML.Components;

/// <summary>
/// The quality and duration of a method's tracking of the truth, by the <see cref="TruthBounds"/> of an evaluation, over the cycles after
/// the burn-in of all trajectories on which it did not diverge. A mean error over good cycles and lost ones together shows neither.
/// </summary>
/// <param name="Bounds">The bounds of a lost truth and of one that is found again.</param>
/// <param name="TrackedRmse">The mean analysis error over the cycles in which the truth is tracked (the forecast error without an
/// analysis); not a number if there are none.</param>
/// <param name="TrackedCycles">The number of these cycles, over all trajectories.</param>
/// <param name="LostCycles">The number of cycles in which the truth was lost, over all trajectories.</param>
/// <param name="Losses">The number of times that the truth was lost; a loss that began in the burn-in and lasts counts.</param>
/// <param name="NeverTracked">The number of trajectories on which the truth was never tracked.</param>
/// <param name="LostAtEnd">The number of trajectories on which the truth is lost in the last cycle.</param>
public sealed record TruthTracking(TruthBounds Bounds, double TrackedRmse, long TrackedCycles, long LostCycles, long Losses,
    long NeverTracked, long LostAtEnd)
{
    /// <summary>Losses per 1,000 cycles of a trajectory; not a number if every trajectory diverged.</summary>
    public double LossesPer1000Cycles => TrackedCycles + LostCycles == 0 ? double.NaN : 1000.0 * Losses / (TrackedCycles + LostCycles);

    /// <summary>
    /// The average duration of a loss in cycles; losses that begin or end outside the scored cycles count with their part inside. Not a
    /// number if there are none.
    /// </summary>
    public double MeanLossLength => Losses == 0 ? double.NaN : (double)LostCycles / Losses;

    /// <summary>The fraction of all cycles in which the truth is lost; not a number if every trajectory diverged.</summary>
    public double LostShare => TrackedCycles + LostCycles == 0 ? double.NaN : (double)LostCycles / (TrackedCycles + LostCycles);

    /// <summary>Follows the errors of all trajectories; memory does not grow.</summary>
    internal sealed class Watch(TruthBounds bounds, int batch)
    {
        private readonly bool[] lost = new bool[batch];
        private readonly double[] sums = new double[batch];
        private readonly long[] tracked = new long[batch], missed = new long[batch], losses = new long[batch];

        /// <summary>Adds a cycle.</summary>
        /// <param name="errors">The error of each trajectory; one that is not a number changes nothing.</param>
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

        /// <summary>The results on the trajectories that did not diverge.</summary>
        public TruthTracking Result(IReadOnlyList<TrajectoryOutcome> outcomes)
        {
            int[] counted = [.. Enumerable.Range(0, batch).Where(b => outcomes[b] != TrajectoryOutcome.Diverged)];
            long cycles = counted.Sum(b => tracked[b]);
            return new(bounds, counted.Sum(b => sums[b]) / cycles, cycles, counted.Sum(b => missed[b]), counted.Sum(b => losses[b]),
                counted.LongCount(b => tracked[b] == 0), counted.LongCount(b => lost[b]));
        }
    }
}
