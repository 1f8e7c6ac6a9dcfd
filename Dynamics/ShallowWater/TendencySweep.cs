using System.Numerics;
using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>
/// A step of the shallow-water equations in Sadourny's (1975) energy-conserving form. With the fluxes U = h_u u and V = h_v v, the
/// potential vorticity q = (f + dv/dx - du/dy) / h at the corners and B = g eta + (u^2 + v^2) / 2 at the centres:
/// eta' = -dU/dx - dV/dy, u' = mean_y(q mean_x(V)) - dB/dx + ..., v' = -mean_x(q mean_y(U)) - dB/dy + ...
/// </summary>
internal sealed unsafe class TendencySweep<T, TLanes>(Lattice<T> lattice) : BalanceSweep<T, TLanes>(lattice, forced: true)
    where T : unmanaged, INumber<T> where TLanes : struct, ILanes<T>
{
    private static readonly T half = T.One / T.CreateChecked(2), quarter = half * half;

    /// <summary>The lanes that held finite heights and positive depths at the beginning of every step so far: all bits set.</summary>
    public Vector256<T> Sound { get; private set; }

    /// <summary>Resets <see cref="Sound"/>.</summary>
    public void Reset() => Sound = Vector256<T>.AllBitsSet;

    protected override void Centres(int stage, int row)
    {
        int columns = Lattice.Nx;
        T* e = Row(stage, 0, row), u = Row(stage, 1, row), v = Row(stage, 2, row), south = Row(stage, 2, row - 1);
        T* fluxU = Pair(stage, FluxU, row), bernoulli = Pair(stage, Bernoulli, row);
        Vector256<T> depth = Vector256.Create(Lattice.Depth), gravity = Vector256.Create(Lattice.Gravity), h2 = Vector256.Create(half),
            h4 = Vector256.Create(quarter), dry = -depth, sound = Sound;
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            Vector256<T> eta = At(e, i), here = At(u, i), west = At(u, i - 1), north = At(v, i), below = At(south, i);
            var depthU = Vectors.MultiplyAdd(h2, eta + At(e, i + 1), depth);
            sound &= Vector256.GreaterThan(eta, dry);
            Put(fluxU, i, depthU * here);
            var squares = Vectors.MultiplyAdd(here, here, west * west) + Vectors.MultiplyAdd(north, north, below * below);
            Put(bernoulli, i, Vectors.MultiplyAdd(h4, squares, gravity * eta));
        }
        if (stage == 0) Sound = sound;
        FillBefore(fluxU);
        FillAfter(bernoulli);
    }

    protected override void Corners(int stage, int row)
    {
        int columns = Lattice.Nx;
        T* e0 = Row(stage, 0, row), e1 = Row(stage, 0, row + 1), u0 = Row(stage, 1, row), u1 = Row(stage, 1, row + 1),
            v = Row(stage, 2, row);
        T* fluxV = Pair(stage, FluxV, row), fluxU0 = Pair(stage, FluxU, row), fluxU1 = Pair(stage, FluxU, row + 1);
        T* turnU = Pair(stage, TurnU, row), turnV = Pair(stage, TurnV, row);
        Vector256<T> depth = Vector256.Create(Lattice.Depth), h2 = Vector256.Create(half), h4 = Vector256.Create(quarter),
            coriolis = Vector256.Create(Lattice.Coriolis(row));
        Vector256<T> dx = Vector256.Create(Lattice.InverseDx), dy = Vector256.Create(Lattice.InverseDy);
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            var depthV = Vectors.MultiplyAdd(h2, At(e0, i) + At(e1, i), depth);
            Put(fluxV, i, depthV * At(v, i));
        }
        FillAfter(fluxV);
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            var height = Vectors.MultiplyAdd(h4, At(e0, i) + At(e0, i + 1) + (At(e1, i) + At(e1, i + 1)), depth);
            var vorticity = Vectors.MultiplyAdd(dx, At(v, i + 1) - At(v, i), Vectors.MultiplyAdd(dy, At(u0, i) - At(u1, i), coriolis));
            Vector256<T> x = h4 * (At(fluxV, i) + At(fluxV, i + 1)), y = h4 * (At(fluxU0, i) + At(fluxU1, i));
            var q = vorticity / height;
            Put(turnU, i, q * x);
            Put(turnV, i, q * y);
        }
        FillBefore(turnV);
    }
}
