namespace DaML.Components;

/// <summary>
/// The mean marginal gain of an analysis over the states of its model's attractor, seen from one site r (Bocquet et al. 2025, eqs. 11 and
/// 21): Omega_ij = mean Gamma_ijr, the change of P^a_ij if the forecast at site r increases by one.
/// </summary>
/// <param name="Site">r, from 0.</param>
/// <param name="Values">Omega, <c>[i, j]</c>, n by n.</param>
/// <param name="StandardErrors">The standard error of each value, by the jackknife over successive parts of the trajectory; not a number
/// if there was only one state in time.</param>
/// <param name="States">The number of states in the mean.</param>
public sealed record MeanMarginalGain(long Site, double[,] Values, double[,] StandardErrors, long States)
{
    /// <summary>The number of sites n.</summary>
    public int Sites => Values.GetLength(0);

    /// <summary>The largest size of a value.</summary>
    public double Largest => Values.Cast<double>().Max(Math.Abs);

    /// <summary>
    /// Locality: the share of sum_ij |Omega_ij| that is within some sites of r, both i and j, on a circle. The noise of a regression is
    /// spread over all n^2 values and lowers it. Not a number if all values are zero.
    /// </summary>
    /// <param name="distance">The largest distance in sites, not below zero.</param>
    public double ShareWithin(int distance)
    {
        Require.NotNegative(distance);
        double within = 0, all = 0;
        for (int i = 0; i < Sites; i++)
            for (int j = 0; j < Sites; j++)
            {
                double size = Math.Abs(Values[i, j]);
                all += size;
                if (Distance(i) <= distance && Distance(j) <= distance) within += size;
            }
        return within / all;
    }

    /// <summary>The half-width of the pattern: the distance from r in sites that holds at least half of sum_ij |Omega_ij|.</summary>
    public int HalfWidth => Enumerable.Range(0, Sites / 2 + 1).First(distance => ShareWithin(distance) >= 0.5 || distance == Sites / 2);

    /// <summary>Draws the pattern divided by its largest value as a heat map (fig. 1).</summary>
    /// <param name="title">The title above it.</param>
    /// <param name="largest">The divisor of the values, for several patterns on one scale (fig. 2) (default: null, the pattern's own
    /// largest value).</param>
    public HeatMap ToFigure(string title = "", double? largest = null)
    {
        var scaled = new double[Sites, Sites];
        double by = largest ?? Largest;
        for (int i = 0; i < Sites; i++)
            for (int j = 0; j < Sites; j++) scaled[i, j] = by > 0 ? Values[i, j] / by : 0;
        return new HeatMap(title, scaled, new CellAxis(new Axis("j (innovation)"), 0, 1), new CellAxis(new Axis("i (increment)"), 0, 1),
            ColorScale.Diverging(1, new Axis("Ω / max |Ω|"))) { Width = 480, Height = 400 };
    }

    private int Distance(int i) => (int)Math.Min(Math.Abs(i - Site), Sites - Math.Abs(i - Site));
}
