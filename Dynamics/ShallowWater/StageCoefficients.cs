using System.Numerics;

namespace DaML;

/// <summary>
/// What the linearised equations need of the states of the four stages of one step, for the rows around the one that is being
/// worked on: the rows come from a forward sweep and are used by every perturbation that follows it.
/// </summary>
internal sealed unsafe class StageCoefficients<T> where T : unmanaged, INumber<T>
{
    // the depths at the points of u and v; q / 4 and 1 / h at the corners; a quarter of the fluxes' sums there
    public const int DepthU = 0, DepthV = 1, Vorticity = 2, InverseDepth = 3, FluxX = 4, FluxY = 5, Count = 6;

    // An adjoint asks for rows up to eight behind the forward sweep, which goes four at once.
    private const int Ring = 16;

    private readonly PinnedRows<T> rows;

    public StageCoefficients(Lattice<T> lattice) => rows = new PinnedRows<T>(4 * Count * Ring, RowLayout<T, AlongRow<T>>.Pitch(lattice.Nx));

    /// <summary>The first point of a row; the row number may be a ghost row's.</summary>
    public T* Row(int stage, int coefficient, int row) => rows[(stage * Count + coefficient) * Ring + (row & (Ring - 1))] + RowLayout<T, AlongRow<T>>.Halo;
}
