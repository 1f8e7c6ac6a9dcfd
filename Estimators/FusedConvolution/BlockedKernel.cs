using System.Runtime.CompilerServices;

namespace DaML.Components;

/// <summary>
/// The arithmetic of the fused network for one group of lanes (<see cref="BlockedLayout"/>), for the available vector instructions.
/// </summary>
internal abstract unsafe partial class BlockedKernel
{
    /// <summary>
    /// The numbers behind the end of a field that may be read, and are then discarded: a tile's sites and a kernel's reach.
    /// </summary>
    public static int Slack(int kernel) => (TileSites + kernel) * BlockedLayout.Lanes;

    private protected const int TileSites = 5;

    /// <summary>The fastest kernel that this CPU runs.</summary>
    public static BlockedKernel Best { get; } =
        Avx512Simd.IsSupported ? new Avx512() : Avx2Simd.IsSupported ? new Avx2() : new Portable();

    /// <summary>All kernels that this CPU runs, the fastest first.</summary>
    public static IReadOnlyList<BlockedKernel> Supported { get; } =
        [.. Avx512Simd.IsSupported ? [new Avx512()] : Array.Empty<BlockedKernel>(), .. Avx2Simd.IsSupported ? [new Avx2()]
        : Array.Empty<BlockedKernel>(), new Portable()];

    /// <summary>The kernel's name.</summary>
    public string Name => GetType().Name switch { nameof(Avx512) => "AVX-512", nameof(Avx2) => "AVX2", _ => "portable" };

    /// <summary>output[o][s] = bias[o] + sum over i, k of weight[o][i][k] input[i][s + k].</summary>
    /// <param name="input">The input with its halo, from its first site on.</param>
    /// <param name="inputRow">The distance from one channel to the next, in numbers.</param>
    /// <param name="weight">[outputs][inputs][kernel]</param>
    /// <param name="bias">[outputs], or null for none.</param>
    /// <param name="output">The first inner site of the output.</param>
    /// <param name="outputRow">The distance from one channel to the next, in numbers.</param>
    /// <param name="inputs">The number of input channels.</param>
    /// <param name="outputs">The number of output channels.</param>
    /// <param name="sites">The number of sites.</param>
    /// <param name="kernel">The number of taps.</param>
    public abstract void Convolve(float* input, int inputRow, float* weight, float* bias, float* output, int outputRow, int inputs,
        int outputs, int sites, int kernel);

    /// <summary>The same for five taps with fewer multiplications (<see cref="MinimalFilter"/>).</summary>
    /// <param name="input">The input with its halo, from its first site on.</param>
    /// <param name="inputRow">The distance from one channel to the next, in numbers.</param>
    /// <param name="weight">The transformed weights.</param>
    /// <param name="bias">[outputs], or null for none.</param>
    /// <param name="output">The first inner site of the output.</param>
    /// <param name="outputRow">The distance from one channel to the next, in numbers.</param>
    /// <param name="inputs">The number of input channels.</param>
    /// <param name="outputs">The number of output channels.</param>
    /// <param name="sites">The number of sites, at least four.</param>
    public abstract void ConvolveMinimal(float* input, int inputRow, float* weight, float* bias, float* output, int outputRow, int inputs,
        int outputs, int sites);

    /// <summary>gradient[o][i][k] += sum over sites and lanes of sensitivity[o][s] input[i][s + k].</summary>
    public abstract void WeightGradient(float* sensitivity, int sensitivityRow, float* input, int inputRow, float* gradient, int inputs,
        int outputs, int sites, int kernel);

    /// <summary>Computes the mean, and the sum of squared deviations from it, of each channel over sites and existing lanes.</summary>
    public abstract void Moments(float* field, int channels, int sites, int filled, float* means, float* deviations);

    /// <summary>Adds the sum of each channel over sites and lanes.</summary>
    public abstract void Sums(float* field, int row, int channels, int sites, float* sums);

    /// <summary>target += added</summary>
    public abstract void Add(float* added, float* target, int count);

