using System.Numerics;
using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>The C-grid and the constants of the equations in one precision, as the kernels read them.</summary>
internal sealed unsafe class Lattice<T> where T : unmanaged, INumber<T>
{
    private readonly T[] coriolis;
    private readonly PinnedRows<T> wind;

    public Lattice(ShallowWaterOptions options)
    {
        Options = options;
        (Nx, Ny, ColumnsU, RowsV) = (options.CellsX, options.CellsY, options.ColumnsU, options.RowsV);
        (PeriodicX, PeriodicY) = (options.PeriodicX, options.PeriodicY);
        double dx = options.LengthX / Nx, dy = options.LengthY / Ny;
        double alongX = options.Viscosity / (dx * dx), alongY = options.Viscosity / (dy * dy);
        (Depth, Gravity, TimeStep) = (Number(options.Depth), Number(options.Gravity), Number(options.TimeStep));
        (InverseDx, InverseDy) = (Number(1 / dx), Number(1 / dy));
        (ViscosityX, ViscosityY, Damping) = (Number(alongX), Number(alongY), Number(-2 * alongX - 2 * alongY - options.Drag));
        // f at the corners between rows -1 and 0 .. ny - 1 and ny
        coriolis = [.. Enumerable.Range(0, Ny + 1)
            .Select(corner => Number(options.Coriolis + options.Beta * (corner * dy - options.LengthY / 2)))];
        wind = new PinnedRows<T>(2 * Ny, RowLayout<T, AlongRow<T>>.Pitch(Nx));
        var (x, y) = WindFields(options);
        for (int r = 0; r < Ny; r++)
        {
            for (int i = 0; i < ColumnsU; i++) WindX(r)[i] = Number(x[r * ColumnsU + i]);
            for (int i = 0; i < Nx && r < RowsV; i++) WindY(r)[i] = Number(y[r * Nx + i]);
        }
    }

    public ShallowWaterOptions Options { get; }

    public int Nx { get; }
    public int Ny { get; }
    public int ColumnsU { get; }
    public int RowsV { get; }
    public bool PeriodicX { get; }
    public bool PeriodicY { get; }
    public T Depth { get; }
    public T Gravity { get; }
    public T TimeStep { get; }
    public T InverseDx { get; }
    public T InverseDy { get; }

    /// <summary>nu / dx^2 and nu / dy^2: weights of the neighbours in the viscosity.</summary>
    public T ViscosityX { get; }
    public T ViscosityY { get; }

    /// <summary>-2 nu / dx^2 - 2 nu / dy^2 - c_b: weight of the point itself.</summary>
    public T Damping { get; }

    /// <summary>n</summary>
    public int Dimension => Nx * Ny + ColumnsU * Ny + Nx * RowsV;

    /// <summary>The estimated nanoseconds of a step of one state on one thread.</summary>
    public double TimeOfStep => 6.0 * Nx * Ny;

    /// <summary>f at the corners between this row and the next.</summary>
    public T Coriolis(int row) => coriolis[PeriodicY ? 0 : row + 1];

    /// <summary>tau_x / (rho0 H) at the points of u of a row.</summary>
    public T* WindX(int row) => wind[Wrapped(row)] + Vector256<T>.Count;

    /// <summary>tau_y / (rho0 H) at the points of v of a row.</summary>
    public T* WindY(int row) => wind[Ny + Wrapped(row)] + Vector256<T>.Count;

    /// <summary>The row of the grid that corresponds to a row beyond the seam.</summary>
    public int Wrapped(int row)
    {
        while (row < 0) row += Ny;
        while (row >= Ny) row -= Ny;
        return row;
    }

    /// <summary>Whether the corners between this row and the next lie on a wall.</summary>
    public bool IsWall(int row) => !PeriodicY && (row < 0 || row >= Ny - 1);

    /// <summary>tau / (rho0 H) at the points of u and of v, in the state's order.</summary>
    public static (double[] X, double[] Y) WindFields(ShallowWaterOptions options)
    {
        double scale = 1 / (options.Density * options.Depth);
        int columns = options.ColumnsU, nx = options.CellsX;
        var x = new double[options.PointsU];
        var y = new double[options.PointsV];
        for (int i = 0; i < x.Length; i++)
            x[i] = scale * (options.WindStressX is not { } given
                ? -options.WindStress * Math.Cos(2 * Math.PI * (i / columns + 0.5) / options.CellsY)
                : given.Count == x.Length ? given[i] : given[i / columns]);
        for (int i = 0; i < y.Length; i++)
            y[i] = scale * (options.WindStressY is not { } given ? 0 : given.Count == y.Length ? given[i] : given[i % nx]);
        return (x, y);
    }

    private static T Number(double value) => T.CreateChecked(value);
}
