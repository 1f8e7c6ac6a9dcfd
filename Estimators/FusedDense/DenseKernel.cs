using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The arithmetic of fully connected and recurrent layers over plain memory, in single precision, for the available vector instructions.
/// An element of a product is one sum in the order of its terms, whatever the instructions or threads.
/// </summary>
internal abstract unsafe class DenseKernel
{
    /// <summary>The number of columns that a product computes at most at once; its right factor is padded to whole multiples.</summary>
    public const int Columns = 32;

    /// <summary>The time of a multiply-add in a product, in nanoseconds: an estimate for <see cref="SharedWork"/>.</summary>
    public const double TimeOfOne = 0.02;

    /// <summary>The number of rows of a weight's gradient that make a piece of shared work: some tiles.</summary>
    public const int Share = 4 * TileRows;

    private const int TileRows = 6;

    /// <summary>The number of pieces of a weight's gradient.</summary>
    public static int Shares(int rows) => (rows + Share - 1) / Share;

    /// <summary>The fastest kernel that this CPU runs.</summary>
    public static DenseKernel Best { get; } =
        Avx512Simd.IsSupported ? new Avx512() : Avx2Simd.IsSupported ? new Avx2() : new Portable();

    /// <summary>All kernels that this CPU runs, the fastest first.</summary>
    public static IReadOnlyList<DenseKernel> Supported { get; } =
        [.. Avx512Simd.IsSupported ? [new Avx512()] : Array.Empty<DenseKernel>(), .. Avx2Simd.IsSupported ? [new Avx2()]
        : Array.Empty<DenseKernel>(), new Portable()];

    /// <summary>The kernel's name.</summary>
    public string Name => GetType().Name switch { nameof(Avx512) => "AVX-512", nameof(Avx2) => "AVX2", _ => "portable" };

    /// <summary>
    /// Whether a network learns from an input, on the CPU and in single precision. A network in use goes by operators, which take a row as
    /// well as many, and can be differentiated any number of times.
    /// </summary>
    /// <param name="weight">A weight that learns.</param>
    /// <param name="input">The input.</param>
    public static bool Serves(Tensor weight, Tensor input) => weight.requires_grad && is_grad_enabled()
        && weight.dtype == ScalarType.Float32 && KernelMemory.Holds(weight, input) && input.numel() > 0;

    /// <summary>Which way a network is computed that could be in one piece, in words.</summary>
    /// <param name="weight">One of its weights.</param>
    public static string InUse(Tensor weight) =>
        weight.dtype != ScalarType.Float32 ? "plain operators: the fused network is in single precision"
        : weight.device_type != DeviceType.CPU
        ? $"plain operators: the fused network runs on the processor, the weights are on {weight.device}"
        : $"fused, {Best.Name}";

    /// <summary>Computes c[r][j] = bias[r] + sum over k of a[r][k] b[k][j], or adds the sum to c.</summary>
    /// <param name="a">The left factor.</param>
    /// <param name="b">The right factor, by rows; a row can be read up to a multiple of <see cref="Columns"/>.</param>
    /// <param name="bRow">The distance from one row of b to the next, in numbers.</param>
    /// <param name="c">The product, by rows.</param>
    /// <param name="cRow">The distance from one row of c to the next, in numbers.</param>
    /// <param name="rows">The number of rows of c.</param>
    /// <param name="inner">The number of terms of a sum.</param>
    /// <param name="columns">The number of columns of c.</param>
    /// <param name="bias">[rows], or null for none.</param>
    /// <param name="adds">Whether the sum is added to c; there is no bias then.</param>
    public abstract void Multiply(LeftFactor a, float* b, int bRow, float* c, int cRow, int rows, int inner, int columns, float* bias,
        bool adds);

    /// <summary>target = input + alpha LeakyReLU(inner)</summary>
    public abstract void AddLeaky(float* input, float* inner, float alpha, float* target, int count);

