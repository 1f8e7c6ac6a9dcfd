using System.Numerics;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;
using static DaML.KernelMemory;

namespace DaML;

/// <summary>
/// The whole square-root analysis of <see cref="EnsembleTransform"/> for ensembles that fit into the processor's cache, in one
/// piece: anomalies, whitening, Gram matrix, eigenproblem, weights, and the members they give. One trajectory after the
/// other, so neither the batch nor the number of threads changes a bit.
/// </summary>
internal static unsafe class EnsembleTransformKernel
{
    // Above, libtorch's products are as fast, and its threads share one trajectory.
    private const long LargestEnsemble = 1 << 16;

    /// <summary>Whether the kernel can take the ensemble and its observation.</summary>
    public static bool Serves(Tensor members, Tensor observed, Observation observation) =>
        KernelMemory.Serves(members) && KernelMemory.Serves(observed) && KernelMemory.Serves(observation.Values)
        && observed.dtype == members.dtype && observation.Values.dtype == members.dtype
        && observation.Mask is null or { device_type: DeviceType.CPU }
        && members.shape[1] <= SymmetricEigenproblem.LargestKernelSize && members.shape[1] * Math.Max(members.shape[2], observed.shape[2]) <= LargestEnsemble;

    /// <summary>The analysis ensemble, <c>[batch, N, n]</c>.</summary>
    /// <param name="members">The forecast, <c>[batch, N, n]</c>.</param>
    /// <param name="observed">H of every member, <c>[batch, N, p]</c>.</param>
    /// <param name="observation">y</param>
    /// <param name="error">R</param>
    /// <param name="weight">The prior's weight.</param>
    /// <param name="inflation">What the analysis anomalies are multiplied by.</param>
    /// <param name="rotation">A mean-preserving rotation of them, <c>[batch, N, N]</c>, or null for none.</param>
    public static Tensor Analyze(Tensor members, Tensor observed, Observation observation, IErrorCovariance error, PriorWeight weight, double inflation, Tensor? rotation) =>
        members.dtype == ScalarType.Float64 ? Analyze<double>(members, observed, observation, error, weight, inflation, rotation)
            : Analyze<float>(members, observed, observation, error, weight, inflation, rotation);

    private static Tensor Analyze<T>(Tensor members, Tensor observed, Observation observation, IErrorCovariance error, PriorWeight weight, double inflation, Tensor? rotation)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using var scope = NewDisposeScope();
        long[] shape = members.shape;
        long batch = shape[0];
        int n = (int)shape[2], count = (int)shape[1], p = (int)observed.shape[2];
        Require.Shape(observation.Values, "The observations of an ensemble", batch, p);
        if (observation.Mask is not null && Require.Shape(observation.Mask, "The mask of an ensemble's observations", batch, p).dtype != ScalarType.Bool)
            throw new ArgumentException($"An observation mask must be boolean, true = observed; given: {observation.Mask.dtype}.");
        // R^(-1/2) is linear, so that members and observation can be whitened as they are where R is not diagonal.
        double[]? deviations = InverseDeviations.Of(error);
        Tensor h = observed, y = observation.Values;
        var mask = observation.Mask;
        if (deviations is null) (h, y, mask) = (error.Whiten(h, mask), error.Whiten(y, mask), null);
        Tensor e = members.contiguous(), result = empty(shape, dtype: members.dtype);
        (h, y, mask, rotation) = (h.contiguous(), y.contiguous(), mask?.contiguous(), rotation?.contiguous());

        nint fromE = (nint)Address<T>(e), fromH = (nint)Address<T>(h), fromY = (nint)Address<T>(y), to = (nint)Address<T>(result);
        nint fromMask = mask is null ? 0 : (nint)Address<byte>(mask), fromRotation = rotation is null ? 0 : (nint)Address<T>(rotation);
        double size = Math.Min(count, p);
        ForEach(batch, Threads(batch, 8 * size * size * size + 4.0 * count * count * (n + p)), (first, end) =>
        {
            var one = new Trajectory<T>(count, n, p, Rent<T>(new Trajectory<T>(count, n, p, null).Numbers));
            for (long b = first; b < end; b++)
            {
                one.Load((T*)fromE + b * count * n, (T*)fromH + b * count * p, (T*)fromY + b * p, deviations, fromMask == 0 ? null : (byte*)fromMask + b * p);
                one.Analyze(weight, inflation, fromRotation == 0 ? null : (T*)fromRotation + b * count * count, (T*)to + b * count * n);
            }
        });
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>One trajectory's analysis in the thread's own memory. Letters as in <see cref="EnsembleTransform"/>; rows are padded to whole vectors.</summary>
    private readonly struct Trajectory<T> where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        private readonly int members, n, p, size, nWidth, pWidth, memberWidth, sizeWidth;
        private readonly bool inMemberSpace;
        private readonly T* mean, x, y, yTransposed, d, gram, vectors, values, projections, basis, scaled, weights, rotated, analysis, row, work;

