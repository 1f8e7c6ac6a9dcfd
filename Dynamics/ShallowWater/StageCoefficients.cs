using System.Numerics;
using System.Runtime.Intrinsics.X86;

namespace DaML;

/// <summary>
/// What the linearised equations need of the states at the four stages of a step, computed from these for the two rows in work of each stage.
/// The names are those of <see cref="TendencySweep{T, TLanes}"/>.
/// </summary>
internal sealed unsafe class StageCoefficients<T>(Lattice<T> lattice) where T : unmanaged, INumber<T>
{
    // the depths at the points of u and v; q / 4 and 1 / h at the corners; the means of the fluxes V and U there, halved
    public const int DepthU = 0, DepthV = 1, Vorticity = 2, InverseDepth = 3, FluxX = 4, FluxY = 5;

    private const int FluxU = 6, Count = 7;

    // How many rows before its use a row of the states is fetched into the nearest cache.
    private const int Ahead = 2;

    private static readonly T half = T.One / T.CreateChecked(2), quarter = half * half;

    private readonly PinnedRows<T> rows = new(4 * Count * 2 + 1, RowLayout<T, AlongRow<T>>.Pitch(lattice.Nx));
    private readonly RowTable<T>[] states = new RowTable<T>[4], later = new RowTable<T>[4];

    /// <summary>Takes the states at the stages of a step.</summary>
    /// <param name="stages">The states.</param>
    /// <param name="following">Those of the step whose turn is next, which are fetched meanwhile; null where there is none in memory.</param>
    public void Begin(FieldBlock<T, AlongRow<T>>[] stages, FieldBlock<T, AlongRow<T>>[]? following)
    {
        for (int stage = 0; stage < 4; stage++)
        {
            states[stage] = stages[stage].Rows;
            later[stage] = (following ?? stages)[stage].Rows;
        }
    }

    /// <summary>A row of eta (0), u (1) or v (2) at a stage; it may be a ghost row.</summary>
    public T* State(int stage, int field, int row) => states[stage][field, row];

    /// <summary>The first point of one of the two rows that were computed last.</summary>
    public T* Row(int stage, int coefficient, int row) => rows[(stage * Count + coefficient) * 2 + (row & 1)] + RowLayout<T, AlongRow<T>>.Halo;

    /// <summary>Those at the points of u.</summary>
    public void Centres(int stage, int row)
    {
        int columns = lattice.Nx;
        T* e = State(stage, 0, row), u = State(stage, 1, row), depths = Row(stage, DepthU, row), fluxU = Row(stage, FluxU, row);
        T* laterEta = Later(stage, 0, row);
        Vector<T> depth = new(lattice.Depth), h2 = new(half);
        for (int i = 0; i < columns; i += Vector<T>.Count)
        {
            Fetch(laterEta, i);
            var depthU = Lane.MultiplyAdd(h2, At(e, i) + At(e, i + 1), depth);
            Put(depths, i, depthU);
            Put(fluxU, i, depthU * At(u, i));
        }
    }

    /// <summary>Those at the points of v and at the corners; <see cref="Centres"/> of the row and the next come first.</summary>
    public void Corners(int stage, int row)
    {
        int columns = lattice.Nx;
        T* e0 = State(stage, 0, row), e1 = State(stage, 0, row + 1), u0 = State(stage, 1, row), u1 = State(stage, 1, row + 1), v = State(stage, 2, row);
        T* fluxU0 = Row(stage, FluxU, row), fluxU1 = Row(stage, FluxU, row + 1), fluxV = rows[4 * Count * 2] + RowLayout<T, AlongRow<T>>.Halo;
        T* depths = Row(stage, DepthV, row), inverses = Row(stage, InverseDepth, row), vorticities = Row(stage, Vorticity, row);
        T* fluxX = Row(stage, FluxX, row), fluxY = Row(stage, FluxY, row);
        T* laterU = Later(stage, 1, row + 1), laterV = Later(stage, 2, row + 1);
        Vector<T> depth = new(lattice.Depth), h2 = new(half), h4 = new(quarter), coriolis = new(lattice.Coriolis(row));
        Vector<T> dx = new(lattice.InverseDx), dy = new(lattice.InverseDy);
        for (int i = 0; i < columns; i += Vector<T>.Count)
        {
            Fetch(laterU, i);
            var depthV = Lane.MultiplyAdd(h2, At(e0, i) + At(e1, i), depth);
            Put(depths, i, depthV);
            Put(fluxV, i, depthV * At(v, i));
        }
        Ghosts<T, AlongRow<T>>.After(lattice, fluxV);
        for (int i = 0; i < columns; i += Vector<T>.Count)
        {
            Fetch(laterV, i);
            var height = Lane.MultiplyAdd(h4, At(e0, i) + At(e0, i + 1) + (At(e1, i) + At(e1, i + 1)), depth);
            var vorticity = Lane.MultiplyAdd(dx, At(v, i + 1) - At(v, i), Lane.MultiplyAdd(dy, At(u0, i) - At(u1, i), coriolis));
            var inverse = Vector<T>.One / height;
            Put(inverses, i, inverse);
            Put(vorticities, i, h4 * (vorticity * inverse));
            Put(fluxX, i, h4 * (At(fluxV, i) + At(fluxV, i + 1)));
            Put(fluxY, i, h4 * (At(fluxU0, i) + At(fluxU1, i)));
        }
    }

    // A row of the states that is wanted in a while. The three fields' rows are fetched in different loops, so that memory is never asked for much at once.
    private T* Later(int stage, int field, int row)
    {
        row += Ahead;
        return row < lattice.Ny ? states[stage][field, row] : later[stage][field, row - lattice.Ny];
    }

    private static void Fetch(T* row, int point)
    {
        if (Sse.IsSupported) Sse.Prefetch0(row + point);
    }

    private static Vector<T> At(T* row, int point) => Vector.Load(row + point);

    private static void Put(T* row, int point, Vector<T> value) => value.Store(row + point);
}
