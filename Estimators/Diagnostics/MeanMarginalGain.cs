namespace DaML.Components;

/// <summary>
/// The mean marginal gain of an analysis over the states of its model's attractor, seen from one site r (Bocquet et al. 2025,
/// eqs. 11 and 21): Omega_ij = mean Gamma_ijr, by how much P^a_ij changes where the forecast at site r is raised by one.
/// </summary>
/// <param name="Site">r, from 0.</param>
/// <param name="Values">Omega, <c>[i, j]</c>, n by n.</param>
/// <param name="StandardErrors">Of each value, by the jackknife over successive parts of the trajectory; not a number where there was only
/// one state in time.</param>
/// <param name="States">How many states it is the mean of.</param>
public sealed record MeanMarginalGain(long Site, double[,] Values, double[,] StandardErrors, long States)
{
    /// <summary>Number of sites n.</summary>
    public int Sites => Values.GetLength(0);

    /// <summary>The largest size of a value.</summary>
    public double Largest => Values.Cast<double>().Max(Math.Abs);

    /// <summary>
    /// Locality: the share of sum_ij |Omega_ij| that is within some sites of r, both i and j, on a circle. What regression leaves of
    /// noise is spread over all n^2 values and lowers it. Not a number where all values are zero.
    /// </summary>
    /// <param name="distance">How many sites away at most, not below zero.</param>
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

    /// <summary>The half-width of the pattern: within how many sites of r at least half of sum_ij |Omega_ij| is.</summary>
    public int HalfWidth => Enumerable.Range(0, Sites / 2 + 1).First(distance => ShareWithin(distance) >= 0.5 || distance == Sites / 2);

    /// <summary>The pattern over its largest value as a heat map (fig. 1).</summary>
    /// <param name="title">The title above it.</param>
    /// <param name="largest">What values are divided by, for several patterns on one scale (fig. 2); null = its own largest.</param>
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
