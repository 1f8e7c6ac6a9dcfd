using System.Numerics;
using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>
/// The transpose of <see cref="TangentLinearSweep{T, TLanes}"/>. The adjoint of a classical Runge-Kutta step is a Runge-Kutta step of the
/// transposed tendency that takes the stages in the opposite order, so the sweep is the same. A name followed by "Bar" in a comment is
/// the sensitivity to the quantity of that name; a, b, c are the sensitivities to the tendencies of eta, u and v.
/// </summary>
internal sealed unsafe class AdjointSweep<T, TLanes>(Lattice<T> lattice, StageCoefficients<T> at)
    : RowSweep<T, TLanes>(lattice, pairCount: 6, scratchCount: 3)
    where T : unmanaged, INumber<T> where TLanes : struct, ILanes<T>
{
    // kept of two rows: BBar; zetaBar and q/4 zetaBar at the corners; q/4 times turnVBar; v/2 and h_v times VBar
    private const int Bernoulli = 0, Turning = 1, Depths = 2, TurnV = 3, SpeedV = 4, FluxV = 5;

    // of one row: q/4 times turnUBar; u/2 and h_u times UBar
    private const int TurnU = 0, SpeedU = 1, FluxU = 2;

    private static readonly T half = T.One / T.CreateChecked(2);

    protected override void Centres(int stage, int row)
    {
        int columns = Lattice.Nx;
        at.Fetch(3 - stage, 0, row);
        T* b = Row(stage, 1, row), c = Row(stage, 2, row), south = Row(stage, 2, row - 1), bernoulli = Pair(stage, Bernoulli, row);
        Vector256<T> dx = Vector256.Create(Lattice.InverseDx), dy = Vector256.Create(Lattice.InverseDy);
        for (int i = 0; i < columns; i += TLanes.Points)
            Put(bernoulli, i, Vectors.MultiplyAdd(dx, At(b, i) - At(b, i - 1), dy * (At(c, i) - At(south, i))));
        FillAfter(bernoulli);
    }

    protected override void Corners(int stage, int row)
    {
        int columns = Lattice.Nx;
        int linear = 3 - stage;
        at.Fetch(linear, 1, row + 1);
        at.Corners(linear, row);
        T* a0 = Row(stage, 0, row), a1 = Row(stage, 0, row + 1), b0 = Row(stage, 1, row), b1 = Row(stage, 1, row + 1),
            c = Row(stage, 2, row);
        T* vorticity = at.Row(linear, StageCoefficients<T>.Vorticity);
        T* speedX = at.Row(linear, StageCoefficients<T>.SpeedX), speedY = at.Row(linear, StageCoefficients<T>.SpeedY);
        T* atEta0 = at.State(linear, 0, row), atEta1 = at.State(linear, 0, row + 1), atV = at.State(linear, 2, row);
        T* turning = Pair(stage, Turning, row), depths = Pair(stage, Depths, row), turnV = Pair(stage, TurnV, row), turnU = Scratch(TurnU);
        T* speedV = Pair(stage, SpeedV, row), fluxV = Pair(stage, FluxV, row);
        Vector256<T> depth = Vector256.Create(Lattice.Depth), h2 = Vector256.Create(half), dy = Vector256.Create(Lattice.InverseDy);
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            Vector256<T> turnUBar = At(b0, i) + At(b1, i), turnVBar = -(At(c, i) + At(c, i + 1)), q4 = TLanes.Shared(vorticity, i);
            var zeta = Vectors.MultiplyAdd(TLanes.Shared(speedX, i), turnUBar, TLanes.Shared(speedY, i) * turnVBar);
            Put(turning, i, zeta);
            Put(depths, i, q4 * zeta);
            Put(turnU, i, q4 * turnUBar);
            Put(turnV, i, q4 * turnVBar);
        }
        FillBefore(turning);
        FillBefore(depths);
        FillBefore(turnU);
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            var flux = Vectors.MultiplyAdd(dy, At(a1, i) - At(a0, i), At(turnU, i) + At(turnU, i - 1));
            Put(speedV, i, h2 * TLanes.Shared(atV, i) * flux);
            Put(fluxV, i, Vectors.MultiplyAdd(h2, TLanes.Shared(atEta0, i) + TLanes.Shared(atEta1, i), depth) * flux);
        }
        at.Fetch(linear, 2, row + 1);
    }

    protected override void Wall(int stage, int row)
    {
        for (int kind = Turning; kind <= FluxV; kind++) Clear(Pair(stage, kind, row));
    }

    protected override void Tendency(int stage, int row, T* baseEta, T* baseU, T* baseV, T weight, T* eta, T* u, T* v)
    {
        int columns = Lattice.Nx;
        int linear = 3 - stage;
        T* a = Row(stage, 0, row);
        T* b0 = Row(stage, 1, row), bNorth = Row(stage, 1, row + 1), bSouth = Row(stage, 1, row - 1);
        T* c0 = Row(stage, 2, row), cNorth = Row(stage, 2, row + 1), cSouth = Row(stage, 2, row - 1);
        T* atEta = at.State(linear, 0, row), atU = at.State(linear, 1, row), atV = at.State(linear, 2, row);
        T* bernoulli0 = Pair(stage, Bernoulli, row), bernoulli1 = Pair(stage, Bernoulli, row + 1);
        T* turning0 = Pair(stage, Turning, row), turningSouth = Pair(stage, Turning, row - 1), depths0 = Pair(stage, Depths, row),
            depthsSouth = Pair(stage, Depths, row - 1);
        T* turnV0 = Pair(stage, TurnV, row), turnVSouth = Pair(stage, TurnV, row - 1);
        T* speedV0 = Pair(stage, SpeedV, row), speedVSouth = Pair(stage, SpeedV, row - 1), fluxV = Pair(stage, FluxV, row);
        T* speedU = Scratch(SpeedU), fluxU = Scratch(FluxU);
        Vector256<T> h = Vector256.Create(weight), depth = Vector256.Create(Lattice.Depth), h2 = Vector256.Create(half),
            gravity = Vector256.Create(Lattice.Gravity), dx = Vector256.Create(Lattice.InverseDx), dy = Vector256.Create(Lattice.InverseDy);
        Vector256<T> viscosityX = Vector256.Create(Lattice.ViscosityX), viscosityY = Vector256.Create(Lattice.ViscosityY),
            damping = Vector256.Create(Lattice.Damping);
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            var flux = Vectors.MultiplyAdd(dx, At(a, i + 1) - At(a, i), At(turnV0, i) + At(turnVSouth, i));
            Put(speedU, i, h2 * TLanes.Shared(atU, i) * flux);
            Put(fluxU, i, Vectors.MultiplyAdd(h2, TLanes.Shared(atEta, i) + TLanes.Shared(atEta, i + 1), depth) * flux);
        }
        FillBefore(speedU);
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            var head = At(bernoulli0, i);
            var heights = Vectors.MultiplyAdd(gravity, head, At(speedU, i) + At(speedU, i - 1) + (At(speedV0, i) + At(speedVSouth, i)))
                - (At(depths0, i) + At(depths0, i - 1) + (At(depthsSouth, i) + At(depthsSouth, i - 1)));
            Put(eta, i, Vectors.MultiplyAdd(h, heights, At(baseEta, i)));
        }
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            var alongX = Vectors.MultiplyAdd(h2 * TLanes.Shared(atU, i), At(bernoulli0, i) + At(bernoulli0, i + 1), At(fluxU, i));
            alongX = Vectors.MultiplyAdd(dy, At(turning0, i) - At(turningSouth, i), alongX);
            alongX = Vectors.MultiplyAdd(viscosityX, At(b0, i - 1) + At(b0, i + 1), alongX);
            alongX = Vectors.MultiplyAdd(viscosityY, At(bSouth, i) + At(bNorth, i), alongX);
            Put(u, i, Vectors.MultiplyAdd(h, Vectors.MultiplyAdd(damping, At(b0, i), alongX), At(baseU, i)));
        }
        for (int i = 0; i < columns; i += TLanes.Points)
        {
            var alongY = Vectors.MultiplyAdd(h2 * TLanes.Shared(atV, i), At(bernoulli0, i) + At(bernoulli1, i), At(fluxV, i));
            alongY = Vectors.MultiplyAdd(dx, At(turning0, i - 1) - At(turning0, i), alongY);
            alongY = Vectors.MultiplyAdd(viscosityX, At(c0, i - 1) + At(c0, i + 1), alongY);
            alongY = Vectors.MultiplyAdd(viscosityY, At(cSouth, i) + At(cNorth, i), alongY);
            Put(v, i, Vectors.MultiplyAdd(h, Vectors.MultiplyAdd(damping, At(c0, i), alongY), At(baseV, i)));
        }
    }
}