    /// <summary>target = mish(scale field + shift) + skip, or without mish, channel by channel.</summary>
    /// <param name="activation">Whether mish is applied.</param>
    /// <param name="field">The first inner site of the field; no halo.</param>
    /// <param name="scale">[channels]</param>
    /// <param name="shift">[channels]</param>
    /// <param name="skip">The first inner site of the summand, with the target's row distance; null for nothing.</param>
    /// <param name="target">The first inner site of the target.</param>
    /// <param name="row">The distance from one channel of the target to the next, in numbers.</param>
    /// <param name="channels">The number of channels.</param>
    /// <param name="sites">The number of sites.</param>
    public abstract void Activate(NetworkActivation activation, float* field, float* scale, float* shift, float* skip, float* target,
        int row, int channels, int sites);

    /// <summary>
    /// In place: the sensitivity to u = scale field + shift from that to mish(u), or to u; and its sums over sites and lanes, unweighted
    /// and weighted with the normalised field (field - mean) deviation^-1.
    /// </summary>
    public abstract void ActivateBackward(NetworkActivation activation, float* field, float* scale, float* shift, float* mean,
        float* inverseDeviation, float* sensitivity, int row,
        int channels, int sites, float* sums, float* weightedSums);

    /// <summary>
    /// In place: scale (sensitivity - a - b (field - mean) deviation^-1), zero in lanes that do not exist; also adds the sums of the
    /// result over sites and lanes.
    /// </summary>
    public abstract void NormaliseBackward(float* field, float* scale, float* mean, float* inverseDeviation, float* a, float* b,
        float* sensitivity, int row,
        int channels, int sites, int filled, float* sums);

    private sealed class Avx512 : Of<Avx512Simd, System.Runtime.Intrinsics.Vector512<float>>;

    private sealed class Avx2 : Of<Avx2Simd, System.Runtime.Intrinsics.Vector256<float>>;

    private sealed class Portable : Of<PortableSimd, System.Runtime.Intrinsics.Vector128<float>>;

    private abstract partial class Of<S, V> : BlockedKernel where S : struct, ISimd<V> where V : struct
    {
        private const int Lanes = BlockedLayout.Lanes;

        public override void Convolve(float* input, int inputRow, float* weight, float* bias, float* output, int outputRow, int inputs,
            int outputs, int sites, int kernel)
        {
            int tile = S.HasManyRegisters ? 4 : 2;
            for (int part = 0; part < Lanes; part += S.Width)
                for (int s = 0; s < sites; s += TileSites)      // a tile's inputs stay in the first cache for all outputs
                    for (int o = 0; o < outputs; o += tile)
                        if (S.HasManyRegisters)
                            Tile4(input + part + s * Lanes, inputRow, weight, bias, output + part + s * Lanes, outputRow, inputs, outputs,
                                o, sites - s, kernel);
                        else Tile2(input + part + s * Lanes, inputRow, weight, bias, output + part + s * Lanes, outputRow, inputs, outputs,
                            o, sites - s, kernel);
        }

