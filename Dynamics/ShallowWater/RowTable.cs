using System.Numerics;

namespace DaML.Components;

/// <summary>
/// Addresses of the rows of eta (0), u (1) and v (2), ghost rows included: beyond a seam they are the rows of the other side; beyond a
/// wall eta and u are mirrored and v is zero.
/// </summary>
internal sealed unsafe class RowTable<T> where T : unmanaged, INumber<T>
{
    // Rows beyond the grid that are needed: the first of a step's stages begins four rows outside and reads one further.
    private const int Guard = 5;

    private readonly nint[] addresses;
    private readonly T** start;
    private readonly nint span;

    /// <param name="lattice">The grid.</param>
    /// <param name="memory">The memory of the rows.</param>
    /// <param name="halo">The count of numbers before a row's first point.</param>
    /// <param name="zero">A row of zeros in that memory.</param>
    /// <param name="slot">Maps the number of a field's row to its row in memory.</param>
    /// <param name="wraps">Whether the rows in memory are the grid's, so that one beyond the seam is found on the other side.</param>
    public RowTable(Lattice<T> lattice, PinnedRows<T> memory, int halo, int zero, Func<int, int, int> slot, bool wraps)
    {
        int ny = lattice.Ny;
        span = ny + 2 * Guard;
        addresses = GC.AllocateArray<nint>((int)(3 * span), pinned: true);
        start = (T**)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(addresses, Guard);
        for (int field = 0; field < 3; field++)
            for (int row = -Guard; row < ny + Guard; row++)
            {
                bool beyond = !lattice.PeriodicY && (row < 0 || row >= ny);
                int inside = lattice.PeriodicY ? wraps ? lattice.Wrapped(row) : row : Math.Clamp(row, 0, ny - 1);
                start[field * span + row] = memory[beyond && field == 2 ? zero : slot(field, inside)] + halo;
            }
    }

    /// <summary>The first point of a row.</summary>
    public T* this[int field, int row] => start[field * span + row];
}
