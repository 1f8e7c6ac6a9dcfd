using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.CompilerServices;

namespace DaML.Components;

/// <summary>The three fields of a state, or of several states that share vectors, in rows with ghost points.</summary>
internal sealed unsafe class FieldBlock<T, TLanes> where T : unmanaged, INumber<T> where TLanes : struct, ILanes<T>
{
    private readonly Lattice<T> lattice;
    private readonly PinnedRows<T> rows;

    public FieldBlock(Lattice<T> lattice)
    {
        this.lattice = lattice;
        int ny = lattice.Ny;
        rows = new PinnedRows<T>(3 * ny + 1, RowLayout<T, TLanes>.Pitch(lattice.Nx));
        Rows = new RowTable<T>(lattice, rows, RowLayout<T, TLanes>.Halo, 3 * ny, (field, row) => 3 * row + field, wraps: true);
    }

    /// <summary>The first point of a row of eta (0), u (1) or v (2); it may be a ghost row.</summary>
    public T* Row(int field, int row) => Rows[field, row];

    /// <summary>The addresses of the rows.</summary>
    public RowTable<T> Rows { get; }

    /// <summary>Loads the states that lie one after the other at an address.</summary>
    public void Load(T* states)
    {
        for (int field = 0; field < 3; field++)
            for (int r = 0; r < lattice.Ny; r++)
            {
                T* to = Row(field, r);
                if (field == 2 && r >= lattice.RowsV)
                {
                    new Span<T>(to - RowLayout<T, TLanes>.Halo, RowLayout<T, TLanes>.Pitch(lattice.Nx)).Clear();
                    continue;
                }
                int columns = Columns(field);
                for (int lane = 0; lane < TLanes.Fields; lane++)
                {
                    T* from = states + (long)lane * lattice.Dimension + Offset(field, r);
                    if (TLanes.Fields == 1) new Span<T>(from, columns).CopyTo(new Span<T>(to, columns));
                    else for (int i = 0; i < columns; i++) to[i * TLanes.Fields + lane] = from[i];
                }
                Ghosts<T, TLanes>.Fill(lattice, field, to);
            }
    }

    /// <summary>Stores the states one after the other at an address.</summary>
    public void Store(T* states)
    {
        for (int field = 0; field < 3; field++)
            for (int r = 0; r < (field == 2 ? lattice.RowsV : lattice.Ny); r++)
            {
                T* from = Row(field, r);
                int columns = Columns(field);
                for (int lane = 0; lane < TLanes.Fields; lane++)
                {
                    T* to = states + (long)lane * lattice.Dimension + Offset(field, r);
                    if (TLanes.Fields == 1) new Span<T>(from, columns).CopyTo(new Span<T>(to, columns));
                    else for (int i = 0; i < columns; i++) to[i] = from[i * TLanes.Fields + lane];
                }
            }
    }

    /// <summary>The lanes that hold a state of finite numbers and positive depth: all bits set.</summary>
    public Vector256<T> Sound()
    {
        var sound = Vector256<T>.AllBitsSet;
        var dry = Vector256.Create(-lattice.Depth);
        for (int r = 0; r < lattice.Ny; r++)
        {
            T* e = Row(0, r), u = Row(1, r), v = Row(2, r);
            for (int i = 0; i < lattice.Nx; i += TLanes.Points)
            {
                // x - x is zero, or NaN where x is infinite or NaN
                Vector256<T> eta = Lane.At<T, TLanes>(e, i), x = Lane.At<T, TLanes>(u, i), y = Lane.At<T, TLanes>(v, i),
                    none = eta - eta + (x - x) + (y - y);
                sound &= Vector256.GreaterThan(eta, dry) & Vector256.Equals(none, Vector256<T>.Zero);
            }
        }
        return sound;
    }

    private int Columns(int field) => field == 1 ? lattice.ColumnsU : lattice.Nx;

    private long Offset(int field, int row) => field switch
    {
        0 => (long)row * lattice.Nx,
        1 => (long)lattice.Nx * lattice.Ny + (long)row * lattice.ColumnsU,
        _ => ((long)lattice.Nx + lattice.ColumnsU) * lattice.Ny + (long)row * lattice.Nx,
    };
}

/// <summary>Ghost points of rows: copies across the seam, or mirror images at walls, where the velocity through the wall is zero.</summary>
internal static unsafe class Ghosts<T, TLanes> where T : unmanaged, INumber<T> where TLanes : struct, ILanes<T>
{
    /// <summary>Fills the ghost points of a row of eta (0), u (1) or v (2), and the rest of the row's last vector.</summary>
    public static void Fill(Lattice<T> lattice, int field, T* row)
    {
        int nx = lattice.Nx, end = RowLayout<T, TLanes>.Padded(nx);
        if (field == 1 && !lattice.PeriodicX)
        {
            Zero(row, -1);
            for (int i = nx - 1; i <= end; i++) Zero(row, i);
            return;
        }
        Copy(row, -1, lattice.PeriodicX ? nx - 1 : 0);
        for (int i = nx; i <= end; i++) Copy(row, i, lattice.PeriodicX ? 0 : nx - 1);
    }

    /// <summary>Fills the point before the first: the last one, or zero at a wall.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Before(Lattice<T> lattice, T* row)
    {
        if (lattice.PeriodicX) Copy(row, -1, lattice.Nx - 1);
        else Zero(row, -1);
    }

    /// <summary>Fills the point after the last: the first one, or zero at a wall.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void After(Lattice<T> lattice, T* row)
    {
        if (lattice.PeriodicX) Copy(row, lattice.Nx, 0);
        else Zero(row, lattice.Nx);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(T* row, int to, int from)
    {
        if (TLanes.Fields == 1) row[to] = row[from];
        else Vector256.Load(row + from * TLanes.Fields).Store(row + to * TLanes.Fields);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Zero(T* row, int at)
    {
        if (TLanes.Fields == 1) row[at] = T.Zero;
        else Vector256<T>.Zero.Store(row + at * TLanes.Fields);
    }
}
