using System.Numerics;
using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>
/// A classical Runge-Kutta step as one sweep over the grid: as soon as a stage has finished a row, the next stage follows one row behind.
/// The rows of all four stages therefore stay in the nearest cache and a state is read and written once. Derived classes define what a
/// stage does to a row: the equations, their tangent linear or their adjoint, each of which reaches one row up and down.
/// </summary>
internal abstract unsafe class RowSweep<T, TLanes> where T : unmanaged, INumber<T> where TLanes : struct, ILanes<T>
{
    private readonly PinnedRows<T> stages, scratch, pairs;
    private readonly RowTable<T>[] ownRows = new RowTable<T>[4], rows = new RowTable<T>[4];
    private readonly int[] first = new int[4], last = new int[4], next = new int[4];
    private readonly T[] weights;
    private readonly int pairCount, baseRow;
    private readonly int rowsAtOnce;    // computed by a stage before the next one follows: few enough for the nearest cache
    private FieldBlock<T, TLanes>? end;

    protected RowSweep(Lattice<T> lattice, int pairCount, int scratchCount)
    {
        Lattice = lattice;
        this.pairCount = pairCount;
        int pitch = RowLayout<T, TLanes>.Pitch(lattice.Nx);
        rowsAtOnce = (int)Math.Clamp(8192L / ((long)pitch * sizeof(T)), 1, 8);
        // The rows of a stage that are computed at once, and five more that later stages need.
        int ring = (int)BitOperations.RoundUpToPowerOf2((uint)rowsAtOnce + 5), zero = 3 * 3 * ring;
        stages = new PinnedRows<T>(zero + 1, pitch);
        for (int stage = 1; stage < 4; stage++)
        {
            int first = (stage - 1) * 3 * ring;
            ownRows[stage] = new RowTable<T>(lattice, stages, RowLayout<T, TLanes>.Halo, zero, (field, row) => first + field * ring +
                (row & (ring - 1)), wraps: false);
        }
        pairs = new PinnedRows<T>(4 * pairCount * 2, pitch);
        scratch = new PinnedRows<T>(scratchCount + 3, pitch);
        baseRow = scratchCount;
        T h = lattice.TimeStep, half = h / T.CreateChecked(2);
        weights = [half, half, h, h / T.CreateChecked(6)];
    }

    protected Lattice<T> Lattice { get; }

    /// <summary>
    /// Computes the rows from <paramref name="from"/> up to <paramref name="to"/> of the result; they may be ghost rows if y is
    /// periodic.
    /// </summary>
    /// <param name="state">The state at the step's beginning.</param>
    /// <param name="result">Receives the state at the step's end; null if only the stages are needed.</param>
    /// <param name="from">The first row.</param>
    /// <param name="to">The row after the last.</param>
    /// <param name="keptStages">
    /// Four places, of which the second to the fourth receive the states at those stages; null if these are not kept.
    /// </param>
    public void Run(FieldBlock<T, TLanes> state, FieldBlock<T, TLanes>? result, int from, int to,
        FieldBlock<T, TLanes>[]? keptStages = null)
    {
        end = result;
        rows[0] = state.Rows;
        for (int stage = 1; stage < 4; stage++) rows[stage] = keptStages?[stage].Rows ?? ownRows[stage];
        for (int stage = 0; stage < 4; stage++)
        {
            first[stage] = Lattice.PeriodicY ? from - (3 - stage) : Math.Max(from - (3 - stage), 0);
            next[stage] = first[stage];
            last[stage] = Lattice.PeriodicY ? to + (3 - stage) : Math.Min(to + (3 - stage), Lattice.Ny);
        }
        // Everything up to the first stage's row t, the second's row t - 1, and so on.
        for (int t = first[0]; t < last[3] + 2 + rowsAtOnce; t += rowsAtOnce)
            for (int stage = 0; stage < (end is null ? 3 : 4); stage++)
                for (int until = Math.Min(t - stage, last[stage] - 1); next[stage] <= until; next[stage]++) Stage(stage, next[stage]);
    }