        // Outputs o .. o + 3 at five sites; beyond the last output or site, the last one is computed again or nothing is stored.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Tile4(float* input, int inputRow, float* weight, float* bias, float* output, int outputRow, int inputs,
            int outputs, int o, int sites, int kernel)
        {
            int last = outputs - 1, o1 = Math.Min(o + 1, last), o2 = Math.Min(o + 2, last), o3 = Math.Min(o + 3, last),
                size = inputs * kernel;
            float* w0 = weight + o * size, w1 = weight + o1 * size, w2 = weight + o2 * size, w3 = weight + o3 * size;
            V a00, a01, a02, a03, a04, a10, a11, a12, a13, a14, a20, a21, a22, a23, a24, a30, a31, a32, a33, a34;
            a00 = a01 = a02 = a03 = a04 = S.Of(bias is null ? 0 : bias[o]);
            a10 = a11 = a12 = a13 = a14 = S.Of(bias is null ? 0 : bias[o1]);
            a20 = a21 = a22 = a23 = a24 = S.Of(bias is null ? 0 : bias[o2]);
            a30 = a31 = a32 = a33 = a34 = S.Of(bias is null ? 0 : bias[o3]);
            for (int i = 0; i < inputs; i++, input += inputRow)
            {
                float* x = input;
                for (int k = 0; k < kernel; k++, x += Lanes)
                {
                    V x0 = S.Load(x), x1 = S.Load(x + Lanes), x2 = S.Load(x + 2 * Lanes), x3 = S.Load(x + 3 * Lanes),
                        x4 = S.Load(x + 4 * Lanes);
                    V w = S.Of(*w0++);
                    a00 = S.MultiplyAdd(w, x0, a00); a01 = S.MultiplyAdd(w, x1, a01); a02 = S.MultiplyAdd(w, x2, a02);
                    a03 = S.MultiplyAdd(w, x3, a03); a04 = S.MultiplyAdd(w, x4, a04);
                    w = S.Of(*w1++);
                    a10 = S.MultiplyAdd(w, x0, a10); a11 = S.MultiplyAdd(w, x1, a11); a12 = S.MultiplyAdd(w, x2, a12);
                    a13 = S.MultiplyAdd(w, x3, a13); a14 = S.MultiplyAdd(w, x4, a14);
                    w = S.Of(*w2++);
                    a20 = S.MultiplyAdd(w, x0, a20); a21 = S.MultiplyAdd(w, x1, a21); a22 = S.MultiplyAdd(w, x2, a22);
                    a23 = S.MultiplyAdd(w, x3, a23); a24 = S.MultiplyAdd(w, x4, a24);
                    w = S.Of(*w3++);
                    a30 = S.MultiplyAdd(w, x0, a30); a31 = S.MultiplyAdd(w, x1, a31); a32 = S.MultiplyAdd(w, x2, a32);
                    a33 = S.MultiplyAdd(w, x3, a33); a34 = S.MultiplyAdd(w, x4, a34);
                }
            }
            Store(output + o * outputRow, sites, a00, a01, a02, a03, a04);
            Store(output + o1 * outputRow, sites, a10, a11, a12, a13, a14);
            Store(output + o2 * outputRow, sites, a20, a21, a22, a23, a24);
            Store(output + o3 * outputRow, sites, a30, a31, a32, a33, a34);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Tile2(float* input, int inputRow, float* weight, float* bias, float* output, int outputRow, int inputs,
            int outputs, int o, int sites, int kernel)
        {
            int o1 = Math.Min(o + 1, outputs - 1), size = inputs * kernel;
            float* w0 = weight + o * size, w1 = weight + o1 * size;
            V a00, a01, a02, a03, a04, a10, a11, a12, a13, a14;
            a00 = a01 = a02 = a03 = a04 = S.Of(bias is null ? 0 : bias[o]);
            a10 = a11 = a12 = a13 = a14 = S.Of(bias is null ? 0 : bias[o1]);
            for (int i = 0; i < inputs; i++, input += inputRow)
            {
                float* x = input;
                for (int k = 0; k < kernel; k++, x += Lanes)
                {
                    V w = S.Of(*w0++), v = S.Of(*w1++);
                    V y = S.Load(x);
                    a00 = S.MultiplyAdd(w, y, a00); a10 = S.MultiplyAdd(v, y, a10);
                    y = S.Load(x + Lanes);
                    a01 = S.MultiplyAdd(w, y, a01); a11 = S.MultiplyAdd(v, y, a11);
                    y = S.Load(x + 2 * Lanes);
                    a02 = S.MultiplyAdd(w, y, a02); a12 = S.MultiplyAdd(v, y, a12);
                    y = S.Load(x + 3 * Lanes);
                    a03 = S.MultiplyAdd(w, y, a03); a13 = S.MultiplyAdd(v, y, a13);
                    y = S.Load(x + 4 * Lanes);
                    a04 = S.MultiplyAdd(w, y, a04); a14 = S.MultiplyAdd(v, y, a14);
                }
            }
            Store(output + o * outputRow, sites, a00, a01, a02, a03, a04);
            Store(output + o1 * outputRow, sites, a10, a11, a12, a13, a14);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Store(float* target, int sites, V a, V b, V c, V d, V e)
        {
            S.Store(target, a);
            if (sites > 1) S.Store(target + Lanes, b);
            if (sites > 2) S.Store(target + 2 * Lanes, c);
            if (sites > 3) S.Store(target + 3 * Lanes, d);
            if (sites > 4) S.Store(target + 4 * Lanes, e);
        }

        public override void WeightGradient(float* sensitivity, int sensitivityRow, float* input, int inputRow, float* gradient, int inputs,
            int outputs, int sites, int kernel)
        {
            int tile = S.HasManyRegisters ? 4 : 2;
            for (int part = 0; part < Lanes; part += S.Width)
                for (int o = 0; o < outputs; o += tile)         // a tile's sensitivities stay in the first cache for all inputs
                    for (int i = 0; i < inputs; i++)
                        for (int k = 0; k < kernel; k += TileSites)
                            if (S.HasManyRegisters)
                                GradientTile4(sensitivity + part, sensitivityRow, input + part + i * inputRow + k * Lanes,
                                    gradient + i * kernel + k, inputs * kernel, outputs, o, sites, kernel - k);
                            else GradientTile2(sensitivity + part, sensitivityRow, input + part + i * inputRow + k * Lanes,
                                gradient + i * kernel + k, inputs * kernel, outputs, o, sites, kernel - k);
        }

        // Outputs o .. o + 3 and five taps of one input; results beyond the last output or tap are discarded.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void GradientTile4(float* sensitivity, int sensitivityRow, float* x, float* gradient, int gradientRow, int outputs,
            int o, int sites, int taps)
        {
            int last = outputs - 1;
            float* d0 = sensitivity + o * sensitivityRow, d1 = sensitivity + Math.Min(o + 1, last) * sensitivityRow,
                d2 = sensitivity + Math.Min(o + 2, last) * sensitivityRow, d3 = sensitivity + Math.Min(o + 3, last) * sensitivityRow;
            V a00, a01, a02, a03, a04, a10, a11, a12, a13, a14, a20, a21, a22, a23, a24, a30, a31, a32, a33, a34;
            a00 = a01 = a02 = a03 = a04 = a10 = a11 = a12 = a13 = a14 = a20 = a21 = a22 = a23 = a24 = a30 = a31 = a32 = a33 = a34 = S.Of(0);
            V x0 = S.Load(x), x1 = S.Load(x + Lanes), x2 = S.Load(x + 2 * Lanes), x3 = S.Load(x + 3 * Lanes);
            for (int s = 0; s < sites; s++)
            {
                x += Lanes;
                V x4 = S.Load(x + 3 * Lanes);
                V d = S.Load(d0);
                a00 = S.MultiplyAdd(d, x0, a00); a01 = S.MultiplyAdd(d, x1, a01); a02 = S.MultiplyAdd(d, x2, a02);
                a03 = S.MultiplyAdd(d, x3, a03); a04 = S.MultiplyAdd(d, x4, a04);
                d = S.Load(d1);
                a10 = S.MultiplyAdd(d, x0, a10); a11 = S.MultiplyAdd(d, x1, a11); a12 = S.MultiplyAdd(d, x2, a12);
                a13 = S.MultiplyAdd(d, x3, a13); a14 = S.MultiplyAdd(d, x4, a14);
                d = S.Load(d2);
                a20 = S.MultiplyAdd(d, x0, a20); a21 = S.MultiplyAdd(d, x1, a21); a22 = S.MultiplyAdd(d, x2, a22);
                a23 = S.MultiplyAdd(d, x3, a23); a24 = S.MultiplyAdd(d, x4, a24);
                d = S.Load(d3);
                a30 = S.MultiplyAdd(d, x0, a30); a31 = S.MultiplyAdd(d, x1, a31); a32 = S.MultiplyAdd(d, x2, a32);
                a33 = S.MultiplyAdd(d, x3, a33); a34 = S.MultiplyAdd(d, x4, a34);
                d0 += Lanes; d1 += Lanes; d2 += Lanes; d3 += Lanes;
                x0 = x1; x1 = x2; x2 = x3; x3 = x4;
            }
            Accumulate(gradient + o * gradientRow, taps, a00, a01, a02, a03, a04);
            if (o + 1 <= last) Accumulate(gradient + (o + 1) * gradientRow, taps, a10, a11, a12, a13, a14);
            if (o + 2 <= last) Accumulate(gradient + (o + 2) * gradientRow, taps, a20, a21, a22, a23, a24);
            if (o + 3 <= last) Accumulate(gradient + (o + 3) * gradientRow, taps, a30, a31, a32, a33, a34);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void GradientTile2(float* sensitivity, int sensitivityRow, float* x, float* gradient, int gradientRow, int outputs,
            int o, int sites, int taps)
        {
            float* d0 = sensitivity + o * sensitivityRow, d1 = sensitivity + Math.Min(o + 1, outputs - 1) * sensitivityRow;
            V a00, a01, a02, a03, a04, a10, a11, a12, a13, a14;
            a00 = a01 = a02 = a03 = a04 = a10 = a11 = a12 = a13 = a14 = S.Of(0);
            for (int s = 0; s < sites; s++)
            {
                V d = S.Load(d0), e = S.Load(d1);
                V y = S.Load(x);
                a00 = S.MultiplyAdd(d, y, a00); a10 = S.MultiplyAdd(e, y, a10);
                y = S.Load(x + Lanes);
                a01 = S.MultiplyAdd(d, y, a01); a11 = S.MultiplyAdd(e, y, a11);
                y = S.Load(x + 2 * Lanes);
                a02 = S.MultiplyAdd(d, y, a02); a12 = S.MultiplyAdd(e, y, a12);
                y = S.Load(x + 3 * Lanes);
                a03 = S.MultiplyAdd(d, y, a03); a13 = S.MultiplyAdd(e, y, a13);
                y = S.Load(x + 4 * Lanes);
                a04 = S.MultiplyAdd(d, y, a04); a14 = S.MultiplyAdd(e, y, a14);
                x += Lanes; d0 += Lanes; d1 += Lanes;
            }
            Accumulate(gradient + o * gradientRow, taps, a00, a01, a02, a03, a04);
            if (o + 1 < outputs) Accumulate(gradient + (o + 1) * gradientRow, taps, a10, a11, a12, a13, a14);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Accumulate(float* gradient, int taps, V a, V b, V c, V d, V e)
        {
            gradient[0] += S.Sum(a);
            if (taps > 1) gradient[1] += S.Sum(b);
            if (taps > 2) gradient[2] += S.Sum(c);
            if (taps > 3) gradient[3] += S.Sum(d);
            if (taps > 4) gradient[4] += S.Sum(e);
        }

        public override void Moments(float* field, int channels, int sites, int filled, float* means, float* deviations)
        {
            float* mask = stackalloc float[Lanes];
            Mask(mask, filled);
            int size = sites * Lanes;
            float count = (float)sites * filled;
            for (int c = 0; c < channels; c++, field += size)
            {
                V sum = S.Of(0);
                for (int part = 0; part < Lanes; part += S.Width)
                {
                    V lanes = S.Of(0);
                    for (int i = part; i < size; i += Lanes) lanes = S.Add(lanes, S.Load(field + i));
                    sum = S.MultiplyAdd(lanes, S.Load(mask + part), sum);
                }
                float mean = S.Sum(sum) / count;
                V centre = S.Of(mean), squares = S.Of(0);
                for (int part = 0; part < Lanes; part += S.Width)
                {
                    V lanes = S.Of(0);
                    for (int i = part; i < size; i += Lanes)
                    {
                        V d = S.Subtract(S.Load(field + i), centre);
                        lanes = S.MultiplyAdd(d, d, lanes);
                    }
                    squares = S.MultiplyAdd(lanes, S.Load(mask + part), squares);
                }
                means[c] = mean;
                deviations[c] = S.Sum(squares);
            }
        }

        public override void Sums(float* field, int row, int channels, int sites, float* sums)
        {
            int size = sites * Lanes;
            for (int c = 0; c < channels; c++, field += row)
            {
                V sum = S.Of(0);
                for (int i = 0; i < size; i += S.Width) sum = S.Add(sum, S.Load(field + i));
                sums[c] += S.Sum(sum);
            }
        }

        public override void Add(float* added, float* target, int count)
        {
            int i = 0;
            for (; i <= count - S.Width; i += S.Width) S.Store(target + i, S.Add(S.Load(target + i), S.Load(added + i)));
            for (; i < count; i++) target[i] += added[i];
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void Activate(NetworkActivation activation, float* field, float* scale, float* shift, float* skip, float* target,
            int row, int channels, int sites)
        {
            int size = sites * Lanes;
            bool mish = activation == NetworkActivation.Mish;
            for (int c = 0; c < channels; c++, field += size, target += row)
            {
                V a = S.Of(scale[c]), b = S.Of(shift[c]);
                if (skip is null)
                    for (int i = 0; i < size; i += S.Width) S.Store(target + i, Activated(mish, S.MultiplyAdd(a, S.Load(field + i), b)));
                else
                {
                    for (int i = 0; i < size; i += S.Width)
                        S.Store(target + i, S.Add(Activated(mish, S.MultiplyAdd(a, S.Load(field + i), b)), S.Load(skip + i)));
                    skip += row;
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void ActivateBackward(NetworkActivation activation, float* field, float* scale, float* shift, float* mean,
            float* inverseDeviation, float* sensitivity, int row,
            int channels, int sites, float* sums, float* weightedSums)
        {
            int size = sites * Lanes;
            bool mish = activation == NetworkActivation.Mish;
            for (int c = 0; c < channels; c++, field += size, sensitivity += row)
            {
                V a = S.Of(scale[c]), b = S.Of(shift[c]), m = S.Of(mean[c]), sum = S.Of(0), weighted = S.Of(0);
                for (int i = 0; i < size; i += S.Width)
                {
                    V x = S.Load(field + i);
                    V du = S.Load(sensitivity + i);
                    if (mish)
                    {
                        du = S.Multiply(du, MishSlope(S.MultiplyAdd(a, x, b)));
                        S.Store(sensitivity + i, du);
                    }
                    sum = S.Add(sum, du);
                    weighted = S.MultiplyAdd(du, S.Subtract(x, m), weighted);
                }
                sums[c] = S.Sum(sum);
                weightedSums[c] = S.Sum(weighted) * inverseDeviation[c];
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void NormaliseBackward(float* field, float* scale, float* mean, float* inverseDeviation, float* a, float* b,
            float* sensitivity, int row,
            int channels, int sites, int filled, float* sums)
        {
            float* mask = stackalloc float[Lanes];
            Mask(mask, filled);
            int size = sites * Lanes;
            for (int c = 0; c < channels; c++, field += size, sensitivity += row)
            {
                V m = S.Of(mean[c]), p = S.Of(a[c]), q = S.Of(-b[c] * inverseDeviation[c]), sum = S.Of(0);
                for (int part = 0; part < Lanes; part += S.Width)
                {
                    V factor = S.Multiply(S.Of(scale[c]), S.Load(mask + part));
                    for (int i = part; i < size; i += Lanes)
                    {
                        V d = S.MultiplyAdd(q, S.Subtract(S.Load(field + i), m), S.Subtract(S.Load(sensitivity + i), p));
                        d = S.Multiply(d, factor);
                        S.Store(sensitivity + i, d);
                        sum = S.Add(sum, d);
                    }
                }
                sums[c] += S.Sum(sum);
            }
        }

        private static void Mask(float* mask, int filled)
        {
            for (int lane = 0; lane < Lanes; lane++) mask[lane] = lane < filled ? 1 : 0;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V Activated(bool mish, V u) => mish ? Mish(u) : u;

        // mish(u) = u tanh(ln(1 + e^u)) = u n / (n + 2) with n = e^u (e^u + 2); from 20 on it is u.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V Mish(V u)
        {
            V e = Exponential<S, V>.Of(S.Min(u, S.Of(20))), n = S.Multiply(e, S.Add(e, S.Of(2)));
            return S.Divide(S.Multiply(u, n), S.Add(n, S.Of(2)));
        }

        // n / (n + 2) + 4 u e^u (1 + e^u) / (n + 2)^2
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V MishSlope(V u)
        {
            V e = Exponential<S, V>.Of(S.Min(u, S.Of(20))), n = S.Multiply(e, S.Add(e, S.Of(2))), r = S.Divide(S.Of(1), S.Add(n, S.Of(2)));
            V tail = S.Multiply(S.Multiply(S.Multiply(S.Of(4), u), S.Multiply(e, S.Add(e, S.Of(1)))), S.Multiply(r, r));
            return S.MultiplyAdd(n, r, tail);
        }
    }
}
