using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The rotating shallow-water equations on an Arakawa C-grid (Trappler and Vidard, eq. 3.1): height eta over the mean depth H, currents
/// u and v, wind stress, linear drag, viscosity, f- or beta-plane; walls with free slip or periodic in either direction. The space
/// discretisation is the energy-conserving one of Sadourny (1975, J. Atmos. Sci. 32, 680-689), the time step the classical
/// Runge-Kutta method. The unit of time is the second.
/// </summary>
/// <remarks>
/// A state is (eta, u, v), each row by row from south to north: eta at the <c>[ny, nx]</c> cells, u at the <c>[ny, nx - 1]</c> walls
/// between cells of a row (<c>[ny, nx]</c> where x is periodic: the last one is the seam), v at the <c>[ny - 1, nx]</c> walls between
/// rows (<c>[ny, nx]</c> where y is periodic). 64 x 64 closed cells make n = 12,160. On the processor, the forward step, tangent linear
/// and adjoint are kernels over the states' memory. On other devices, and if derivatives of derivatives are needed, tensor operators
/// compute the same.
/// </remarks>
[Component("shallow-water")]
public sealed class ShallowWater : Dynamics
{
    /// <summary>The number of seconds in a day.</summary>
    public const double Day = 86400;

    private readonly Lazy<ShallowWaterKernel<double>> doubles;
    private readonly Lazy<ShallowWaterKernel<float>> singles;
    private readonly ConstantTensor windX, windY, coriolis;
    private readonly double dx, dy;

    /// <summary>Creates a model.</summary>
    /// <param name="options">Settings (default: null, the calm regime on 64 x 64 cells).</param>
    /// <exception cref="ArgumentException">No model can be made with these settings; the message names the setting.</exception>
    public ShallowWater(ShallowWaterOptions? options = null) : base((options ??= new()).Checked().Dimension, options.TimeStep)
    {
        Options = options;
        (dx, dy) = (options.LengthX / options.CellsX, options.LengthY / options.CellsY);
        doubles = new(() => new(options));
        singles = new(() => new(options));
        using var scope = NewDisposeScope();
        var (x, y) = Lattice<double>.WindFields(options);
        windX = new ConstantTensor(tensor(x).reshape(options.CellsY, options.ColumnsU));
        windY = new ConstantTensor(tensor(y).reshape(options.RowsV, options.CellsX));
        var corners = arange(0, options.CellsY + 1, dtype: ScalarType.Float64) * dy - options.LengthY / 2;
        coriolis = new ConstantTensor((options.Coriolis + options.Beta * corners).unsqueeze(-1));
    }

    /// <inheritdoc/>
    public override string Name => "Shallow water";

    /// <summary>The settings.</summary>
    public ShallowWaterOptions Options { get; }

    /// <summary>At rest or, if the settings say so, with random heights and a spin-up.</summary>
    public override IInitialCondition InitialCondition
    {
        get
        {
            var start = new ShallowWaterInitialCondition(Options);
            return Options.SpinUpTime > 0 ? new AttractorInitialCondition(this, Options.SpinUpTime, start) : start;
        }
    }

    /// <summary>eta in metres, <c>[..., ny, nx]</c>: a view of the state.</summary>
    public Tensor Height(Tensor state) => Field(state, 0, Options.CellsY, Options.CellsX);

    /// <summary>u in m/s, <c>[..., ny, nx - 1]</c>, or <c>[..., ny, nx]</c> where x is periodic: a view of the state.</summary>
    public Tensor VelocityX(Tensor state) => Field(state, (long)Options.CellsX * Options.CellsY, Options.CellsY, Options.ColumnsU);

    /// <summary>v in m/s, <c>[..., ny - 1, nx]</c>, or <c>[..., ny, nx]</c> where y is periodic: a view of the state.</summary>
    public Tensor VelocityY(Tensor state) =>
        Field(state, (long)Options.CellsX * Options.CellsY + Options.PointsU, Options.RowsV, Options.CellsX);

