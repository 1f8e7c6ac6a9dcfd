using System.Numerics;
using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>
/// The common part of the equations and their tangent linear: the tendencies as sums of fluxes, pressure, turning and viscosity.
/// </summary>
/// <param name="lattice">The grid.</param>
/// <param name="forced">Whether there is wind stress.</param>
internal abstract unsafe class BalanceSweep<T, TLanes>(Lattice<T> lattice, bool forced)
    : RowSweep<T, TLanes>(lattice, pairCount: 5, scratchCount: 0)
    where T : unmanaged, INumber<T> where TLanes : struct, ILanes<T>
{
    /// <summary>The quantities that are kept of two rows: the fluxes U and V, B, q mean_x(V) / 2 and q mean_y(U) / 2.</summary>
    protected const int FluxU = 0, FluxV = 1, Bernoulli = 2, TurnU = 3, TurnV = 4;

    protected sealed override void Tendency(int stage, int row, T* baseEta, T* baseU, T* baseV, T weight, T* eta, T* u, T* v)
    {
        int columns = Lattice.Nx;
        bool wind = forced;
        T* u0 = Row(stage, 1, row), uNorth = Row(stage, 1, row + 1), uSouth = Row(stage, 1, row - 1);
        T* v0 = Row(stage, 2, row), vNorth = Row(stage, 2, row + 1), vSouth = Row(stage, 2, row - 1);
        T* fluxU = Pair(stage, FluxU, row), fluxV = Pair(stage, FluxV, row), fluxSouth = Pair(stage, FluxV, row - 1);
        T* b0 = Pair(stage, Bernoulli, row), b1 = Pair(stage, Bernoulli, row + 1);
        T* turnU = Pair(stage, TurnU, row), turnSouth = Pair(stage, TurnU, row - 1), turnV = Pair(stage, TurnV, row);
        T* windX = Lattice.WindX(row), windY = Lattice.WindY(row);
        Vector256<T> h = Vector256.Create(weight), dx = Vector256.Create(Lattice.InverseDx), dy = Vector256.Create(Lattice.InverseDy);
        Vector256<T> viscosityX = Vector256.Create(Lattice.ViscosityX), viscosityY = Vector256.Create(Lattice.ViscosityY),
            damping = Vector256.Create(Lattice.Damping);
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            var inflow = Vectors.MultiplyAdd(dx, At(fluxU, i - 1) - At(fluxU, i), dy * (At(fluxSouth, i) - At(fluxV, i)));
            Put(eta, i, Vectors.MultiplyAdd(h, inflow, At(baseEta, i)));
        }
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            var forceU = Vectors.MultiplyAdd(dx, At(b0, i) - At(b0, i + 1), At(turnU, i) + At(turnSouth, i));
            if (wind) forceU += TLanes.Shared(windX, i);
            forceU = Vectors.MultiplyAdd(viscosityX, At(u0, i - 1) + At(u0, i + 1), forceU);
            forceU = Vectors.MultiplyAdd(viscosityY, At(uSouth, i) + At(uNorth, i), forceU);
            Put(u, i, Vectors.MultiplyAdd(h, Vectors.MultiplyAdd(damping, At(u0, i), forceU), At(baseU, i)));
        }
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            var forceV = Vectors.MultiplyAdd(dy, At(b0, i) - At(b1, i), -(At(turnV, i) + At(turnV, i - 1)));
            if (wind) forceV += TLanes.Shared(windY, i);
            forceV = Vectors.MultiplyAdd(viscosityX, At(v0, i - 1) + At(v0, i + 1), forceV);
            forceV = Vectors.MultiplyAdd(viscosityY, At(vSouth, i) + At(vNorth, i), forceV);
            Put(v, i, Vectors.MultiplyAdd(h, Vectors.MultiplyAdd(damping, At(v0, i), forceV), At(baseV, i)));
        }
    }

    protected sealed override void Wall(int stage, int row)
    {
        Clear(Pair(stage, FluxV, row));
        Clear(Pair(stage, TurnU, row));
        Clear(Pair(stage, TurnV, row));
    }
}
