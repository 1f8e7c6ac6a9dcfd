using System.Numerics;
using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>
/// A step of the shallow-water equations linearised at the states of its stages. The names are those of
/// <see cref="TendencySweep{T, TLanes}"/>; each line is the derivative of the line in that class.
/// </summary>
internal sealed unsafe class TangentLinearSweep<T, TLanes>(Lattice<T> lattice, StageCoefficients<T> at)
    : BalanceSweep<T, TLanes>(lattice, forced: false)
    where T : unmanaged, INumber<T> where TLanes : struct, ILanes<T>
{
    private static readonly T half = T.One / T.CreateChecked(2);

    protected override void Centres(int stage, int row)
    {
        int columns = Lattice.Nx;
        at.Fetch(stage, 0, row);
        T* e = Row(stage, 0, row), u = Row(stage, 1, row), v = Row(stage, 2, row), south = Row(stage, 2, row - 1);
        T* fluxU = Pair(stage, FluxU, row), bernoulli = Pair(stage, Bernoulli, row);
        T* atEta = at.State(stage, 0, row), atU = at.State(stage, 1, row), atV = at.State(stage, 2, row),
            atSouth = at.State(stage, 2, row - 1);
        Vector256<T> depth = Vector256.Create(Lattice.Depth), gravity = Vector256.Create(Lattice.Gravity), h2 = Vector256.Create(half);
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            Vector256<T> eta = At(e, i), here = At(u, i), speed = TLanes.Shared(atU, i);
            var depthU = Vectors.MultiplyAdd(h2, TLanes.Shared(atEta, i) + TLanes.Shared(atEta, i + 1), depth);
            Put(fluxU, i, Vectors.MultiplyAdd(depthU, here, h2 * speed * (eta + At(e, i + 1))));
            var squares = Vectors.MultiplyAdd(speed, here, TLanes.Shared(atU, i - 1) * At(u, i - 1))
                + Vectors.MultiplyAdd(TLanes.Shared(atV, i), At(v, i), TLanes.Shared(atSouth, i) * At(south, i));
            Put(bernoulli, i, Vectors.MultiplyAdd(h2, squares, gravity * eta));
        }
        FillBefore(fluxU);
        FillAfter(bernoulli);
    }

    protected override void Corners(int stage, int row)
    {
        int columns = Lattice.Nx;
        at.Fetch(stage, 1, row + 1);
        at.Corners(stage, row);
        T* e0 = Row(stage, 0, row), e1 = Row(stage, 0, row + 1), u0 = Row(stage, 1, row), u1 = Row(stage, 1, row + 1),
            v = Row(stage, 2, row);
        T* fluxV = Pair(stage, FluxV, row), fluxU0 = Pair(stage, FluxU, row), fluxU1 = Pair(stage, FluxU, row + 1);
        T* turnU = Pair(stage, TurnU, row), turnV = Pair(stage, TurnV, row);
        T* atEta0 = at.State(stage, 0, row), atEta1 = at.State(stage, 0, row + 1), atV = at.State(stage, 2, row);
        T* vorticity = at.Row(stage, StageCoefficients<T>.Vorticity);
        T* speedX = at.Row(stage, StageCoefficients<T>.SpeedX), speedY = at.Row(stage, StageCoefficients<T>.SpeedY);
        Vector256<T> depth = Vector256.Create(Lattice.Depth), h2 = Vector256.Create(half), dx = Vector256.Create(Lattice.InverseDx),
            dy = Vector256.Create(Lattice.InverseDy);
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            var depthV = Vectors.MultiplyAdd(h2, TLanes.Shared(atEta0, i) + TLanes.Shared(atEta1, i), depth);
            Put(fluxV, i, Vectors.MultiplyAdd(depthV, At(v, i), h2 * TLanes.Shared(atV, i) * (At(e0, i) + At(e1, i))));
        }
        FillAfter(fluxV);
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            var q4 = TLanes.Shared(vorticity, i);
            var turning = Vectors.MultiplyAdd(dx, At(v, i + 1) - At(v, i), dy * (At(u0, i) - At(u1, i)));
            var qTimesDepth = turning - q4 * (At(e0, i) + At(e0, i + 1) + (At(e1, i) + At(e1, i + 1)));
            Put(turnU, i, Vectors.MultiplyAdd(q4, At(fluxV, i) + At(fluxV, i + 1), TLanes.Shared(speedX, i) * qTimesDepth));
            Put(turnV, i, Vectors.MultiplyAdd(q4, At(fluxU0, i) + At(fluxU1, i), TLanes.Shared(speedY, i) * qTimesDepth));
        }
        FillBefore(turnV);
        at.Fetch(stage, 2, row + 1);
    }
}
