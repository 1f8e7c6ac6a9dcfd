using System.Numerics;
using System.Runtime.Intrinsics;
using static DaML.Components.Vectors;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The analyses of as many trajectories as a vector has lanes, all at once, one in each lane, in rented memory: the operations of
/// <see cref="TransformTrajectory{T}"/> in the same order, and so the same bits. Letters as in <see cref="EnsembleTransform"/>. Ensembles
/// have no more members than observations.
/// </summary>
internal readonly unsafe struct TransformLanes<T> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // A group stays in the processor's second cache, with 64 bytes for each of so many components of members.
    private const long LargestEnsemble = 1 << 12;

    private readonly PriorWeight weight;
    private readonly double inflation;
    private readonly int members, n, p;
    private readonly Vector512<T>* y, d, whitening, gram, root, values, projections, right, row, work, end;

    /// <summary>Assigns the quantities their places in memory.</summary>
    /// <param name="members">N</param>
    /// <param name="n">The dimension of the state.</param>
    /// <param name="p">The number of observations.</param>
    /// <param name="weight">The prior's weight.</param>
    /// <param name="inflation">The factor of the analysis anomalies.</param>
    /// <param name="memory">Memory for <see cref="Size"/> vectors, used for one group of trajectories after the other.</param>
    public TransformLanes(int members, int n, int p, PriorWeight weight, double inflation, Vector512<T>* memory)
    {
        (this.members, this.n, this.p, this.weight, this.inflation) = (members, n, p, weight, inflation);
        Mean = memory;
        Anomalies = Mean + n;                       // X [N, n]
        y = Anomalies + members * n;                // Y [N, p]
        d = y + members * p;
        whitening = d + p;
        gram = whitening + p;                       // Y Y^T [N, N]
        root = gram + members * members;            // T [N, N]
        values = root + members * members;          // the eigenvalues of Y Y^T, if the weight follows from them
        projections = values + members;
        right = projections + members;
        row = right + members;
        work = row + members;
        Zeta = work + InverseRootInLanes.WorkSize(members);
        end = Zeta + 1;
    }

    /// <summary>The number of vectors that an analysis needs.</summary>
    public static long Size(int members, int n, int p) =>
        new TransformLanes<T>(members, n, p, PriorWeight.Fixed(1), 1, null).end - (Vector512<T>*)null;

    /// <summary>Whether groups of trajectories are faster than one after the other: each thread has a group that fits the cache.</summary>
    public static bool Pays(long batch, long members, long n, long p) => members <= p && Fits(batch, members, n, p);

    /// <summary>Whether each thread has a group that fits the cache.</summary>
    public static bool Fits(long batch, long members, long n, long p) =>
        members * Math.Max(n, p) <= LargestEnsemble && batch >= (long)Vector512<T>.Count * get_num_threads();

    /// <summary>Nanoseconds for a group's analyses: an estimate from that of one, which takes some three times its share of a
    /// group.</summary>
    public static double Time(int members, int n, int p) => Vector512<T>.Count / 3.0 *
        (8.0 * members * members * members + 4.0 * members * members * (n + p)) * SharedWork.Operation;

    /// <summary>The prior's mean, n vectors.</summary>
    public Vector512<T>* Mean { get; }

    /// <summary>The place of the prior's members, <c>[N, n]</c>, and after <see cref="Centre"/> of its anomalies.</summary>
    public Vector512<T>* Anomalies { get; }

    /// <summary>Loads the prior's members and the observed ensembles of some trajectories.</summary>
    /// <param name="first">The first trajectory.</param>
    /// <param name="rows">The number of trajectories, at most that of the lanes.</param>
    /// <param name="ensembles">All ensembles, <c>[batch, N, n]</c>.</param>
    /// <param name="observed">H of every member, <c>[batch, N, p]</c>.</param>
    public void Load(long first, int rows, T* ensembles, T* observed)
    {
        for (int i = 0; i < members; i++)
        {
            LaneRows.Load(ensembles + (first * members + i) * n, (long)members * n, rows, n, Anomalies + i * n);
            LaneRows.Load(observed + (first * members + i) * p, (long)members * p, rows, p, y + i * p);
        }
    }

    /// <summary>Converts the prior's members to anomalies.</summary>
    /// <param name="squares">Receives the sums of their squares, n vectors.</param>
    /// <returns>Whether all of them are finite.</returns>
    public bool Centre(Vector512<T>* squares)
    {
        Average(Anomalies, Mean, n);
        return Deviate(Anomalies, Mean, Anomalies, squares);
    }

    /// <summary>Computes the mean of an ensemble <c>[N, n]</c> and the sums of the squared differences from it.</summary>
    /// <returns>Whether all differences are finite.</returns>
    public bool Describe(Vector512<T>* ensemble, Vector512<T>* mean, Vector512<T>* squares)
    {
        Average(ensemble, mean, n);
        return Deviate(ensemble, mean, null, squares);
    }

    private void Average(Vector512<T>* ensemble, Vector512<T>* mean, int length)
    {
        for (int j = 0; j < length; j++) mean[j] = Vector512<T>.Zero;
        int i = 0;
        for (; i + 3 < members; i += 4, ensemble += 4 * length)
            for (int j = 0; j < length; j++)
                mean[j] = mean[j] + ensemble[j] + ensemble[length + j] + ensemble[2 * length + j] + ensemble[3 * length + j];
        for (; i < members; i++, ensemble += length)
            for (int j = 0; j < length; j++) mean[j] += ensemble[j];
        var share = Vector512.Create(T.One / T.CreateTruncating(members));
        for (int j = 0; j < length; j++) mean[j] *= share;
    }

    private bool Deviate(Vector512<T>* ensemble, Vector512<T>* mean, Vector512<T>* differences, Vector512<T>* squares)
    {
        for (int j = 0; j < n; j++) squares[j] = Vector512<T>.Zero;
        int i = 0;
        for (; i + 1 < members; i += 2)
        {
            Vector512<T>* at = ensemble + i * n;
            for (int j = 0; j < n; j++)
            {
                Vector512<T> first = at[j] - mean[j], second = at[n + j] - mean[j];
                squares[j] = squares[j] + first * first + second * second;
                if (differences is not null) (differences[i * n + j], differences[(i + 1) * n + j]) = (first, second);
            }
        }
        for (; i < members; i++)
            for (int j = 0; j < n; j++)
            {
                var difference = ensemble[i * n + j] - mean[j];
                squares[j] += difference * difference;
                if (differences is not null) differences[i * n + j] = difference;
            }
        // A square that overflows counts as not finite, too.
        var lost = Vector512<T>.Zero;
        for (int j = 0; j < n; j++) lost += squares[j] - squares[j];
        return Vector512.EqualsAll(lost, Vector512<T>.Zero);
    }

    /// <summary>Observes single components: anomalies and innovation, whitened.</summary>
    /// <param name="components">The component that each observation is of.</param>
    /// <param name="observation">y, p vectors, finite.</param>
    /// <param name="deviations">1 / sigma of each observation.</param>
    /// <param name="observed">All bits set where an observation exists, p vectors, or null if all exist.</param>
    public void Observe(int[] components, Vector512<T>* observation, double[] deviations, Vector512<T>* observed)
    {
        for (int k = 0; k < p; k++)
        {
            whitening[k] = Vector512.Create(T.CreateTruncating(deviations[k]));
            if (observed is not null) whitening[k] &= observed[k];
            d[k] = (observation[k] - Mean[components[k]]) * whitening[k];
        }
        for (int i = 0; i < members; i++)
        {
            Vector512<T>* x = Anomalies + i * n, to = y + i * p;
            for (int k = 0; k < p; k++) to[k] = x[components[k]] * whitening[k];
        }
    }

    /// <summary>zeta of each trajectory, one vector, after <see cref="Decompose"/>.</summary>
    public Vector512<T>* Zeta { get; }

    /// <summary>Converts the observed ensemble to anomalies and innovation, whitened.</summary>
    /// <param name="observation">y, p vectors.</param>
    /// <param name="deviations">1 / sigma of each observation; null if they are whitened already.</param>
    /// <param name="observed">All bits set where an observation exists, p vectors, or null if all exist.</param>
    public void Observe(Vector512<T>* observation, double[]? deviations, Vector512<T>* observed)
    {
        Average(y, d, p);
        for (int k = 0; k < p; k++)
        {
            whitening[k] = Vector512.Create(deviations is null ? T.One : T.CreateTruncating(deviations[k]));
            var exists = observed is null ? Vector512<T>.AllBitsSet : observed[k];
            for (int i = 0; i < members; i++) y[i * p + k] = ((y[i * p + k] - d[k]) * whitening[k]) & exists;
            d[k] = ((observation[k] - d[k]) * whitening[k]) & exists;
        }
    }

    /// <summary>|d|^2 of the observations as loaded, for one lane.</summary>
    public double Misfit(int lane)
    {
        double sum = 0;
        for (int k = 0; k < p; k++)
        {
            double number = double.CreateTruncating(((T*)(d + k))[lane]);
            sum += number * number;
        }
        return sum;
    }

    /// <summary>As <see cref="TransformTrajectory{T}.Linearise"/>.</summary>
    public void Linearise(Vector512<T>* inverse, double factor, Vector512<T>* weightsOfMean, Vector512<T>* scratch)
    {
        if (inverse is not null)
        {
            LaneProducts.Multiply(inverse, members, 1, y, scratch, members, members, p, null);
            new Span<Vector512<T>>(scratch, members * p).CopyTo(new Span<Vector512<T>>(y, members * p));
        }
        else if (factor != 1)
        {
            var each = Vector512.Create(T.CreateTruncating(1 / factor));
            for (int k = 0; k < members * p; k++) y[k] *= each;
        }
        if (weightsOfMean is null) return;
        for (int i = 0; i < members; i++)
            for (int k = 0; k < p; k++) d[k] = MultiplyAdd(weightsOfMean[i], y[i * p + k], d[k]);
    }

    /// <summary>The weights of the mean's increment w, N vectors, after <see cref="Decompose"/>.</summary>
    public Vector512<T>* Weights => row;

    /// <summary>Computes the ensemble mean + (T + 1 w^T) X, <c>[N, n]</c>.</summary>
    /// <param name="result">Receives the ensemble.</param>
    public void Analyze(Vector512<T>* result)
    {
        Decompose();
        Combine(result);
    }

    /// <summary>Finds the transform T and the weights w.</summary>
    /// <param name="inverts">Whether <see cref="InverseRoot"/> follows.</param>
    public void Decompose(bool inverts = false)
    {
        LaneProducts.Gram(y, y, gram, members, p);
        for (int i = 0; i < members; i++)
        {
            var sum = Vector512<T>.Zero;
            for (int k = 0; k < p; k++) sum = MultiplyAdd(d[k], y[i * p + k], sum);
            right[i] = sum;
        }
        Root(inverts);
    }

    /// <summary>Computes the ensemble mean + (T + 1 w^T) X, <c>[N, n]</c>, after <see cref="Decompose"/>.</summary>
    public void Combine(Vector512<T>* result)
    {
        for (int i = 0; i < members; i++)
            for (int j = 0; j < members; j++) root[i * members + j] += row[j];
        LaneProducts.Multiply(root, members, 1, Anomalies, result, members, members, n, Mean);
    }

    /// <summary>Computes the ensemble mean + (factor + 1 w^T) X, <c>[N, n]</c>, after <see cref="Decompose"/>.</summary>
    public void Bundle(double factor, Vector512<T>* result, Vector512<T>* scratch)
    {
        var diagonal = Vector512.Create(T.CreateTruncating(factor));
        for (int i = 0; i < members; i++)
            for (int j = 0; j < members; j++) scratch[i * members + j] = i == j ? row[j] + diagonal : row[j];
        LaneProducts.Multiply(scratch, members, 1, Anomalies, result, members, members, n, Mean);
    }

    /// <summary>Computes T^-1, <c>[N, N]</c>, before T is combined; there is no inflation.</summary>
    public void InverseRoot(Vector512<T>* result)
    {
        // (Y Y^T + zeta I) T / (N - 1)
        LaneProducts.Multiply(y, members, 1, root, result, members, members, members, null);
        var share = Vector512.Create(T.One / (Scale * Scale));
        var trace = Vector512<T>.Zero;
        for (int i = 0; i < members; i++) trace += y[i * members + i];
        var unseen = Vector512.Equals(trace, Vector512<T>.Zero);
        for (int i = 0; i < members; i++)
            for (int j = 0; j < members; j++)
            {
                Vector512<T>* at = result + i * members + j;
                *at = MultiplyAdd(*Zeta, root[i * members + j], *at) * share;
                *at = Vector512.ConditionalSelect(unseen, i == j ? Vector512<T>.One : Vector512<T>.Zero, *at);
            }
    }

    private T Scale => T.CreateTruncating(inflation * Math.Sqrt(members - 1));

    // T into the root, and w = (Y Y^T + zeta I)^-1 Y d into the row; Y Y^T may be kept in the place of Y.
    private void Root(bool keeps)
    {
        if (weight.Given is { } given) *Zeta = Vector512.Create(T.CreateTruncating(given));
        keeps |= weight.Given is null || InverseRootInLanes.Beyond(gram, *Zeta, members) != Vector512<T>.Zero;
        for (int i = 0; keeps && i < members; i++)
            for (int j = 0; j <= i; j++) y[i * members + j] = y[j * members + i] = gram[i * members + j];
        var form = InverseRootInLanes.Reduce(gram, T.CreateTruncating(weight.Given ?? 0), members, work);
        if (weight.Given is null) Find(form.Scale);
        for (int i = 0; i < members; i++) row[i] = right[i];
        InverseRootInLanes.Solve(gram, form, *Zeta, row, members, work);
        InverseRootInLanes.Root(gram, form, *Zeta, Scale, root, members, work);
        if (keeps && InverseRootInLanes.Beyond(y, *Zeta, members) is var beyond && beyond != Vector512<T>.Zero)
            InverseRootInLanes.ByEigenvectors(beyond, y, right, *Zeta, Scale, root, row, members);
        // Observations that see nothing of the ensemble change nothing, whatever the inflation.
        var unseen = Vector512.Equals(form.Trace, Vector512<T>.Zero);
        if (unseen == Vector512<T>.Zero) return;
        for (int i = 0; i < members; i++)
            for (int j = 0; j < members; j++)
                root[i * members + j] = Vector512.ConditionalSelect(unseen, i == j ? Vector512<T>.One : Vector512<T>.Zero,
                    root[i * members + j]);
    }

    // The prior's weight of each trajectory, from eigenvalues and projections.
    private void Find(Vector512<T> scale)
    {
        for (int k = 0; k < members; k++) projections[k] = right[k];
        InverseRootInLanes.Spectrum(gram, scale, projections, values, members, work);
        int lanes = Vector512<T>.Count;
        Span<double> eigenvalues = stackalloc double[members], squared = stackalloc double[members];
        for (int lane = 0; lane < lanes; lane++)
        {
            for (int k = 0; k < members; k++)
            {
                double projection = double.CreateTruncating(((T*)projections)[k * lanes + lane]);
                eigenvalues[k] = double.CreateTruncating(T.Max(((T*)values)[k * lanes + lane], T.Zero));
                squared[k] = projection * projection;
            }
            ((T*)Zeta)[lane] = T.CreateTruncating(weight.OfFinite(eigenvalues, squared));
        }
    }
}
