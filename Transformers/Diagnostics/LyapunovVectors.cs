using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Adds the backward Lyapunov vectors along the states of a view: the directions that have grown most until now, computed by propagating
/// orthonormal vectors with the model's tangent linear from cycle to cycle and orthonormalising them (Benettin et al. 1980; Kuptsov and
/// Parlitz 2012), M Q_(t-1) = Q_t R_t. It adds <see cref="Vectors"/>, rows in order of growth, and <see cref="Growth"/>, each vector's ln
/// R_ii over the cycle's length; the time averages of the latter are the Lyapunov exponents.
/// </summary>
/// <remarks>The vectors begin at random and need a spin-up of about ten times the inverse of the smallest gap between
/// exponents.</remarks>
[Component("lyapunov-vectors")]
public sealed class LyapunovVectors : ITransformer
{
    private readonly DataAssimilationContext context;
    private readonly IDynamics dynamics;

    /// <summary>Makes the step.</summary>
    /// <param name="context">The context whose seed the first vectors follow.</param>
    /// <param name="dynamics">The model of the trajectories.</param>
    /// <param name="count">The number of vectors k, 1 to n (default: null, n).</param>
    /// <param name="state">The column with the states (default: <see cref="Columns.Truth"/>).</param>
    /// <param name="spectrum">The exponents, if they were computed.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are more vectors than the state has components, or none.</exception>
    public LyapunovVectors(DataAssimilationContext context, IDynamics dynamics, long? count = null, Column? state = null,
        [Saved("measured"), Inlined] LyapunovSpectrum? spectrum = null)
    {
        this.context = context;
        this.dynamics = dynamics;
        Count = count ?? dynamics.Dimension;
        if (Count < 1 || Count > dynamics.Dimension)
            throw new ArgumentOutOfRangeException(nameof(count), count,
                $"{dynamics.Name} has 1 to {dynamics.Dimension} Lyapunov vectors; given: {count}.");
        State = state ?? Columns.Truth;
        Spectrum = spectrum;
        Contract = new SchemaContract([new(State, dynamics.Dimension)], [new(Vectors, Count, dynamics.Dimension), new(Growth, Count)]);
    }

    /// <summary>The column of the vectors, <c>[k, n]</c>, orthonormal rows.</summary>
    public static Column Vectors { get; } = new("lyapunov-vectors");

    /// <summary>The column of the growth rates over the cycle, <c>[k]</c>, in the inverse of the model's unit of time.</summary>
    public static Column Growth { get; } = new("lyapunov-growth");

    /// <summary>The number of vectors k.</summary>
    public long Count { get; }

    /// <summary>The column with the states.</summary>
    public Column State { get; }

    /// <summary>The exponents, if an estimator computed them.</summary>
    public LyapunovSpectrum? Spectrum { get; }

    /// <inheritdoc/>
    public string Name => $"Lyapunov vectors of {dynamics.Name}";

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <inheritdoc/>
    public ITrajectoryView Transform(ITrajectoryView input) =>
        new TrajectoryView(Contract.Apply(input.Schema, Name), input, source => new Cursor(this, source));

    /// <summary>Gives orthonormal rows and the triangular factor between, with a positive diagonal: V = R^T Q, with vectors as
    /// rows.</summary>
    internal static (Tensor Rows, Tensor Triangle) Orthonormalise(Tensor rows)
    {
        using var scope = NewDisposeScope();
        var (q, r) = linalg.qr(rows.mT);
        var signs = r.diagonal(dim1: -2, dim2: -1).sign();
        return scope.MoveToOuter((q * signs.unsqueeze(-2)).mT.contiguous(), r * signs.unsqueeze(-1));
    }

    /// <summary>Computes one cycle: the vectors at its end, and R.</summary>
    internal (Tensor Rows, Tensor Triangle) Carry(Tensor state, Tensor rows, TimeInterval interval)
    {
        using var scope = NewDisposeScope();
        long batch = state.size(0);
        var at = state.unsqueeze(1).expand(batch, Count, dynamics.Dimension).contiguous();
        var (next, triangle) = Orthonormalise(dynamics.TangentLinear(at, rows, interval));
        return scope.MoveToOuter(next, triangle);
    }

    /// <summary>Draws the first vectors, orthonormal and random.</summary>
    internal Tensor First(long batch, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var random = context.Random($"lyapunov/{dynamics.Name}");
        return Orthonormalise(random.Normal([batch, Count, dynamics.Dimension], dtype)).Rows.MoveToOuterDisposeScope();
    }

    private sealed class Cursor(LyapunovVectors step, ITrajectoryCursor source) : TrajectoryCursor(source)
    {
        private Tensor? state, rows;
        private double time;

        protected override bool Compute(long cycle)
        {
            var now = Source![step.State];
            Tensor next, growth;
            if (rows is null)
            {
                next = step.First(now.size(0), now.dtype);
                growth = now.new_zeros([now.size(0), step.Count]);
            }
            else
            {
                (next, var triangle) = step.Carry(state!, rows, new TimeInterval(time, Time));
                growth = triangle.diagonal(dim1: -2, dim2: -1).log() / (Time - time);
                if (!double.IsFinite(growth.sum().ToDouble())) throw new DivergenceException(step.Name, "tangent linear", cycle, Time,
                    "the growth along its vectors is not finite",
                    "A shorter time between cycles, or a run that stays on the attractor, are the usual remedies.");
            }
            DisposeState();
            (state, rows, time) = (now.clone().DetachFromDisposeScope(), next.DetachFromDisposeScope(), Time);
            Set(Vectors, next);
            Set(Growth, growth);
            return true;
        }

        protected override void DisposeState()
        {
            state?.Dispose();
            rows?.Dispose();
            (state, rows) = (null, null);
        }
    }
}
