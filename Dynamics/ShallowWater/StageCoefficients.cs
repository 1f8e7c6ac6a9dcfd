using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DaML.Components;

/// <summary>
/// The quantities that the linearised equations need at the four stages of a step: the states, and what is computed from them at the
/// corners. The names are those of <see cref="TendencySweep{T, TLanes}"/>.
/// </summary>
internal sealed unsafe class StageCoefficients<T>(Lattice<T> lattice) where T : unmanaged, INumber<T>
{
    // q / 4; the means of the fluxes V and U over 2 h
    public const int Vorticity = 0, SpeedX = 1, SpeedY = 2;

    private const int Count = 3;

    // The number of rows before its use at which a row of the states is fetched into the nearest cache.
    private const int Ahead = 3;

    private const int CacheLine = 64;

    private static readonly T half = T.One / T.CreateChecked(2), quarter = half * half;

    private readonly PinnedRows<T> rows = new(4 * Count, RowLayout<T, AlongRow<T>>.Pitch(lattice.Nx));
    private readonly RowTable<T>[] states = new RowTable<T>[4], later = new RowTable<T>[4];

    /// <summary>Sets the states at the stages of a step.</summary>
    /// <param name="stages">The states.</param>
    /// <param name="following">The states of the next step, which are fetched meanwhile; null if they are not in memory.</param>
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

    /// <summary>
    /// Fetches from memory a row of a field that is needed a few rows later, perhaps in the next step. The rows of the three fields are
    /// fetched at different times, to spread the load on the memory.
    /// </summary>
    public void Fetch(int stage, int field, int row)
    {
        if (!Sse.IsSupported) return;
        row += Ahead;
        T* start = row < lattice.Ny ? states[stage][field, row] : later[stage][field, row - lattice.Ny];
        // also the cache line of the last point, wherever a row begins
        for (int i = -RowLayout<T, AlongRow<T>>.Halo; i <= lattice.Nx; i += CacheLine / sizeof(T)) Sse.Prefetch0(start + i);
    }

    /// <summary>The first point of the row that was computed last.</summary>
    public T* Row(int stage, int coefficient) => rows[stage * Count + coefficient] + RowLayout<T, AlongRow<T>>.Halo;

    /// <summary>
    /// Computes the coefficients between a row and the next. On a wall in x the flux along it is that of mirrored water; its factor is
    /// zero there.
    /// </summary>
    public void Corners(int stage, int row)
    {
        int columns = lattice.Nx;
        T* e0 = State(stage, 0, row), e1 = State(stage, 0, row + 1), u0 = State(stage, 1, row), u1 = State(stage, 1, row + 1),
            v = State(stage, 2, row);
        T* vorticities = Row(stage, Vorticity), speedX = Row(stage, SpeedX), speedY = Row(stage, SpeedY);
        Vector256<T> depth = Vector256.Create(lattice.Depth), h2 = Vector256.Create(half), h4 = Vector256.Create(quarter),
            coriolis = Vector256.Create(lattice.Coriolis(row));
        Vector256<T> dx = Vector256.Create(lattice.InverseDx), dy = Vector256.Create(lattice.InverseDy);
        for (int i = 0; i < columns; i += Vector256<T>.Count)
        {
            Vector256<T> southWest = At(e0, i), southEast = At(e0, i + 1), northWest = At(e1, i), northEast = At(e1, i + 1);
            Vector256<T> south = southWest + southEast, north = northWest + northEast, west = southWest + northWest,
                east = southEast + northEast;
            Vector256<T> atSouth = At(u0, i), atNorth = At(u1, i), atWest = At(v, i), atEast = At(v, i + 1);
            var inverse4 = h4 / Vectors.MultiplyAdd(h4, south + north, depth);
            var vorticity = Vectors.MultiplyAdd(dx, atEast - atWest, Vectors.MultiplyAdd(dy, atSouth - atNorth, coriolis));
            Put(vorticities, i, inverse4 * vorticity);
            Put(speedX, i, inverse4 * Vectors.MultiplyAdd(Vectors.MultiplyAdd(h2, west, depth), atWest,
                Vectors.MultiplyAdd(h2, east, depth) * atEast));
            Put(speedY, i, inverse4 * Vectors.MultiplyAdd(Vectors.MultiplyAdd(h2, south, depth), atSouth,
                Vectors.MultiplyAdd(h2, north, depth) * atNorth));
        }
    }

    private static Vector256<T> At(T* row, int point) => Vector256.Load(row + point);

    private static void Put(T* row, int point, Vector256<T> value) => value.Store(row + point);
}
