using System.Numerics;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A vectorised Runge-Kutta step of Lorenz-96, with its tangent linear and adjoint, over the states' memory and without tensor operators.
/// On the processor it is some ten times as fast as a step of forty small operators.
/// </summary>
internal static unsafe class Lorenz96Kernel
{
    /// <summary>Nanoseconds for a component and step.</summary>
    public const double TimeOfOne = 6;

    /// <summary>The state after one step or more.</summary>
    public static Tensor Advance(Tensor state, double forcing, double h, long steps)
    {
        using var copy = state.is_contiguous() ? null : state.contiguous();
        var result = Like(state);
        nint from = Address(copy ?? state), to = Address(result);
        ForRows(state, forcing, h, steps, (circle, at) =>
        {
            circle.Step(from + at, to + at);
            for (long k = 1; k < steps; k++) circle.Step(to + at, to + at);
        });
        GC.KeepAlive(state);
        return result;
    }

    public static (Tensor State, Tensor Perturbation) TangentLinear(Tensor state, Tensor perturbation, double forcing, double h)
    {
        using Tensor x = state.contiguous(), dx = perturbation.contiguous();
        Tensor result = Like(state), tangent = Like(state);
        nint from = Address(x), along = Address(dx), to = Address(result), toTangent = Address(tangent);
        ForRows(state, forcing, h, 2, (circle, at) => circle.TangentLinear(from + at, along + at, to + at, toTangent + at));
        return (result, tangent);
    }

    public static Tensor Adjoint(Tensor state, Tensor sensitivity, double forcing, double h)
    {
        using Tensor x = state.contiguous(), v = sensitivity.contiguous();
        var result = Like(state);
        nint from = Address(x), back = Address(v), to = Address(result);
        ForRows(state, forcing, h, 2, (circle, at) => circle.Adjoint(from + at, back + at, to + at));
        return result;
    }

    /// <summary>The states after a step, state after state of n numbers.</summary>
    public static void Step(int n, ReadOnlySpan<float> states, Span<float> next, double forcing, double h)
    {
        using var room = new RentedMemory<float>(Circle<float>.Numbers(n));
        var circle = new Circle<float>(n, (float)forcing, (float)h, room.Start);
        fixed (float* from = states, to = next)
            for (int at = 0; at < states.Length; at += n) circle.Step((nint)(from + at), (nint)(to + at));
    }

    /// <summary>The sensitivities before a step, in the place of those after it.</summary>
    public static void Adjoint(int n, ReadOnlySpan<float> states, Span<float> sensitivities, double forcing, double h)
    {
        using var room = new RentedMemory<float>(Circle<float>.Numbers(n));
        var circle = new Circle<float>(n, (float)forcing, (float)h, room.Start);
        fixed (float* from = states, back = sensitivities)
            for (int at = 0; at < states.Length; at += n) circle.Adjoint((nint)(from + at), (nint)(back + at), (nint)(back + at));
    }

    private static Tensor Like(Tensor state) => empty(state.Sizes(), dtype: state.dtype);

    private static nint Address(Tensor tensor) => (nint)KernelMemory.Address<byte>(tensor);

    // Runs the computation for each row of [..., n], given by its offset in bytes.
    private static void ForRows(Tensor state, double forcing, double h, long steps, Action<ICircle, nint> compute)
    {
        if (state.dtype == ScalarType.Float64) ForRows<double>(state, forcing, h, steps, compute);
        else ForRows<float>(state, forcing, h, steps, compute);
    }

    private static void ForRows<T>(Tensor state, double forcing, double h, long steps, Action<ICircle, nint> compute)
        where T : unmanaged, INumber<T>
    {
        int n = (int)state.size(-1);
        SharedWork.ForEach(state.numel() / n, TimeOfOne * n * steps, (first, end) =>
        {
            using var room = new RentedMemory<T>(Circle<T>.Numbers(n));
            var circle = new Circle<T>(n, T.CreateChecked(forcing), T.CreateChecked(h), room.Start);
            for (long row = first; row < end; row++) compute(circle, (nint)(row * n * sizeof(T)));
        });
    }

    // The arithmetic in either precision, on addresses of its numbers.
    private interface ICircle
    {
        void Step(nint x, nint result);

        void TangentLinear(nint x, nint dx, nint result, nint tangent);

        void Adjoint(nint x, nint sensitivity, nint result);
    }

