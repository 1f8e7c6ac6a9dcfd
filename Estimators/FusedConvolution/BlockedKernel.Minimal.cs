using System.Runtime.CompilerServices;

namespace DaML.Components;

internal abstract unsafe partial class BlockedKernel
{
    private abstract partial class Of<S, V>
    {
        private const int BlockRow = MinimalFilter.Block * Lanes;

        public override void ConvolveMinimal(float* input, int inputRow, float* weight, float* bias, float* output, int outputRow,
            int inputs, int outputs, int sites)
        {
            using var memory = new RentedMemory<float>(MinimalFilter.Scratch(outputs, inputs));
            float* transformed = memory.Start, products = transformed + MinimalFilter.Points * inputs * BlockRow;
            int groups = (sites + MinimalFilter.Results - 1) / MinimalFilter.Results, tile = S.HasManyRegisters ? 4 : 2;
            for (int first = 0; first < groups; first += MinimalFilter.Block)
            {
                int count = Math.Min(MinimalFilter.Block, groups - first);
                TransformInput(input, inputRow, transformed, inputs, first, count, sites);
                for (int point = 0; point < MinimalFilter.Points; point++)
                {
                    float* from = transformed + point * inputs * BlockRow, to = products + point * outputs * BlockRow;
                    float* w = weight + point * outputs * inputs;
                    for (int part = 0; part < Lanes; part += S.Width)
                        for (int o = 0; o < outputs; o += tile)
                            if (S.HasManyRegisters)
                                Tile4(from + part, BlockRow, w, null, to + part, BlockRow, inputs, outputs, o, count, 1);
                            else Tile2(from + part, BlockRow, w, null, to + part, BlockRow, inputs, outputs, o, count, 1);
                }
                TransformProducts(products, bias, output, outputRow, outputs, first, count, sites);
            }
        }

        // The first site of a group of results: the last group ends with the last site.
        private static int Site(int group, int sites) => Math.Min(group * MinimalFilter.Results, sites - MinimalFilter.Results);

        // B^T d, [point][channel][group][lane]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void TransformInput(float* input, int inputRow, float* to, int inputs, int first, int count, int sites)
        {
            int size = inputs * BlockRow;
            V quarter = S.Of(0.25f), half = S.Of(0.5f), two = S.Of(2), four = S.Of(4), minus5 = S.Of(-5);
            V a = S.Of(5.25f), b = S.Of(-4.25f), c = S.Of(-1.25f), d = S.Of(-2.5f);
            for (int i = 0; i < inputs; i++, input += inputRow, to += BlockRow)
                for (int group = 0; group < count; group++)
                {
                    float* from = input + Site(first + group, sites) * Lanes, target = to + group * Lanes;
                    for (int part = 0; part < Lanes; part += S.Width, from += S.Width, target += S.Width)
                    {
                        V x0 = S.Load(from), x1 = S.Load(from + Lanes), x2 = S.Load(from + 2 * Lanes), x3 = S.Load(from + 3 * Lanes);
                        V x4 = S.Load(from + 4 * Lanes), x5 = S.Load(from + 5 * Lanes), x6 = S.Load(from + 6 * Lanes);
                        V x7 = S.Load(from + 7 * Lanes);
                        S.Store(target, S.MultiplyAdd(a, S.Subtract(x4, x2), S.Subtract(x0, x6)));
                        V even = S.MultiplyAdd(b, x4, S.Add(x2, x6)), odd = S.MultiplyAdd(b, x3, S.Add(x1, x5));
                        S.Store(target + size, S.Add(even, odd));
                        S.Store(target + 2 * size, S.Subtract(even, odd));
                        even = S.MultiplyAdd(quarter, x2, S.MultiplyAdd(c, x4, x6));
                        V middle = S.Multiply(d, x3);
                        odd = S.MultiplyAdd(half, x1, S.MultiplyAdd(two, x5, middle));
                        S.Store(target + 3 * size, S.Add(even, odd));
                        S.Store(target + 4 * size, S.Subtract(even, odd));
                        even = S.MultiplyAdd(four, x2, S.MultiplyAdd(minus5, x4, x6));
                        odd = S.MultiplyAdd(two, x1, S.MultiplyAdd(half, x5, middle));
                        S.Store(target + 5 * size, S.Add(even, odd));
                        S.Store(target + 6 * size, S.Subtract(even, odd));
                        S.Store(target + 7 * size, S.MultiplyAdd(a, S.Subtract(x3, x5), S.Subtract(x7, x1)));
                    }
                }
        }

        // A^T m + bias
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void TransformProducts(float* products, float* bias, float* output, int outputRow, int outputs, int first, int count,
            int sites)
        {
            int size = outputs * BlockRow;
            V two = S.Of(2), four = S.Of(4), eight = S.Of(8), half = S.Of(0.5f), quarter = S.Of(0.25f), eighth = S.Of(0.125f);
            for (int o = 0; o < outputs; o++, products += BlockRow, output += outputRow)
            {
                V constant = S.Of(bias is null ? 0 : bias[o]);
                for (int group = 0; group < count; group++)
                {
                    float* from = products + group * Lanes, target = output + Site(first + group, sites) * Lanes;
                    for (int part = 0; part < Lanes; part += S.Width, from += S.Width, target += S.Width)
                    {
                        V m1 = S.Load(from + size), m2 = S.Load(from + 2 * size), m3 = S.Load(from + 3 * size);
                        V m4 = S.Load(from + 4 * size), m5 = S.Load(from + 5 * size), m6 = S.Load(from + 6 * size);
                        V even1 = S.Add(m1, m2), odd1 = S.Subtract(m1, m2), even2 = S.Add(m3, m4), odd2 = S.Subtract(m3, m4);
                        V even3 = S.Add(m5, m6), odd3 = S.Subtract(m5, m6);
                        S.Store(target, S.Add(S.Add(S.Add(constant, S.Load(from)), even1), S.Add(even2, even3)));
                        S.Store(target + Lanes, S.MultiplyAdd(two, odd2, S.MultiplyAdd(half, odd3, S.Add(constant, odd1))));
                        S.Store(target + 2 * Lanes, S.MultiplyAdd(four, even2, S.MultiplyAdd(quarter, even3, S.Add(constant, even1))));
                        S.Store(target + 3 * Lanes, S.MultiplyAdd(eight, odd2, S.MultiplyAdd(eighth, odd3,
                            S.Add(S.Add(constant, odd1), S.Load(from + 7 * size)))));
                    }
                }
            }
        }
    }
}
