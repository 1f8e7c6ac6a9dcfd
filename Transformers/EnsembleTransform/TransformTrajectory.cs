using System.Numerics;
using System.Runtime.Intrinsics;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>
/// One trajectory's analysis in rented memory. Letters as in <see cref="EnsembleTransform"/>; rows are padded to whole vectors.
/// </summary>
internal readonly unsafe struct TransformTrajectory<T> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly PriorWeight weight;
    private readonly double inflation;
    private readonly int members, n, p, size, nWidth, pWidth, memberWidth, sizeWidth;
    private readonly bool inMemberSpace;
    private readonly T* mean, x, y, yTransposed, d, gram, vectors, values, projections, basis, scaled, weights, rotated, analysis,
        yScratch, row, work, end;

    /// <summary>Assigns the quantities their places in memory.</summary>
    /// <param name="members">N</param>
    /// <param name="n">The dimension of the state.</param>
    /// <param name="p">The number of observations.</param>
    /// <param name="weight">The prior's weight.</param>
    /// <param name="inflation">The factor of the analysis anomalies.</param>
    /// <param name="memory">Memory for <see cref="Numbers"/> values, used for one trajectory after the other.</param>
    public TransformTrajectory(int members, int n, int p, PriorWeight weight, double inflation, T* memory)
    {
        (this.members, this.n, this.p, this.weight, this.inflation) = (members, n, p, weight, inflation);
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
        yScratch = Take(ref at, members * pWidth);
        row = Take(ref at, Math.Max(memberWidth, sizeWidth));
        int own = Math.Max(InverseRootKernel.EigenvectorsWorkSize<T>(size), InverseRootKernel.WorkSize<T>(size));
        work = Take(ref at, Math.Max(own, pWidth));
        end = at;
    }

    /// <summary>The number of values that an analysis needs.</summary>
    public static long Numbers(int members, int n, int p) =>
        new TransformTrajectory<T>(members, n, p, PriorWeight.Fixed(1), 1, null).end - (T*)null;

    private static T* Take(ref T* at, int numbers)
    {
        T* here = at;
        at += numbers;
        return here;
    }

    /// <summary>Loads the prior's mean and anomalies.</summary>
    public void LoadEnsemble(T* ensemble) => Centre(ensemble, x, mean, members, n, nWidth);

    /// <summary>Loads the observed ensemble: anomalies and innovation, whitened.</summary>
    public void LoadObservations(T* observed, T* observation, double[]? deviations, byte* mask)
    {
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
        if (mask is null) return;
        // Where an observation is missing, H(x) may be anything, and zero times infinity is not zero.
        for (int j = 0; j < p; j++)
        {
            if (mask[j] != 0) continue;
            d[j] = T.Zero;
            for (int i = 0; i < members; i++) y[i * pWidth + j] = T.Zero;
        }
    }

    /// <summary>|d|^2 of the observations as loaded.</summary>
    public double Misfit()
    {
        double sum = 0;
        for (int j = 0; j < p; j++)
        {
            double number = double.CreateTruncating(d[j]);
            sum += number * number;
        }
        return sum;
    }

    /// <summary>
    /// Loads Y of an ensemble that is not the prior but T X about mean + w X, and converts it to the prior's: T^-1 Y, or Y divided by a
    /// factor of all anomalies; and d + w Y, the innovation of the prior's mean.
    /// </summary>
    public void Linearise(T* inverse, double factor, T* weightsOfMean)
    {
        if (inverse is not null)
        {
            ProductKernel.Multiply(inverse, members, 1, y, yScratch, members, members, pWidth);
            new Span<T>(yScratch, members * pWidth).CopyTo(new Span<T>(y, members * pWidth));
        }
        else if (factor != 1)
        {
            var each = Vector512.Create(T.CreateTruncating(1 / factor));
            for (int k = 0; k < members * pWidth; k += Vector512<T>.Count) (Vector512.LoadAligned(y + k) * each).StoreAligned(y + k);
        }
        if (weightsOfMean is null) return;
        ProductKernel.Multiply(weightsOfMean, 0, 1, y, work, 1, members, pWidth, d);
        new Span<T>(work, pWidth).CopyTo(new Span<T>(d, pWidth));
    }

    // The mean of rows, and the deviation of each from it, padded.
    private static void Centre(T* from, T* anomalies, T* mean, int rows, int length, int width)
    {
        new Span<T>(mean, width).Clear();
        for (int i = 0; i < rows; i++)
        {
            T* to = anomalies + i * width;
            new Span<T>(from + (nint)i * length, length).CopyTo(new Span<T>(to, length));
            for (int j = length; j < width; j++) to[j] = T.Zero;
            for (int k = 0; k < width; k += Vector512<T>.Count)
                (Vector512.LoadAligned(mean + k) + Vector512.LoadAligned(to + k)).StoreAligned(mean + k);
        }
        var share = Vector512.Create(T.One / T.CreateTruncating(rows));
        for (int k = 0; k < width; k += Vector512<T>.Count) (Vector512.LoadAligned(mean + k) * share).StoreAligned(mean + k);
        for (int i = 0; i < rows; i++)
            for (int k = 0; k < width; k += Vector512<T>.Count)
                (Vector512.LoadAligned(anomalies + i * width + k) - Vector512.LoadAligned(mean + k))
                    .StoreAligned(anomalies + i * width + k);
    }

    /// <summary>Finds what the transform follows from: T and w by poles, or, with fewer observations than members, the eigenvectors of
    /// Y^T Y.</summary>
    /// <returns>The prior's weight zeta.</returns>
    public double Decompose()
    {
        for (int j = 0; j < p; j++)
        {
            T* column = yTransposed + j * memberWidth;
            for (int i = 0; i < members; i++) column[i] = y[i * pWidth + j];
            for (int i = members; i < memberWidth; i++) column[i] = T.Zero;
        }
        if (inMemberSpace)
        {
            ProductKernel.Multiply(yTransposed, 1, memberWidth, yTransposed, gram, members, p, memberWidth);
            return Root();
        }
        ProductKernel.Multiply(y, 1, pWidth, y, gram, p, members, pWidth);
        SymmetricEigenKernel.Solve(gram, vectors, values, size, work);
        Project();
        return Weight();
    }

    // weights = T, and w = (Y Y^T + zeta I)^-1 Y d into the row; Y Y^T is kept in the place of scaled eigenvectors.
    private double Root()
    {
        T* right = basis;
        ProductKernel.Multiply(d, 0, 1, yTransposed, right, 1, p, memberWidth);
        new Span<T>(gram, members * memberWidth).CopyTo(new Span<T>(scaled, members * memberWidth));
        var form = InverseRootKernel.Reduce(gram, T.CreateTruncating(weight.Given ?? 0), members, work);
        T zeta = T.CreateTruncating(weight.Given ?? Find(form.Scale, right));
        new Span<T>(right, memberWidth).CopyTo(new Span<T>(row, memberWidth));
        if (InverseRootKernel.IsBeyond(form.Trace, zeta))
        {
            new Span<T>(scaled, members * memberWidth).CopyTo(new Span<T>(gram, members * memberWidth));
            InverseRootKernel.ByEigenvectors(gram, zeta, Scale, row, weights, members, work);
        }
        else
        {
            InverseRootKernel.Solve(gram, form, zeta, row, members, work);
            InverseRootKernel.Root(gram, form, zeta, Scale, weights, members, work);
        }
        // Observations that see nothing of the ensemble change nothing, whatever the inflation.
        if (form.Trace == T.Zero) Identity(weights);
        return double.CreateTruncating(zeta);
    }

    // The prior's weight of an analysis, from eigenvalues and projections.
    private double Find(T scale, T* right)
    {
        new Span<T>(right, memberWidth).CopyTo(new Span<T>(projections, memberWidth));
        InverseRootKernel.Spectrum(gram, scale, projections, values, members, work);
        for (int k = 0; k < members; k++) values[k] = T.Max(values[k], T.Zero);
        return Weight();
    }

    private T Scale => T.CreateTruncating(inflation * Math.Sqrt(members - 1));

    private void Identity(T* matrix)
    {
        new Span<T>(matrix, members * memberWidth).Clear();
        for (int i = 0; i < members; i++) matrix[i * memberWidth + i] = T.One;
    }

    /// <summary>Computes w, the weights of the mean's increment, <c>[N]</c>: the sum over k of b_k c_k, with b_k the rows of the
    /// basis.</summary>
    public T* Weigh(double zeta)
    {
        if (inMemberSpace) return row;
        new Span<T>(row, memberWidth).Clear();
        for (int k = 0; k < size; k++)
        {
            var toMean = Vector512.Create(projections[k] / T.CreateTruncating(double.CreateTruncating(values[k]) + zeta));
            T* b = basis + k * memberWidth;
            for (int i = 0; i < memberWidth; i += Vector512<T>.Count)
                MultiplyAdd(toMean, Vector512.LoadAligned(b + i), Vector512.LoadAligned(row + i)).StoreAligned(row + i);
        }
        return row;
    }

    /// <summary>Computes the ensemble mean + (T + 1 w^T) X, <c>[N, n]</c>, with the w of <see cref="Weigh"/>.</summary>
    public void Combine(double zeta, T* rotation, T* result)
    {
        if (!inMemberSpace) Power(zeta, -1, inflation * Math.Sqrt(members - 1), rotation is null ? row : null);
        else if (rotation is null)
            for (int i = 0; i < members; i++)
                for (int k = 0; k < memberWidth; k += Vector512<T>.Count)
                    (Vector512.LoadAligned(weights + i * memberWidth + k) + Vector512.LoadAligned(row + k))
                        .StoreAligned(weights + i * memberWidth + k);
        T* final = weights;
        if (rotation is not null)
            ProductKernel.Multiply(rotation, members, 1, weights, final = rotated, members, members, memberWidth, row);
        Apply(final, result);
    }

    /// <summary>Computes the ensemble mean + (factor + 1 w^T) X, <c>[N, n]</c>, with the w of <see cref="Weigh"/>.</summary>
    public void Bundle(double factor, T* result)
    {
        var diagonal = T.CreateTruncating(factor);
        for (int i = 0; i < members; i++)
        {
            new Span<T>(row, memberWidth).CopyTo(new Span<T>(weights + i * memberWidth, memberWidth));
            weights[i * memberWidth + i] += diagonal;
        }
        Apply(weights, result);
    }

    /// <summary>Computes T^-1 = (Y Y^T + zeta I)^(1/2) / sqrt(N - 1), <c>[N, N]</c>, before T is combined; there is no inflation.</summary>
    public void InverseRoot(double zeta, T* result)
    {
        T* root = weights;
        if (!inMemberSpace) Power(zeta, 1, 1 / Math.Sqrt(members - 1), null);
        else
        {
            // (Y Y^T + zeta I) T / (N - 1)
            ProductKernel.Multiply(scaled, memberWidth, 1, weights, root = rotated, members, members, memberWidth);
            var trace = T.Zero;
            for (int i = 0; i < members; i++) trace += scaled[i * memberWidth + i];
            Vector512<T> share = Vector512.Create(T.One / (Scale * Scale)), z = Vector512.Create(T.CreateTruncating(zeta));
            for (int k = 0; k < members * memberWidth; k += Vector512<T>.Count)
                (MultiplyAdd(z, Vector512.LoadAligned(weights + k), Vector512.LoadAligned(root + k)) * share).StoreAligned(root + k);
            if (trace == T.Zero) Identity(root);
        }
        for (int i = 0; i < members; i++) new Span<T>(root + i * memberWidth, members).CopyTo(new Span<T>(result + i * members, members));
    }

    // weights = scale (Y Y^T + zeta I)^(sign / 2) + start in the space of the observations: the sum over k of f_k b_k b_k^T, and the part
    // without the b_k, which do not span everything. s = sqrt(lambda + zeta), z = sqrt(zeta)
    private void Power(double zeta, int sign, double scale, T* start)
    {
        // Observations that see nothing of the ensemble change nothing, whatever the inflation.
        bool sees = false;
        for (int k = 0; k < size; k++) sees |= !(values[k] <= T.Zero);
        if (!sees) (zeta, scale) = (members - 1, sign > 0 ? 1 / Math.Sqrt(members - 1) : Math.Sqrt(members - 1));
        double z = Math.Sqrt(zeta);
        for (int k = 0; k < size; k++)
        {
            double s = Math.Sqrt(double.CreateTruncating(values[k]) + zeta), f = sign > 0 ? 1 / (s + z) : -1 / (s * z * (s + z));
            var factor = Vector512.Create(T.CreateTruncating(scale * f));
            T* b = basis + k * memberWidth, to = scaled + k * memberWidth;
            for (int i = 0; i < memberWidth; i += Vector512<T>.Count) (factor * Vector512.LoadAligned(b + i)).StoreAligned(to + i);
        }
        ProductKernel.Multiply(scaled, 1, memberWidth, basis, weights, members, size, memberWidth, start);
        var without = T.CreateTruncating(scale * (sign > 0 ? z : 1 / z));
        for (int i = 0; i < members; i++) weights[i * memberWidth + i] += without;
    }

    private void Apply(T* final, T* result)
    {
        ProductKernel.Multiply(final, memberWidth, 1, x, analysis, members, members, nWidth, mean);
        for (int i = 0; i < members; i++) new Span<T>(analysis + i * nWidth, n).CopyTo(new Span<T>(result + (nint)i * n, n));
    }

    // U^T d and the basis U^T Y^T, in the space of the observations.
    private void Project()
    {
        ProductKernel.Multiply(vectors, pWidth, 1, yTransposed, basis, size, size, memberWidth);
        for (int k = 0; k < size; k++)
        {
            projections[k] = Dot(vectors + k * sizeWidth, d, sizeWidth);
            values[k] = T.Max(values[k], T.Zero);
        }
    }

    private double Weight()
    {
        Span<double> eigenvalues = stackalloc double[size], squared = stackalloc double[size];
        for (int k = 0; k < size; k++)
        {
            double projection = double.CreateTruncating(projections[k]);
            eigenvalues[k] = double.CreateTruncating(values[k]);
            squared[k] = projection * projection * (inMemberSpace ? 1 : eigenvalues[k]);
        }
        return weight.OfFinite(eigenvalues, squared);
    }
}