    private void Stage(int stage, int row)
    {
        if (row == first[stage])
        {
            bool wallBefore = Lattice.IsWall(row - 1);
            if (!wallBefore) Centres(stage, row - 1);
            Centres(stage, row);
            if (wallBefore) Wall(stage, row - 1);
            else Corners(stage, row - 1);
        }
        bool wall = Lattice.IsWall(row);
        if (wall) Wall(stage, row);
        else
        {
            Centres(stage, row + 1);
            Corners(stage, row);
        }

        var h = weights[stage];
        T* eta, u, v;
        if (stage < 3)
        {
            eta = Row(stage + 1, 0, row);
            u = Row(stage + 1, 1, row);
            v = Row(stage + 1, 2, row);
            Tendency(stage, row, Row(0, 0, row), Row(0, 1, row), Row(0, 2, row), h, eta, u, v);
        }
        else
        {
            eta = end!.Row(0, row);
            u = end.Row(1, row);
            v = end.Row(2, row);
            for (int field = 0; field < 3; field++) Combine(field, row);
            Tendency(stage, row, Scratch(baseRow), Scratch(baseRow + 1), Scratch(baseRow + 2), h, eta, u, v);
        }
        Ghosts<T, TLanes>.Fill(Lattice, 0, eta);
        Ghosts<T, TLanes>.Fill(Lattice, 1, u);
        if (wall) Clear(v);
        else Ghosts<T, TLanes>.Fill(Lattice, 2, v);
    }

    // x + h/6 (k1 + 2 k2 + 2 k3) = (y2 + 2 y3 + y4 - x) / 3, where y2 = x + h/2 k1, y3 = x + h/2 k2, y4 = x + h k3
    private void Combine(int field, int row)
    {
        int columns = Lattice.Nx;
        T* x = Row(0, field, row), y2 = Row(1, field, row), y3 = Row(2, field, row), y4 = Row(3, field, row),
            sum = Scratch(baseRow + field);
        var third = Vector256.Create(T.One / T.CreateChecked(3));
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            var middle = At(y3, i);
            Put(sum, i, third * (At(y2, i) - At(x, i) + At(y4, i) + (middle + middle)));
        }
    }

    /// <summary>Computes what row <paramref name="row"/> of cells contributes to its neighbours.</summary>
    protected abstract void Centres(int stage, int row);

    /// <summary>Computes what the corners between row <paramref name="row"/> and the next contribute to both.</summary>
    protected abstract void Corners(int stage, int row);

    /// <summary>Computes the same if these corners lie on a wall.</summary>
    protected abstract void Wall(int stage, int row);

    /// <summary>Computes base + weight k, where k is the tendency of a row.</summary>
    protected abstract void Tendency(int stage, int row, T* baseEta, T* baseU, T* baseV, T weight, T* eta, T* u, T* v);

    /// <summary>
    /// A row of eta (0), u (1) or v (2) at which a stage evaluates the tendency. Beyond a wall eta and u are mirrored and v is zero.
    /// </summary>
    public T* Row(int stage, int field, int row) => rows[stage][field, row];

    /// <summary>One of the rows that a stage keeps of the current row and the one before.</summary>
    protected T* Pair(int stage, int kind, int row) => pairs[(stage * pairCount + kind) * 2 + (row & 1)] + RowLayout<T, TLanes>.Halo;

    /// <summary>A row for temporary use.</summary>
    protected T* Scratch(int kind) => scratch[kind] + RowLayout<T, TLanes>.Halo;

    protected void Clear(T* row) => new Span<T>(row - RowLayout<T, TLanes>.Halo, RowLayout<T, TLanes>.Pitch(Lattice.Nx)).Clear();

    protected void FillBefore(T* row) => Ghosts<T, TLanes>.Before(Lattice, row);

    protected void FillAfter(T* row) => Ghosts<T, TLanes>.After(Lattice, row);

    protected static Vector256<T> At(T* row, int point) => Lane.At<T, TLanes>(row, point);

    protected static void Put(T* row, int point, Vector256<T> value) => Lane.Put<T, TLanes>(row, point, value);
}
