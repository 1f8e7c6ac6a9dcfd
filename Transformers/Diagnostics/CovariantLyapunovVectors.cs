using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Covariant Lyapunov vectors by the method of Ginelli et al. (2007, Phys. Rev. Lett. 99, 130601): directions that the tangent linear
/// maps into each other, M v_i(t-1) ~ v_i(t), each growing at its exponent forward and backward in time. Backward vectors are propagated
/// forward along the whole view, then coordinates C backward through their triangular factors, C_(t-1) = R_t^-1 C_t.
/// </summary>
public static class CovariantLyapunovVectors
{
    /// <summary>The column of the vectors, <c>[k, n]</c>, rows of length one in order of growth.</summary>
    public static Column Vectors { get; } = new("covariant-lyapunov-vectors");

    /// <summary>Computes the vectors along a view of finite length.</summary>
    /// <param name="lyapunov">Model, number of vectors, and the column with the states.</param>
    /// <param name="view">The states; all of them, and a triangular matrix per cycle, are kept during the computation.</param>
    /// <param name="transient">The spin-up in cycles at both ends of the view, which are left out: at the beginning the backward vectors
    /// forget their start, at the end the coordinates do. At least one.</param>
    /// <param name="cancellation">Cancels the work.</param>
    /// <returns>The states' column and <see cref="Vectors"/> over the cycles between.</returns>
    /// <exception cref="ArgumentException">The view never ends, or has no cycle left between the two spin-ups.</exception>
    public static MemoryTrajectoryView Compute(LyapunovVectors lyapunov, ITrajectoryView view, int transient,
        CancellationToken cancellation = default)
    {
        Require.AtLeast(transient, 1);
        if (view.CycleCount is not { } cycles || cycles <= 2L * transient)
            throw new ArgumentException(
                $"Covariant vectors need a view that ends and has more cycles than the transients at its two ends, {2L * transient}; " +
                    $"given: {view.CycleCount?.ToString() ?? "one without end"}.", nameof(view));
        lyapunov.Contract.Apply(view.Schema, lyapunov.Name);

        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var times = new List<double>();
        List<Tensor> states = [], rows = [], triangles = [];
        foreach (var cycle in view)
        {
            cancellation.ThrowIfCancellationRequested();
            using var inner = NewDisposeScope();
            var state = cycle[lyapunov.State].clone();
            if (times.Count == 0) rows.Add(lyapunov.First(state.size(0), state.dtype).MoveToOuterDisposeScope());
            else
            {
                var (next, triangle) = lyapunov.Carry(states[^1], rows[^1], new TimeInterval(times[^1], cycle.Time));
                rows.Add(next.MoveToOuterDisposeScope());
                triangles.Add(triangle.MoveToOuterDisposeScope());
            }
            states.Add(state.MoveToOuterDisposeScope());
            times.Add(cycle.Time);
        }

        long k = lyapunov.Count;
        var coordinates = eye(k, dtype: rows[0].dtype, device: rows[0].device).expand(rows[0].size(0), k, k).contiguous();
        var vectors = new Stack<Tensor>();
        for (int t = times.Count - 1; t >= transient; t--)
        {
            cancellation.ThrowIfCancellationRequested();
            using var inner = NewDisposeScope();
            // Columns of C are the vectors' coordinates in the rows of Q.
            if (t < times.Count - transient) vectors.Push(coordinates.mT.matmul(rows[t]).MoveToOuterDisposeScope());
            var back = linalg.solve_triangular(triangles[t - 1], coordinates, upper: true);
            back = back / back.square().sum([-2], keepdim: true).sqrt();
            coordinates.Dispose();
            coordinates = back.MoveToOuterDisposeScope();
        }
        int first = transient, count = vectors.Count;
        return new MemoryTrajectoryView(new Dictionary<Column, Tensor>
        {
            [lyapunov.State] = stack(states.GetRange(first, count)),
            [Vectors] = stack(vectors),
        }, times.GetRange(first, count), times[first - 1]);
    }
}
