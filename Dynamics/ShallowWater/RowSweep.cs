using System.Numerics;

namespace DaML;

/// <summary>
/// A classical Runge-Kutta step as one sweep over the grid: as soon as a stage has finished a row, the next stage follows one row
/// behind, so that the rows of all four stay in the nearest cache and a state is read and written once. What a stage does to a
/// row is a derived class's: the equations, their tangent linear or their adjoint, each of which reaches one row up and down.
/// </summary>
internal abstract unsafe class RowSweep<T, TLanes> where T : unmanaged, INumber<T> where TLanes : struct, ILanes<T>
{
    /// <summary>Rows by which a band of rows needs more of the step's initial state on either side.</summary>
    public const int Reach = 4;

    private const int Ring = 4;

    private readonly PinnedRows<T> stages, scratch, pairs;
    private readonly T* zero;
    private readonly int[] first = new int[4], last = new int[4];
    private readonly int pairCount, baseRow;

    protected RowSweep(Lattice<T> lattice, int pairCount, int scratchCount)
    {
        Lattice = lattice;
        this.pairCount = pairCount;
        int pitch = RowLayout<T, TLanes>.Pitch(lattice.Nx);
        stages = new PinnedRows<T>(3 * 3 * Ring, pitch);
        pairs = new PinnedRows<T>(4 * pairCount * 2, pitch);
        scratch = new PinnedRows<T>(scratchCount + 4, pitch);
        zero = Scratch(scratchCount + 3);
        baseRow = scratchCount;
    }

    protected Lattice<T> Lattice { get; }

    /// <summary>The state the step begins at, and the one it leads to; null where only the stages are wanted.</summary>
    public FieldBlock<T, TLanes>? From, To;

    /// <summary>Makes ready for the rows from <paramref name="from"/> up to <paramref name="to"/> of the result; they may be ghost rows where y is periodic.</summary>
    public void Begin(FieldBlock<T, TLanes> state, FieldBlock<T, TLanes>? result, int from, int to)
    {
        (From, To) = (state, result);
        for (int stage = 0; stage < 4; stage++)
        {
            first[stage] = Lattice.PeriodicY ? from - (3 - stage) : Math.Max(from - (3 - stage), 0);
            last[stage] = Lattice.PeriodicY ? to + (3 - stage) : Math.Min(to + (3 - stage), Lattice.Ny);
        }
    }

    /// <summary>The first and the last value of t for which there is something to do.</summary>
    public (int First, int Last) Times => (first[0], last[3] + 2);

    /// <summary>The first stage's row t, the second's t - 1, and so on.</summary>
    public void Advance(int t)
    {
        for (int stage = 0; stage < 4; stage++)
        {
            int row = t - stage;
            if (row >= first[stage] && row < last[stage]) Stage(stage, row);
        }
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
        if (stage == 3 && To is null) return;

        var h = Lattice.TimeStep;
        T* eta, u, v;
        if (stage < 3)
        {
            eta = StageRow(stage, 0, row);
            u = StageRow(stage, 1, row);
            v = StageRow(stage, 2, row);
            Tendency(stage, row, Row(0, 0, row), Row(0, 1, row), Row(0, 2, row), stage == 2 ? h : h / T.CreateChecked(2), eta, u, v);
        }
        else
        {
            int at = Lattice.Wrapped(row);
            eta = To!.Row(0, at);
            u = To.Row(1, at);
            v = To.Row(2, at);
            for (int field = 0; field < 3; field++) Combine(field, row);
            Tendency(stage, row, Scratch(baseRow), Scratch(baseRow + 1), Scratch(baseRow + 2), h / T.CreateChecked(6), eta, u, v);
        }
        Ghosts<T, TLanes>.Fill(Lattice, 0, eta);
        Ghosts<T, TLanes>.Fill(Lattice, 1, u);
        if (wall) new Span<T>(v - RowLayout<T, TLanes>.Halo, RowLayout<T, TLanes>.Pitch(Lattice.Nx)).Clear();
        else Ghosts<T, TLanes>.Fill(Lattice, 2, v);
    }

    // x + h/6 (k1 + 2 k2 + 2 k3) = (y2 + 2 y3 + y4 - x) / 3, where y2 = x + h/2 k1, y3 = x + h/2 k2, y4 = x + h k3
    private void Combine(int field, int row)
    {
        T* x = Row(0, field, row), y2 = Row(1, field, row), y3 = Row(2, field, row), y4 = Row(3, field, row), sum = Scratch(baseRow + field);
        var third = new Vector<T>(T.One / T.CreateChecked(3));
        for (int i = 0; i < Lattice.Nx; i += TLanes.Points)
        {
            var middle = At(y3, i);
            Put(sum, i, third * (At(y2, i) - At(x, i) + At(y4, i) + (middle + middle)));
        }
    }

    /// <summary>What row <paramref name="row"/> of cells gives to its neighbours.</summary>
    protected abstract void Centres(int stage, int row);

    /// <summary>What the corners between row <paramref name="row"/> and the next give to both.</summary>
    protected abstract void Corners(int stage, int row);

    /// <summary>The same where these corners lie on a wall.</summary>
    protected abstract void Wall(int stage, int row);

    /// <summary>Base + weight k, where k is the tendency of a row.</summary>
    protected abstract void Tendency(int stage, int row, T* baseEta, T* baseU, T* baseV, T weight, T* eta, T* u, T* v);

    /// <summary>A row of eta (0), u (1) or v (2) at which a stage takes the tendency. Beyond a wall eta and u are mirrored and v is zero.</summary>
    protected T* Row(int stage, int field, int row)
    {
        if (!Lattice.PeriodicY && (row < 0 || row >= Lattice.Ny))
        {
            if (field == 2) return zero;
            row = row < 0 ? 0 : Lattice.Ny - 1;
        }
        return stage == 0 ? From!.Row(field, Lattice.Wrapped(row)) : StageRow(stage - 1, field, row);
    }

    private T* StageRow(int stage, int field, int row) => stages[(stage * 3 + field) * Ring + (row & (Ring - 1))] + RowLayout<T, TLanes>.Halo;

    /// <summary>One of the rows that a stage keeps of this row and the one before.</summary>
    protected T* Pair(int stage, int kind, int row) => pairs[(stage * pairCount + kind) * 2 + (row & 1)] + RowLayout<T, TLanes>.Halo;

    /// <summary>A row for passing use.</summary>
    protected T* Scratch(int kind) => scratch[kind] + RowLayout<T, TLanes>.Halo;

    protected void Clear(T* row) => new Span<T>(row - RowLayout<T, TLanes>.Halo, RowLayout<T, TLanes>.Pitch(Lattice.Nx)).Clear();

    protected static Vector<T> At(T* row, int point) => Lane.At<T, TLanes>(row, point);

    protected static void Put(T* row, int point, Vector<T> value) => Lane.Put<T, TLanes>(row, point, value);
}