    /// <summary>
    /// Computes the sensitivity to the inner values from that to <see cref="AddLeaky"/>'s result, and gives the sensitivity to alpha.
    /// </summary>
    public abstract float LeakySensitivity(float* sensitivity, float* inner, float alpha, float* target, int count);

    /// <summary>
    /// A step of a long short-term memory, for one hidden value after another: in place the gates (i, f, g, o) from their arguments, then
    /// C_k = f C_(k-1) + i g, tanh C_k and h_k = o tanh C_k.
    /// </summary>
    /// <param name="gates">Four times <paramref name="count"/> numbers.</param>
    /// <param name="before">C_(k-1), or null for zero.</param>
    /// <param name="cell">C_k</param>
    /// <param name="squashed">tanh C_k</param>
    /// <param name="hidden">h_k</param>
    /// <param name="count">The number of hidden values in all lanes.</param>
    public abstract void Remember(float* gates, float* before, float* cell, float* squashed, float* hidden, int count);

    /// <summary>The way back through <see cref="Remember"/>.</summary>
    /// <param name="gates">The gates.</param>
    /// <param name="before">C_(k-1), or null for zero.</param>
    /// <param name="squashed">tanh C_k</param>
    /// <param name="toHidden">The sensitivity to h_k.</param>
    /// <param name="toCell">The sensitivity to C_k beside that through h_k; then that to C_(k-1).</param>
    /// <param name="toGates">The sensitivity to the gates' arguments.</param>
    /// <param name="count">The number of hidden values in all lanes.</param>
    public abstract void RememberBackward(float* gates, float* before, float* squashed, float* toHidden, float* toCell, float* toGates,
        int count);

    /// <summary>Adds the sum of each row to a number.</summary>
    public abstract void AddSums(float* rows, int row, int count, int columns, float* sums);

    private sealed class Avx512 : Of<Avx512Simd, System.Runtime.Intrinsics.Vector512<float>>;

    private sealed class Avx2 : Of<Avx2Simd, System.Runtime.Intrinsics.Vector256<float>>;

    private sealed class Portable : Of<PortableSimd, System.Runtime.Intrinsics.Vector128<float>>;

    private abstract class Of<S, V> : DenseKernel where S : struct, ISimd<V> where V : struct
    {
        private static int TileColumns => 2 * S.Width;

        public override void Multiply(LeftFactor a, float* b, int bRow, float* c, int cRow, int rows, int inner, int columns, float* bias,
            bool adds)
        {
            float* margin = stackalloc float[TileRows * Columns];
            for (int j = 0; j < columns; j += TileColumns)      // a tile's columns of b stay in the first cache for all rows
                for (int r = 0; r < rows; r += TileRows)
                {
                    var left = a.From(r);
                    int height = Math.Min(TileRows, rows - r), width = Math.Min(TileColumns, columns - j);
                    float* starts = bias is null ? null : bias + r, target = c + (long)r * cRow + j;
                    if (width == TileColumns)
                    {
                        Tile(left, b + j, bRow, target, cRow, height, inner, starts, adds);
                        continue;
                    }
                    if (adds) Copy(target, cRow, margin, TileColumns, height, width);
                    Tile(left, b + j, bRow, margin, TileColumns, height, inner, starts, adds);
                    Copy(margin, TileColumns, target, cRow, height, width);
                }
        }

        private static void Copy(float* from, int fromRow, float* to, int toRow, int height, int width)
        {
            for (int r = 0; r < height; r++)
                new ReadOnlySpan<float>(from + (long)r * fromRow, width).CopyTo(new Span<float>(to + (long)r * toRow, width));
        }