    /// <summary>
    /// The arithmetic for one state. Its buffers hold circles cut open, y_{-2} .. y_{n+1} and room for the last vector to run over; what
    /// lies beyond n + 1 is never read back.
    /// </summary>
    private readonly struct Circle<T> : ICircle where T : unmanaged, INumber<T>
    {
        private const int Buffers = 8;
        private static readonly T two = T.CreateChecked(2), three = T.CreateChecked(3), six = T.CreateChecked(6);

        private readonly int size;
        private readonly T forcing, h;
        private readonly T* y1, y2, y3, y4, end, u, v, w;       // at component 0

        public Circle(int size, T forcing, T h, T* memory)
        {
            (this.size, this.forcing, this.h) = (size, forcing, h);
            new Span<T>(memory, (int)Numbers(size)).Clear();
            int length = Length(size);
            y1 = memory + Before;
            y2 = y1 + length;
            y3 = y2 + length;
            y4 = y3 + length;
            end = y4 + length;
            u = end + length;
            v = u + length;
            w = v + length;
        }

        /// <summary>The count of numbers that the buffers hold.</summary>
        public static long Numbers(int size) => Buffers * (long)Length(size);

        // Component 0 is at a vector boundary.
        private static int Before => Vector512<T>.Count;

        private static int Length(int size) => PinnedMemory.WholeLines<T>(Before + size + 2 + Vector256<T>.Count);

        public void Step(nint x, nint result)
        {
            Stages((T*)x);
            Stage(y4, y1, y4, h / six, T.Zero);
            Copy(end, (T*)result);
        }

        public void TangentLinear(nint x, nint dx, nint result, nint tangent)
        {
            Step(x, result);
            Load((T*)dx, u);
            Copy(u, end);
            TangentStage(y1, u, v, h / six, h / two);
            TangentStage(y2, v, w, h / three, h / two);
            TangentStage(y3, w, v, h / three, h);
            TangentStage(y4, v, w, h / six, T.Zero);
            Copy(end, (T*)tangent);
        }

        public void Adjoint(nint x, nint sensitivity, nint result)
        {
            Stages((T*)x);
            Load((T*)sensitivity, u);
            Copy(u, end);
            for (int i = 0; i < size; i++) v[i] = h / six * u[i];
            Close(v);
            AdjointStage(y4, v, w, h / three, h);
            AdjointStage(y3, w, v, h / three, h / two);
            AdjointStage(y2, v, w, h / six, h / two);
            AdjointStage(y1, w, v, T.Zero, T.Zero);
            Copy(end, (T*)result);
        }

        // The states y1 = x, y2, y3, y4 at which the four slopes are taken; end = x + h/6 k1 + h/3 k2 + h/3 k3.
        private void Stages(T* x)
        {
            Load(x, y1);
            Copy(y1, end);
            Stage(y1, y1, y2, h / six, h / two);
            Stage(y2, y1, y3, h / three, h / two);
            Stage(y3, y1, y4, h / three, h);
        }

        // k = f(y): end += weight k, next = x + step k
        private void Stage(T* y, T* x, T* next, T weight, T step)
        {
            var f = Vector256.Create(forcing);
            for (int i = 0; i < size; i += Vector256<T>.Count)
            {
                var k = (At(y, i + 1) - At(y, i - 2)) * At(y, i - 1) - At(y, i) + f;
                Put(end, i, At(end, i) + weight * k);
                if (step != T.Zero) Put(next, i, At(x, i) + step * k);
            }
            if (step != T.Zero) Close(next);
        }

        // dk = f'(y) dy: end += weight dk, next = dx + step dk, where u holds dx
        private void TangentStage(T* y, T* dy, T* next, T weight, T step)
        {
            for (int i = 0; i < size; i += Vector256<T>.Count)
            {
                var dk = (At(dy, i + 1) - At(dy, i - 2)) * At(y, i - 1) + (At(y, i + 1) - At(y, i - 2)) * At(dy, i - 1) - At(dy, i);
                Put(end, i, At(end, i) + weight * dk);
                Put(next, i, At(u, i) + step * dk);
            }
            Close(next);
        }

        // g = f'(y)^T dk: end += g, next = weight dx + step g, where u holds the sensitivity
        private void AdjointStage(T* y, T* dk, T* next, T weight, T step)
        {
            for (int i = 0; i < size; i += Vector256<T>.Count)
            {
                var g = At(dk, i - 1) * At(y, i - 2) - At(dk, i + 2) * At(y, i + 1) +
                    At(dk, i + 1) * (At(y, i + 2) - At(y, i - 1)) - At(dk, i);
                Put(end, i, At(end, i) + g);
                Put(next, i, weight * At(u, i) + step * g);
            }
            Close(next);
        }

        private void Load(T* values, T* buffer)
        {
            Copy(values, buffer);
            Close(buffer);
        }

        private void Copy(T* from, T* to) => new Span<T>(from, size).CopyTo(new Span<T>(to, size));

        // Fills the halo from the other side of the circle.
        private void Close(T* y)
        {
            y[-2] = y[size - 2];
            y[-1] = y[size - 1];
            y[size] = y[0];
            y[size + 1] = y[1];
        }

        private static Vector256<T> At(T* y, int i) => Vector256.Load(y + i);

        private static void Put(T* y, int i, Vector256<T> value) => value.Store(y + i);
    }
}