        /// <summary>Lays the quantities out in memory.</summary>
        public Trajectory(int members, int n, int p, T* memory)
        {
            (this.members, this.n, this.p) = (members, n, p);
            inMemberSpace = members <= p;
            size = Math.Min(members, p);
            (nWidth, pWidth, memberWidth, sizeWidth) = (Padded<T>(n), Padded<T>(p), Padded<T>(members), Padded<T>(size));
            T* at = memory;
            mean = Take(ref at, nWidth);
            x = Take(ref at, members * nWidth);                    // X [N, n]
            y = Take(ref at, members * pWidth);                    // Y [N, p]
            yTransposed = Take(ref at, p * memberWidth);           // Y^T [p, N]
            d = Take(ref at, pWidth);
            gram = Take(ref at, size * sizeWidth);                 // Y Y^T or Y^T Y
            vectors = Take(ref at, size * sizeWidth);              // its eigenvectors as rows
            values = Take(ref at, sizeWidth);
            projections = Take(ref at, sizeWidth);                 // V^T Y d or U^T d
            basis = inMemberSpace ? vectors : Take(ref at, size * memberWidth);   // V^T or U^T Y^T [size, N]
            scaled = Take(ref at, size * memberWidth);
            weights = Take(ref at, members * memberWidth);         // [N, N]
            rotated = Take(ref at, members * memberWidth);
            analysis = Take(ref at, members * nWidth);             // [N, n]
            row = Take(ref at, Math.Max(memberWidth, sizeWidth));
            work = Take(ref at, Math.Max(SymmetricEigenKernel.WorkSize<T>(size), pWidth));
            Numbers = at - memory;
        }

        /// <summary>How much memory it takes.</summary>
        public long Numbers { get; }

        private static T* Take(ref T* at, int numbers)
        {
            T* here = at;
            at += numbers;
            return here;
        }

        /// <summary>Anomalies, and what was observed of them, whitened.</summary>
        public void Load(T* ensemble, T* observed, T* observation, double[]? deviations, byte* mask)
        {
            Centre(ensemble, x, mean, members, n, nWidth);
            Centre(observed, y, d, members, p, pWidth);
            T* whitening = work;
            for (int j = 0; j < p; j++)
            {
                whitening[j] = mask is not null && mask[j] == 0 ? T.Zero : deviations is null ? T.One : T.CreateTruncating(deviations[j]);
                d[j] = (observation[j] - d[j]) * whitening[j];
            }
            for (int j = p; j < pWidth; j++) whitening[j] = T.Zero;
            for (int i = 0; i < members; i++)
                for (int k = 0; k < pWidth; k += Vector512<T>.Count)
                    (Vector512.LoadAligned(y + i * pWidth + k) * Vector512.LoadAligned(whitening + k)).StoreAligned(y + i * pWidth + k);
            for (int j = 0; j < p; j++)
            {
                T* column = yTransposed + j * memberWidth;
                for (int i = 0; i < members; i++) column[i] = y[i * pWidth + j];
                for (int i = members; i < memberWidth; i++) column[i] = T.Zero;
            }
        }

