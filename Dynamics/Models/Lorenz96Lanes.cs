using System.Numerics;
using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>
/// The Runge-Kutta step of Lorenz-96 for as many states as a vector has lanes: the operations of <see cref="Lorenz96Kernel"/> in the same
/// order, so that each lane has the bits of a state alone.
/// </summary>
internal static unsafe class Lorenz96Lanes
{
    // The circle cut open: two sites before the first, one behind the last.
    private const int Before = 2, Halo = 3;

    /// <summary>The size of the working memory, in vectors.</summary>
    public static int WorkSize(int n) => 2 * (n + Halo) + n;

    /// <summary>The states after some steps, n vectors.</summary>
    public static void Advance<T>(Vector512<T>* states, Vector512<T>* next, int n, T forcing, T h, long steps, Vector512<T>* work)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T two = T.One + T.One, three = two + T.One, six = three + three;
        Vector512<T>* even = work + Before, odd = even + n + Halo, end = work + 2 * (n + Halo);
        for (long k = 0; k < steps; k++, states = next)
        {
            for (int i = 0; i < n; i++) even[i] = states[i];
            Close(even, n);
            Stage(even, states, states, end, odd, n, forcing, h / six, h / two);
            Stage(odd, states, end, end, even, n, forcing, h / three, h / two);
            Stage(even, states, end, end, odd, n, forcing, h / three, h);
            Last(odd, end, next, n, forcing, h / six);
        }
    }

    // k = f(y): sum = before + weight k, next = x + step k
    private static void Stage<T>(Vector512<T>* y, Vector512<T>* x, Vector512<T>* before, Vector512<T>* sum, Vector512<T>* next, int n,
        T forcing, T weight, T step) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> f = Vector512.Create(forcing), w = Vector512.Create(weight), s = Vector512.Create(step), twoBehind = y[-2],
            behind = y[-1], here = y[0];
        for (int i = 0; i < n; i++)
        {
            var ahead = y[i + 1];
            var k = (ahead - twoBehind) * behind - here + f;
            sum[i] = before[i] + w * k;
            next[i] = x[i] + s * k;
            (twoBehind, behind, here) = (behind, here, ahead);
        }
        Close(next, n);
    }

    private static void Last<T>(Vector512<T>* y, Vector512<T>* before, Vector512<T>* sum, int n, T forcing, T weight)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> f = Vector512.Create(forcing), w = Vector512.Create(weight), twoBehind = y[-2], behind = y[-1], here = y[0];
        for (int i = 0; i < n; i++)
        {
            var ahead = y[i + 1];
            sum[i] = before[i] + w * ((ahead - twoBehind) * behind - here + f);
            (twoBehind, behind, here) = (behind, here, ahead);
        }
    }

    private static void Close<T>(Vector512<T>* y, int n) where T : unmanaged => (y[-2], y[-1], y[n]) = (y[n - 2], y[n - 1], y[0]);
}
