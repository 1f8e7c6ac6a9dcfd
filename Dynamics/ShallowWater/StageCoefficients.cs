using System.Numerics;

namespace DaML;

/// <summary>
/// What the linearised equations need of the states of the four stages of one step, for the rows around the one that is being
/// worked on: the rows come from a forward sweep and are used by every perturbation that follows it.
/// </summary>
internal sealed unsafe class StageCoefficients<T> where T : unmanaged, INumber<T>
{
    // u, v, the depths at their points; q / 4 and 1 / h at the corners; a quarter of the fluxes' sums there
    public const int U = 0, V = 1, DepthU = 2, DepthV = 3, Vorticity = 4, InverseDepth = 5, FluxX = 6, FluxY = 7, Count = 8;

    // The forward sweep of an adjoint runs up to eight rows ahead.
    private const int Ring = 32;

    private readonly PinnedRows<T> rows;

    public StageCoefficients(Lattice<T> lattice) => rows = new PinnedRows<T>(4 * Count * Ring, RowLayout<T, AlongRow<T>>.Pitch(lattice.Nx));

    /// <summary>The first point of a row; the row number may be a ghost row's.</summary>
    public T* Row(int stage, int coefficient, int row) => rows[(stage * Count + coefficient) * Ring + (row & (Ring - 1))] + RowLayout<T, AlongRow<T>>.Halo;
}