        // Six rows by two vectors; beyond the last row, the last one is computed and stored again.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Tile(LeftFactor left, float* b, nint bRow, float* c, nint cRow, int height, int inner, float* bias, bool adds)
        {
            int last = height - 1, i1 = Math.Min(1, last), i2 = Math.Min(2, last), i3 = Math.Min(3, last), i4 = Math.Min(4, last);
            float* a = left.Start, c1 = c + i1 * cRow, c2 = c + i2 * cRow, c3 = c + i3 * cRow, c4 = c + i4 * cRow, c5 = c + last * cRow;
            nint step = left.Step, r1 = i1 * left.Row, r2 = i2 * left.Row, r3 = i3 * left.Row, r4 = i4 * left.Row, r5 = last * left.Row;
            V a00, a01, a10, a11, a20, a21, a30, a31, a40, a41, a50, a51;
            if (adds)
            {
                a00 = S.Load(c); a01 = S.Load(c + S.Width); a10 = S.Load(c1); a11 = S.Load(c1 + S.Width);
                a20 = S.Load(c2); a21 = S.Load(c2 + S.Width); a30 = S.Load(c3); a31 = S.Load(c3 + S.Width);
                a40 = S.Load(c4); a41 = S.Load(c4 + S.Width); a50 = S.Load(c5); a51 = S.Load(c5 + S.Width);
            }
            else
            {
                a00 = a01 = S.Of(bias is null ? 0 : bias[0]);
                a10 = a11 = S.Of(bias is null ? 0 : bias[i1]);
                a20 = a21 = S.Of(bias is null ? 0 : bias[i2]);
                a30 = a31 = S.Of(bias is null ? 0 : bias[i3]);
                a40 = a41 = S.Of(bias is null ? 0 : bias[i4]);
                a50 = a51 = S.Of(bias is null ? 0 : bias[last]);
            }
            for (int k = 0; k < inner; k++)
            {
                V b0 = S.Load(b), b1 = S.Load(b + S.Width);
                V x = S.Of(a[0]);
                a00 = S.MultiplyAdd(x, b0, a00); a01 = S.MultiplyAdd(x, b1, a01);
                x = S.Of(a[r1]);
                a10 = S.MultiplyAdd(x, b0, a10); a11 = S.MultiplyAdd(x, b1, a11);
                x = S.Of(a[r2]);
                a20 = S.MultiplyAdd(x, b0, a20); a21 = S.MultiplyAdd(x, b1, a21);
                x = S.Of(a[r3]);
                a30 = S.MultiplyAdd(x, b0, a30); a31 = S.MultiplyAdd(x, b1, a31);
                x = S.Of(a[r4]);
                a40 = S.MultiplyAdd(x, b0, a40); a41 = S.MultiplyAdd(x, b1, a41);
                x = S.Of(a[r5]);
                a50 = S.MultiplyAdd(x, b0, a50); a51 = S.MultiplyAdd(x, b1, a51);
                a += step;
                b += bRow;
            }
            S.Store(c, a00); S.Store(c + S.Width, a01); S.Store(c1, a10); S.Store(c1 + S.Width, a11);
            S.Store(c2, a20); S.Store(c2 + S.Width, a21); S.Store(c3, a30); S.Store(c3 + S.Width, a31);
            S.Store(c4, a40); S.Store(c4 + S.Width, a41); S.Store(c5, a50); S.Store(c5 + S.Width, a51);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void AddLeaky(float* input, float* inner, float alpha, float* target, int count)
        {
            V a = S.Of(alpha);
            for (int i = 0; i < count; i += S.Width) S.Store(target + i, S.MultiplyAdd(a, Leaky(S.Load(inner + i)), S.Load(input + i)));
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override float LeakySensitivity(float* sensitivity, float* inner, float alpha, float* target, int count)
        {
            V a = S.Of(alpha), sum = S.Of(0);
            for (int i = 0; i < count; i += S.Width)
            {
                V d = S.Load(sensitivity + i), u = S.Load(inner + i);
                sum = S.MultiplyAdd(d, Leaky(u), sum);
                // the slope: a factor that makes every positive number larger than one
                V slope = S.Min(S.Max(S.Multiply(u, S.Of(float.MaxValue)), S.Of(Slope)), S.Of(1));
                S.Store(target + i, S.Multiply(S.Multiply(a, d), slope));
            }
            return S.Sum(sum);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void Remember(float* gates, float* before, float* cell, float* squashed, float* hidden, int count)
        {
            float* f = gates + count, g = f + count, o = g + count;
            for (int j = 0; j < count; j += S.Width)
            {
                V input = Exponential<S, V>.Sigmoid(S.Load(gates + j)), forget = Exponential<S, V>.Sigmoid(S.Load(f + j));
                V value = Exponential<S, V>.Tanh(S.Load(g + j)), output = Exponential<S, V>.Sigmoid(S.Load(o + j));
                V state = S.Multiply(input, value);
                if (before is not null) state = S.MultiplyAdd(forget, S.Load(before + j), state);
                V bounded = Exponential<S, V>.Tanh(state);
                S.Store(gates + j, input); S.Store(f + j, forget); S.Store(g + j, value); S.Store(o + j, output);
                S.Store(cell + j, state); S.Store(squashed + j, bounded);
                S.Store(hidden + j, S.Multiply(output, bounded));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void RememberBackward(float* gates, float* before, float* squashed, float* toHidden, float* toCell, float* toGates,
            int count)
        {
            V one = S.Of(1);
            float* f = gates + count, g = f + count, o = g + count;
            for (int j = 0; j < count; j += S.Width)
            {
                V input = S.Load(gates + j), forget = S.Load(f + j), value = S.Load(g + j), output = S.Load(o + j);
                V bounded = S.Load(squashed + j), d = S.Load(toHidden + j), through = S.Multiply(d, output);
                V state = S.Add(S.Load(toCell + j), S.Multiply(through, S.Subtract(one, S.Multiply(bounded, bounded))));
                S.Store(toGates + j, S.Multiply(S.Multiply(state, value), SlopeAt(input)));
                V toForget = before is null ? S.Of(0) : S.Multiply(S.Multiply(state, S.Load(before + j)), SlopeAt(forget));
                S.Store(toGates + count + j, toForget);
                S.Store(toGates + 2 * count + j, S.Multiply(S.Multiply(state, input), S.Subtract(one, S.Multiply(value, value))));
                S.Store(toGates + 3 * count + j, S.Multiply(S.Multiply(d, bounded), SlopeAt(output)));
                S.Store(toCell + j, S.Multiply(state, forget));
            }
        }

        // s (1 - s), the slope of the sigmoid where it is s
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V SlopeAt(V gate) => S.Multiply(gate, S.Subtract(S.Of(1), gate));

        public override void AddSums(float* rows, int row, int count, int columns, float* sums)
        {
            for (int r = 0; r < count; r++, rows += row)
            {
                V sum = S.Of(0);
                for (int i = 0; i < columns; i += S.Width) sum = S.Add(sum, S.Load(rows + i));
                sums[r] += S.Sum(sum);
            }
        }

        private const float Slope = 0.01f;      // libtorch's default

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V Leaky(V u) => S.Max(u, S.Multiply(u, S.Of(Slope)));
    }
}

/// <summary>A matrix of which a product reads single numbers: any distances from row to row and from column to column.</summary>
/// <param name="start">The first number.</param>
/// <param name="row">The distance from one row to the next, in numbers.</param>
/// <param name="step">The distance from one column to the next, in numbers.</param>
internal readonly unsafe struct LeftFactor(float* start, nint row, nint step)
{
    /// <summary>The first number.</summary>
    public float* Start => start;

    /// <summary>The distance from one row to the next.</summary>
    public nint Row => row;

    /// <summary>The distance from one column to the next.</summary>
    public nint Step => step;

    /// <summary>The matrix from a row on.</summary>
    public LeftFactor From(int first) => new(start + first * row, row, step);

    /// <summary>A matrix that lies row by row.</summary>
    public static LeftFactor Of(float* start, int columns) => new(start, columns, 1);

    /// <summary>The transpose of a matrix that lies row by row.</summary>
    public static LeftFactor Transposed(float* start, int columns) => new(start, 1, columns);
}