    /// <summary>Makes a state from three fields of the shapes above.</summary>
    public Tensor State(Tensor height, Tensor velocityX, Tensor velocityY) =>
        cat([height.flatten(-2), velocityX.flatten(-2), velocityY.flatten(-2)], -1);

    /// <summary>The volume of water above the mean depth, the sum of eta dx dy, in m3; nothing in the equations changes it.</summary>
    /// <param name="state"><c>[..., n]</c></param>
    /// <returns><c>[...]</c></returns>
    public Tensor Volume(Tensor state)
    {
        using var scope = NewDisposeScope();
        return (Height(state).sum([-2, -1]) * (dx * dy)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The energy that the space discretisation conserves without wind, drag and viscosity, the sum of (g eta^2 + h_u u^2 + h_v v^2) / 2 dx
    /// dy,
    /// in m5/s2; times the density, in joules.
    /// </summary>
    /// <param name="state"><c>[..., n]</c></param>
    /// <returns><c>[...]</c></returns>
    public Tensor Energy(Tensor state)
    {
        using var scope = NewDisposeScope();
        Tensor eta = Height(state), around = Around(Around(eta, -1, Options.PeriodicX), -2, Options.PeriodicY);
        Tensor u = VelocityX(state), v = VelocityY(state);
        var depthU = Options.Depth + Mean(around.narrow(-2, 1, Options.CellsY).narrow(-1, 1, Options.ColumnsU + 1), -1);
        var depthV = Options.Depth + Mean(around.narrow(-1, 1, Options.CellsX).narrow(-2, 1, Options.RowsV + 1), -2);
        var sum = Options.Gravity * eta.square().sum([-2, -1]) + (depthU * u.square()).sum([-2, -1]) + (depthV * v.square()).sum([-2, -1]);
        return (sum * (dx * dy / 2)).MoveToOuterDisposeScope();
    }

    /// <summary>dx/dt by tensor operators, the reference in tests of the kernels.</summary>
    /// <param name="state"><c>[..., n]</c></param>
    /// <returns>dx/dt, of the state's shape, per second.</returns>
    public Tensor TimeDerivative(Tensor state) => Tendency(Require.LastDimension(state, Dimension, $"The state of {Name}"));

    /// <summary>
    /// The longest step with which the linearised waves are stable; see <see cref="ShallowWaterOptions.LongestTimeStep"/>.
    /// </summary>
    public double LongestTimeStep => Options.LongestTimeStep;

    /// <inheritdoc/>
    protected override Tensor Tendency(Tensor state)
    {
        var o = Options;
        int nx = o.CellsX, ny = o.CellsY;
        Tensor u = VelocityX(state), v = VelocityY(state);
        // u, v with a neighbour on either side
        Tensor acrossU = Across(u, -1, o.PeriodicX), acrossV = Across(v, -2, o.PeriodicY);
        Tensor eta = Around(Around(Height(state), -1, o.PeriodicX), -2, o.PeriodicY);                               // [ny + 2, nx + 2]
        // every cell's west, east; south, north
        Tensor faceU = acrossU.narrow(-1, 0, nx + 1), faceV = acrossV.narrow(-2, 0, ny + 1);
        // [ny + 2, nx + 1], [ny + 1, nx + 2]
        Tensor depthX = o.Depth + Mean(eta, -1), depthY = o.Depth + Mean(eta, -2);
        // [ny, nx + 1], [ny + 1, nx]
        Tensor fluxU = depthX.narrow(-2, 1, ny) * faceU, fluxV = depthY.narrow(-1, 1, nx) * faceV;
        var head = o.Gravity * Height(state) + Mean(faceU.square(), -1) / 2 + Mean(faceV.square(), -2) / 2;         // B, [ny, nx]

        // the corners, [ny + 1, nx + 1]
        var vorticity = coriolis.Like(state) + Difference(Around(faceV, -1, o.PeriodicX), -1) / dx
            - Difference(Around(faceU, -2, o.PeriodicY), -2) / dy;
        var q = vorticity / Mean(depthX, -2);
        Tensor turnU = q * Mean(Around(fluxV, -1, o.PeriodicX), -1), turnV = q * Mean(Around(fluxU, -2, o.PeriodicY), -2);

        var inflow = -Difference(fluxU, -1) / dx - Difference(fluxV, -2) / dy;
        var forceU = Mean(turnU, -2).narrow(-1, 1, o.ColumnsU) - Gradient(head, -1, o.PeriodicX) / dx + windX.Like(state) - o.Drag * u;
        var forceV = -Mean(turnV, -1).narrow(-2, 1, o.RowsV) - Gradient(head, -2, o.PeriodicY) / dy + windY.Like(state) - o.Drag * v;
        if (o.Viscosity > 0)
        {
            forceU = forceU + o.Viscosity * (Curvature(acrossU, -1) / (dx * dx) + Curvature(Around(u, -2, o.PeriodicY), -2) / (dy * dy));
            forceV = forceV + o.Viscosity * (Curvature(Around(v, -1, o.PeriodicX), -1) / (dx * dx) + Curvature(acrossV, -2) / (dy * dy));
        }
        return State(inflow, forceU, forceV);
    }

    /// <inheritdoc/>
    /// <exception cref="ModelStateException">A state ran dry or became non-finite (on the processor).</exception>
    public override Tensor Advance(Tensor state, TimeInterval interval)
    {
        long steps = CheckState(state, interval);
        return KernelMemory.Serves(state) ? Run(state, interval, steps) : base.Advance(state, interval);
    }

    /// <inheritdoc/>
    public override Tensor TangentLinear(Tensor state, Tensor perturbation, TimeInterval interval)
    {
        long steps = CheckState(state, interval);
        CheckShape(state, perturbation, nameof(perturbation));
        if (!KernelMemory.Serves(state, perturbation)) return base.TangentLinear(state, perturbation, interval);
        // One kept state suffices: the stages of a step are computed just before they are needed.
        using var linear = Linearisation(state, interval, steps, keptStates: 1, wantsEnd: false);
        return linear.TangentLinear(perturbation);
    }

    /// <inheritdoc/>
    public override Tensor Adjoint(Tensor state, Tensor sensitivity, TimeInterval interval)
    {
        long steps = CheckState(state, interval);
        CheckShape(state, sensitivity, nameof(sensitivity));
        if (!KernelMemory.Serves(state, sensitivity)) return base.Adjoint(state, sensitivity, interval);
        using var linear = Linearisation(state, interval, steps, new LinearisationOptions().KeptStates, wantsEnd: false);
        return linear.Adjoint(sensitivity);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A run of S steps keeps the states at all four stages of each step if 4 S is at most <see cref="LinearisationOptions.KeptStates"/>;
    /// otherwise each product computes them again, at the cost of a forward run. Memory: the kept states, 8 n bytes each in double
    /// precision, and for each vector in progress two states and some 400 rows of cells.
    /// </remarks>
    public override ILinearisation Linearise(Tensor state, TimeInterval interval, LinearisationOptions? options = null)
    {
        long steps = CheckState(state, interval);
        int kept = (int)Require.AtLeast((options ?? new()).KeptStates, 1, nameof(LinearisationOptions.KeptStates));
        using var detached = state.detach();
        return KernelMemory.Serves(detached) ? Linearisation(detached, interval, steps, kept, wantsEnd: true)
            : base.Linearise(state, interval, options);
    }

    /// <inheritdoc/>
    protected override Tensor Step(Tensor state, double time)
    {
        Tensor InKernel(Tensor x) => Run(x, new TimeInterval(time, time + TimeStep), 1);
        return !KernelMemory.Holds(state) ? base.Step(state, time)
            : KernelMemory.Serves(state) ? InKernel(state)
            : TrackedStep.Of(state, InKernel, (at, sensitivity) => StepAdjoint(at, sensitivity, time));
    }

    /// <inheritdoc/>
    protected override (Tensor State, Tensor Perturbation) StepTangentLinear(Tensor state, Tensor perturbation, double time)
    {
        if (!KernelMemory.Serves(state, perturbation)) return Differentiation.TangentLinear(x => base.Step(x, time), state, perturbation,
            $"A step of {Name}");
        var step = new TimeInterval(time, time + TimeStep);
        return (Run(state, step, 1), TangentLinear(state, perturbation, step));
    }

    /// <inheritdoc/>
    protected override Tensor StepAdjoint(Tensor state, Tensor sensitivity, double time) =>
        KernelMemory.Serves(state, sensitivity) ? Adjoint(state, sensitivity, new TimeInterval(time, time + TimeStep))
        : Differentiation.Adjoint(x => base.Step(x, time), state, sensitivity, $"A step of {Name}");

    internal ModelStateException Unsound(UnsoundState found, TimeInterval interval) =>
        new(Name, found.Row, found.Step, interval.From + found.Step * TimeStep,
            $"its depth is not positive or a value is not finite. The longest stable time step at rest is {LongestTimeStep:g4} s; it is " +
                $"{TimeStep:g4} s. " +
            "A shorter time step, a greater depth, weaker wind or more viscosity are the usual remedies.");

    private Tensor Run(Tensor state, TimeInterval interval, long steps)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        Tensor from = state.detach().contiguous(), to = empty(state.Sizes(), dtype: state.dtype);
        var unsound = state.dtype == ScalarType.Float64 ? doubles.Value.Step(from, to, steps) : singles.Value.Step(from, to, steps);
        return unsound is { } found ? throw Unsound(found, interval) : to.MoveToOuterDisposeScope();
    }

    private ILinearisation Linearisation(Tensor state, TimeInterval interval, long steps, int keptStates, bool wantsEnd) =>
        state.dtype == ScalarType.Float64
        ? new ShallowWaterLinearisation<double>(this, doubles.Value, state, interval, steps, keptStates, wantsEnd)
        : new ShallowWaterLinearisation<float>(this, singles.Value, state, interval, steps, keptStates, wantsEnd);

    private static Tensor Field(Tensor state, long first, long rows, long columns) =>
        state.narrow(-1, first, rows * columns).view([.. state.Sizes()[..^1], rows, columns]);

    private static Tensor First(Tensor x, int dimension) => x.narrow(dimension, 0, 1);

    private static Tensor Last(Tensor x, int dimension) => x.narrow(dimension, x.size(dimension) - 1, 1);

    // Adds a ghost on either side: from across the seam, or a mirror image at a wall.
    private static Tensor Around(Tensor x, int dimension, bool periodic)
    {
        var (first, last) = (First(x, dimension), Last(x, dimension));
        return periodic ? cat([last, x, first], dimension) : cat([first, x, last], dimension);
    }

    // Adds to a velocity its neighbours across the cells: from across the seam, or zero at a wall.
    private static Tensor Across(Tensor x, int dimension, bool periodic)
    {
        if (periodic) return Around(x, dimension, periodic);
        var wall = zeros_like(First(x, dimension));
        return cat([wall, x, wall], dimension);
    }

    private static (Tensor Lower, Tensor Upper) Neighbours(Tensor x, int dimension)
    {
        long size = x.size(dimension) - 1;
        return (x.narrow(dimension, 0, size), x.narrow(dimension, 1, size));
    }

    private static Tensor Mean(Tensor x, int dimension)
    {
        var (lower, upper) = Neighbours(x, dimension);
        return (lower + upper) / 2;
    }

    private static Tensor Difference(Tensor x, int dimension)
    {
        var (lower, upper) = Neighbours(x, dimension);
        return upper - lower;
    }

    // Differences at the points of the velocity.
    private static Tensor Gradient(Tensor x, int dimension, bool periodic) =>
        Difference(periodic ? cat([x, First(x, dimension)], dimension) : x, dimension);

    private static Tensor Curvature(Tensor x, int dimension) => Difference(Difference(x, dimension), dimension);
}