        // The mean of rows, and what each differs from it, padded.
        private static void Centre(T* from, T* anomalies, T* mean, int rows, int length, int width)
        {
            new Span<T>(mean, width).Clear();
            for (int i = 0; i < rows; i++)
            {
                T* to = anomalies + i * width;
                new Span<T>(from + (nint)i * length, length).CopyTo(new Span<T>(to, length));
                for (int j = length; j < width; j++) to[j] = T.Zero;
                for (int k = 0; k < width; k += Vector512<T>.Count) (Vector512.LoadAligned(mean + k) + Vector512.LoadAligned(to + k)).StoreAligned(mean + k);
            }
            var share = Vector512.Create(T.One / T.CreateTruncating(rows));
            for (int k = 0; k < width; k += Vector512<T>.Count) (Vector512.LoadAligned(mean + k) * share).StoreAligned(mean + k);
            for (int i = 0; i < rows; i++)
                for (int k = 0; k < width; k += Vector512<T>.Count)
                    (Vector512.LoadAligned(anomalies + i * width + k) - Vector512.LoadAligned(mean + k)).StoreAligned(anomalies + i * width + k);
        }

        /// <summary>The analysis ensemble, <c>[N, n]</c>.</summary>
        public void Analyze(PriorWeight weight, double inflation, T* rotation, T* result)
        {
            if (inMemberSpace) ProductKernel.Multiply(yTransposed, 1, memberWidth, yTransposed, gram, members, p, memberWidth);
            else ProductKernel.Multiply(y, 1, pWidth, y, gram, p, members, pWidth);
            SymmetricEigenKernel.Solve(gram, vectors, values, size, work);
            Project();
            double zeta = Weight(weight);

            // T + 1 w^T = left I + sum over k of (f_k b_k b_k^T + 1 c_k b_k^T), with b_k the rows of the basis
            double scale = inflation * Math.Sqrt(members - 1), root = Math.Sqrt(zeta);
            new Span<T>(row, memberWidth).Clear();
            for (int k = 0; k < size; k++)
            {
                double shifted = double.CreateTruncating(values[k]) + zeta, s = Math.Sqrt(shifted);
                double f = inMemberSpace ? 1 / s : -1 / (s * root * (s + root));
                Vector512<T> factor = Vector512.Create(T.CreateTruncating(scale * f)), toMean = Vector512.Create(projections[k] / T.CreateTruncating(shifted));
                T* b = basis + k * memberWidth, to = scaled + k * memberWidth;
                for (int i = 0; i < memberWidth; i += Vector512<T>.Count)
                {
                    var value = Vector512.LoadAligned(b + i);
                    (factor * value).StoreAligned(to + i);
                    MultiplyAdd(toMean, value, Vector512.LoadAligned(row + i)).StoreAligned(row + i);
                }
            }
            ProductKernel.Multiply(scaled, 1, memberWidth, basis, weights, members, size, memberWidth, rotation is null ? row : null);
            if (!inMemberSpace)
            {
                var left = T.CreateTruncating(scale / root);
                for (int i = 0; i < members; i++) weights[i * memberWidth + i] += left;
            }
            T* final = weights;
            if (rotation is not null) ProductKernel.Multiply(rotation, members, 1, weights, final = rotated, members, members, memberWidth, row);
            ProductKernel.Multiply(final, memberWidth, 1, x, analysis, members, members, nWidth, mean);
            for (int i = 0; i < members; i++) new Span<T>(analysis + i * nWidth, n).CopyTo(new Span<T>(result + (nint)i * n, n));
        }

        // V^T (Y d) or U^T d; and in the space of the observations, the basis U^T Y^T.
        private void Project()
        {
            T* right = d;
            if (inMemberSpace) ProductKernel.Multiply(d, 0, 1, yTransposed, right = row, 1, p, memberWidth);
            else ProductKernel.Multiply(vectors, pWidth, 1, yTransposed, basis, size, size, memberWidth);
            for (int k = 0; k < size; k++)
            {
                var sum = Vector512<T>.Zero;
                for (int i = 0; i < sizeWidth; i += Vector512<T>.Count)
                    sum = MultiplyAdd(Vector512.LoadAligned(vectors + k * sizeWidth + i), Vector512.LoadAligned(right + i), sum);
                projections[k] = Vector512.Sum(sum);
                values[k] = T.Max(values[k], T.Zero);
            }
        }

        private double Weight(PriorWeight weight)
        {
            Span<double> eigenvalues = stackalloc double[size], squared = stackalloc double[size];
            for (int k = 0; k < size; k++)
            {
                double projection = double.CreateTruncating(projections[k]);
                eigenvalues[k] = double.CreateTruncating(values[k]);
                squared[k] = projection * projection * (inMemberSpace ? 1 : eigenvalues[k]);
            }
            return weight.Of(eigenvalues, squared);
        }
    }
}
