namespace DaML;

/// <summary>
/// Settings of the shallow-water model, in SI units. The defaults are the calm regime of a wind-driven double gyre: a
/// square of 1800 km with closed walls and 64 x 64 cells, reduced gravity 0.02 m/s2 and depth 500 m (first internal mode).
/// Trappler and Vidard give grid and domain; the other values are inferred from the eigenvalues they report.
/// </summary>
public sealed record ShallowWaterOptions
{
    /// <summary>The calm regime, the default: wind stress 0.015 N/m2, viscosity 50 m2/s. The flow stays close to its mean.</summary>
    public static ShallowWaterOptions Calm { get; } = new();

    /// <summary>
    /// The turbulent regime: wind stress 0.06 N/m2, viscosity 400 m2/s. Eddies form and the linearised model changes with the state.
    /// </summary>
    public static ShallowWaterOptions Turbulent { get; } = new() { WindStress = 0.06, Viscosity = 400 };

    /// <summary>Number of cells in x, at least 3 (default: 64).</summary>
    public int CellsX { get; init; } = 64;

    /// <summary>Number of cells in y, at least 3 (default: 64).</summary>
    public int CellsY { get; init; } = 64;

    /// <summary>Length of the domain in x, in metres (default: 1800 km).</summary>
    public double LengthX { get; init; } = 1.8e6;

    /// <summary>Length of the domain in y, in metres (default: 1800 km).</summary>
    public double LengthY { get; init; } = 1.8e6;

    /// <summary>Whether the domain is periodic in x (default: false, closed walls with free slip).</summary>
    public bool PeriodicX { get; init; }

    /// <summary>Whether the domain is periodic in y (default: false, closed walls with free slip).</summary>
    public bool PeriodicY { get; init; }

    /// <summary>Length of a Runge-Kutta step, in seconds (default: 1800); at most <see cref="LongestTimeStep"/>.</summary>
    public double TimeStep { get; init; } = 1800;

    /// <summary>g, gravity or reduced gravity, in m/s2 (default: 0.02).</summary>
    public double Gravity { get; init; } = 0.02;

    /// <summary>H, the mean depth, called eta0 in the paper, in metres (default: 500).</summary>
    public double Depth { get; init; } = 500;

    /// <summary>rho0, the density, in kg/m3 (default: 1000).</summary>
    public double Density { get; init; } = 1000;

    /// <summary>f0, the Coriolis parameter in the middle of the domain, in 1/s (default: 7e-5).</summary>
    public double Coriolis { get; init; } = 7e-5;

    /// <summary>beta, the change of the Coriolis parameter with y, in 1/(m s) (default: 2e-11); zero if y is periodic.</summary>
    public double Beta { get; init; } = 2e-11;

    /// <summary>c_b, the coefficient of linear drag, in 1/s (default: 1e-7).</summary>
    public double Drag { get; init; } = 1e-7;

    /// <summary>nu, the viscosity, in m2/s (default: 50).</summary>
    public double Viscosity { get; init; } = 50;

    /// <summary>
    /// tau0, the amplitude of the double gyre's wind stress tau_x = -tau0 cos(2 pi y / Ly), in N/m2 (default: 0.015). It is not used if
    /// <see cref="WindStressX"/> is given.
    /// </summary>
    public double WindStress { get; init; } = 0.015;

    /// <summary>
    /// tau_x in N/m2, a field that you give: one number for each of the <see cref="CellsY"/> rows, or one for each point of u in the
    /// state's order (default: null, the double gyre of amplitude <see cref="WindStress"/>).
    /// </summary>
    public IReadOnlyList<double>? WindStressX { get; init; }

    /// <summary>
    /// tau_y in N/m2: one number for each of the <see cref="CellsX"/> columns, or one for each point of v in the state's order (default:
    /// null, none).
    /// </summary>
    public IReadOnlyList<double>? WindStressY { get; init; }

    /// <summary>
    /// The standard deviation of the height of the initial states, in metres (default: 0, at rest); see
    /// <see cref="ShallowWaterInitialCondition"/>.
    /// </summary>
    public double InitialHeight { get; init; }

