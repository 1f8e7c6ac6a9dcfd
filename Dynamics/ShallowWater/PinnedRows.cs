namespace DaML.Components;

/// <summary>Rows of numbers at a fixed address that begins at a cache line; zero at first.</summary>
internal sealed unsafe class PinnedRows<T>(long rows, int pitch) where T : unmanaged
{
    private readonly PinnedMemory memory = new(rows * pitch * sizeof(T), cleared: true);

    /// <summary>The first number of a row, which lives as long as this object.</summary>
    public T* this[int row] => (T*)memory.Start + (nint)row * pitch;
}

/// <summary>A row in memory: ghost points, the points of the grid up to a whole vector, ghost points.</summary>
internal static class RowLayout<T, TLanes> where T : unmanaged where TLanes : struct, ILanes<T>
{
    /// <summary>The count of numbers before the first point.</summary>
    public static int Halo => TLanes.Points * TLanes.Fields;

    /// <summary>The number of points rounded up to whole vectors.</summary>
    public static int Padded(int points) => (points + TLanes.Points - 1) / TLanes.Points * TLanes.Points;

    /// <summary>The count of numbers from one row to the next.</summary>
    public static int Pitch(int points) => (TLanes.Points + Padded(points) + TLanes.Points) * TLanes.Fields;
}