    /// <summary>The spin-up time of the initial states, in seconds (default: 0).</summary>
    public double SpinUpTime { get; init; }

    /// <summary>
    /// The longest stable time step, in seconds. The fastest gravity wave of the grid has the frequency w = (f^2 + 4 g H (1/dx^2 +
    /// 1/dy^2))^(1/2), and the classical Runge-Kutta method is stable up to w h = 2 * 2^(1/2); viscosity and drag alone are stable up to
    /// h = 2.785 / (4 nu (1/dx^2 + 1/dy^2) + c_b). The smaller of the two limits holds. Currents, which are slower than the waves, are
    /// not taken into account.
    /// </summary>
    public double LongestTimeStep
    {
        get
        {
            double dx = LengthX / CellsX, dy = LengthY / CellsY, laplacian = 4 * (1 / (dx * dx) + 1 / (dy * dy));
            double f = Math.Abs(Coriolis) + Math.Abs(Beta) * LengthY / 2;
            double wave = 2 * Math.Sqrt(2) / Math.Sqrt(f * f + Gravity * Depth * laplacian), decay = Viscosity * laplacian + Drag;
            return decay > 0 ? Math.Min(wave, 2.785 / decay) : wave;
        }
    }

    /// <summary>n, the state's dimension.</summary>
    internal long Dimension => (long)CellsX * CellsY + PointsU + PointsV;

    internal int ColumnsU => PeriodicX ? CellsX : CellsX - 1;

    internal int RowsV => PeriodicY ? CellsY : CellsY - 1;

    internal long PointsU => (long)ColumnsU * CellsY;

    internal long PointsV => (long)CellsX * RowsV;

    /// <summary>Returns the settings if a model can be made with them.</summary>
    internal ShallowWaterOptions Checked()
    {
        Require.AtLeast(CellsX, 3);
        Require.AtLeast(CellsY, 3);
        if (Dimension > int.MaxValue / 64)
            throw new ArgumentException(
                $"{nameof(CellsX)} x {nameof(CellsY)} = {CellsX} x {CellsY} gives a state of {Dimension} numbers; at most " +
                    $"{int.MaxValue / 64} are possible.");
        Require.Positive(LengthX);
        Require.Positive(LengthY);
        Require.Positive(Gravity);
        Require.Positive(Depth);
        Require.Positive(Density);
        Require.NotNegative(Drag);
        Require.NotNegative(Viscosity);
        Require.NotNegative(InitialHeight);
        Require.NotNegative(SpinUpTime);
        Require.Finite(Coriolis);
        Require.Finite(Beta);
        Require.Finite(WindStress);
        if (PeriodicY && Beta != 0)
            throw new ArgumentException(
                $"{nameof(Beta)} must be 0 where y is periodic, because the Coriolis parameter would jump at the seam; given: {Beta}.");
        Require.Positive(TimeStep);
        if (TimeStep > LongestTimeStep)
            throw new ArgumentOutOfRangeException(nameof(TimeStep), TimeStep,
                $"'{nameof(TimeStep)}' must be at most {LongestTimeStep:g6} s, the gravity-wave and viscosity limit of the Runge-Kutta " +
                    $"method on cells of " +
                $"{LengthX / CellsX:g6} m x {LengthY / CellsY:g6} m with depth {Depth:g6} m and gravity {Gravity:g6} m/s2; given: " +
                    $"{TimeStep:g9} s.");
        CheckWind(nameof(WindStressX), WindStressX, CellsY, "rows of cells", PointsU, "u");
        CheckWind(nameof(WindStressY), WindStressY, CellsX, "columns of cells", PointsV, "v");
        return this;
    }

    private static void CheckWind(string name, IReadOnlyList<double>? wind, int lines, string what, long points, string velocity)
    {
        if (wind is null) return;
        if (wind.Count != lines && wind.Count != points)
            throw new ArgumentException(
                $"'{name}' must hold {lines} numbers, one for each of the {what}, or {points}, one for each point of {velocity}; given: " +
                    $"{wind.Count}.");
        for (int i = 0; i < wind.Count; i++)
            if (!double.IsFinite(wind[i])) throw new ArgumentException($"'{name}' must be finite; given: {wind[i]} at index {i}.");
    }
}
