using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The method of differentiating an analyzer with respect to the forecast.</summary>
public enum StateDerivative
{
    /// <summary>Automatic differentiation: exact, for an analyzer that consists of tensor operators from end to end, as every learned one
    /// does.</summary>
    Automatic,

    /// <summary>By central differences, for any analyzer.</summary>
    Differences,
}

/// <summary>
/// The marginal gain of an analysis x_a = x + a(x, zeta), zeta = H^T R^-1 (y - H x) (Bocquet et al. 2025, eqs. 9 and 10):
/// <code>Gamma_ijl(x) = d^2 a_i / dx_l dzeta_j  at zeta = 0</code>
/// the change of the analysis error covariance P^a(x) = da / dzeta with the forecast. It is zero for an analysis whose covariance does
/// not depend on the forecast. It is computed for one site l at a time: n^2 numbers instead of n^3.
/// </summary>
public static class MarginalGain
{
    private const long LargestBatch = 1024, ReversePassBatch = 32;

    /// <summary>
    /// Computes Gamma_ijl(x) for one l by full second-order differentiation: the tangent linear along x_l, then reverse mode for each
    /// output i.
    /// </summary>
    /// <param name="network">(x <c>[batch, n]</c>, zeta <c>[batch, n]</c>) -> a <c>[batch, n]</c>, twice differentiable, with no
    /// trajectory of the batch reading another (evaluation mode).</param>
    /// <param name="states">x, <c>[batch, n]</c></param>
    /// <param name="site">l, from 0.</param>
    /// <returns><c>[batch, i, j]</c>, double precision; computed in the network's precision.</returns>
    public static Tensor OfSite(nn.Module<Tensor, Tensor, Tensor> network, Tensor states, long site)
    {
        long n = Sites(states, site), batch = states.size(0);
        var precision = ModuleState.PrecisionOf(network, states.dtype);
        using var scope = NewDisposeScope();
        using var gradients = enable_grad();
        // Copies of the states, so that one back-propagation serves several outputs.
        long copies = Math.Clamp(ReversePassBatch / batch, 1, n);
        var x = states.detach().to(precision).repeat(copies, 1);
        var zeta = zeros_like(x).requires_grad_();
        // The term that is zero keeps the result in the graph of both arguments, even if a network ignores one.
        var (_, slope) = Differentiation.TangentLinear(at => network.call(at, zeta) + 0 * at * zeta, x, Unit(x, site));
        var rows = new List<Tensor>();
        for (long first = 0; first < n; first += copies)
        {
            using var inner = NewDisposeScope();
            long count = Math.Min(copies, n - first);
            var chosen = zeros_like(x);
            for (long c = 0; c < count; c++) chosen.narrow(0, c * batch, batch).select(1, first + c).fill_(1);
            var found = Differentiation.Gradients(slope, [zeta], chosen, retainGraph: true,
                name: "The network's derivative along a component")[0].reshape(copies, batch, n);
            rows.Add(found.narrow(0, 0, count).to(ScalarType.Float64).MoveToOuterDisposeScope());
        }
        return cat(rows, 0).transpose(0, 1).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Computes Gamma_ijl(x) for one l by the composite of regression and differentiation (appendices G and H): the derivative d a / dx_l
    /// at many zeta, regressed on zeta.
    /// </summary>
    /// <param name="analyzer">Any analyzer of one state.</param>
    /// <param name="network">H and R, of its observations; they give the distribution of the innovations, and the missing
    /// observations.</param>
    /// <param name="states">x, <c>[batch, n]</c></param>
    /// <param name="site">l, from 0.</param>
    /// <param name="samples">The number of innovations at each state, more than n.</param>
    /// <param name="random">The stream of the innovations.</param>
    /// <param name="derivative">The method of the derivative along x_l (default: null, automatic for a
    /// <see cref="LearnedAnalyzer{TMemory}"/>, differences for others).</param>
    /// <returns><c>[batch, i, j]</c>; zero for a j that the innovations never reach.</returns>
    /// <exception cref="ArgumentException">The dimensions differ, or there are too few samples.</exception>
    public static Tensor OfSiteByRegression(IAnalyzer<StateMemory> analyzer, IObservationNetwork network, Tensor states, long site,
        long samples, RandomStream random, StateDerivative? derivative = null)
    {
        long n = Sites(states, site);
        if (samples < n + 2)
            throw new ArgumentOutOfRangeException(nameof(samples), samples,
                $"The regression on {n} components needs at least {n + 2} samples; given: {samples}.");
        using var scope = NewDisposeScope();
        var (cross, square) = Moments(analyzer, network, states, site, samples, 0, random, derivative);
        return Solve(cross, square).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Computes the largest difference between the marginal gain of a state and that of the same state moved along the circle and moved
    /// back, relative to the largest value (eq. 16). It is round-off for a network that commutes with translations.
    /// </summary>
    /// <param name="network">As for <see cref="OfSite"/>.</param>
    /// <param name="states"><c>[batch, n]</c></param>
    /// <param name="site">l, from 0.</param>
    /// <param name="shift">The number of sites of the move.</param>
    public static double EquivarianceError(nn.Module<Tensor, Tensor, Tensor> network, Tensor states, long site, long shift)
    {
        long n = Sites(states, site);
        using var scope = NewDisposeScope();
        var here = OfSite(network, states, site);
        var there = OfSite(network, states.roll(shift, 1), ((site + shift) % n + n) % n).roll([-shift, -shift], [1, 2]);
        double difference = (there - here).abs().max().ToDouble(), largest = here.abs().max().ToDouble();
        return difference == 0 ? 0 : difference / largest;
    }

    /// <summary>
    /// sum_p dzeta_p,j da_p,i [batch, i, j] and sum_p dzeta_p,j dzeta_p,m [batch, j, m] about the means over the samples (H2, H3).
    /// </summary>
    internal static (Tensor Cross, Tensor Square) Moments(IAnalyzer<StateMemory> analyzer, IObservationNetwork network, Tensor states,
        long site, long samples, double time, RandomStream random, StateDerivative? derivative)
    {
        var way = derivative ?? (analyzer is LearnedAnalyzer<StateMemory> ? StateDerivative.Automatic : StateDerivative.Differences);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        long batch = states.size(0), n = states.size(1), chunk = Math.Max(1, LargestBatch / batch);
        if (network.Operator.StateDimension != n)
            throw new ArgumentException(
                $"The network observes states of dimension {network.Operator.StateDimension} ({network.Operator.Name}); given: {n}.",
                nameof(network));
        Tensor Zeros(params long[] shape) => zeros(shape, dtype: ScalarType.Float64, device: states.device);
        Tensor a = Zeros(batch, n), z = Zeros(batch, n), cross = Zeros(batch, n, n), square = Zeros(batch, n, n);
        double step = way == StateDerivative.Differences ? DifferenceStep(states, network) : 0;
        for (long done = 0; done < samples; done += chunk)
        {
            using var inner = NewDisposeScope();
            long count = Math.Min(chunk, samples - done);
            var x = states.unsqueeze(1).expand(batch, count, n).reshape(batch * count, n);
            var (values, mask, _) = network.Observe(x, time, random);
            var innovation = values.to(x.dtype) - network.Operator.Apply(x);                                 // delta ~ N(0, R)
            if (mask is not null) innovation = innovation.masked_fill(mask.logical_not(), 0);
            // The analysis of x with the same innovation for every x.
            Tensor Increment(Tensor at) =>
                analyzer.Analyze(new StateMemory(at), new Observation(network.Operator.Apply(at) + innovation, mask, time), random).State
                - at;
            var direction = Unit(x, site);
            var slope = way == StateDerivative.Automatic
                ? Differentiation.TangentLinear(at => Increment(at) + 0 * at, x, direction).Derivative
                : (Increment(x + step * direction) - Increment(x - step * direction)) / (2 * step);
            var da = slope.to(ScalarType.Float64).reshape(batch, count, n);
            var dz = network.Operator.Adjoint(x, network.Error.ApplyInverse(innovation, mask)).to(ScalarType.Float64)
                .reshape(batch, count, n);
            a.add_(da.sum([1]));
            z.add_(dz.sum([1]));
            cross.add_(da.transpose(1, 2).matmul(dz));
            square.add_(dz.transpose(1, 2).matmul(dz));
        }
        cross.sub_(a.unsqueeze(2) * z.unsqueeze(1) / samples);
        square.sub_(z.unsqueeze(2) * z.unsqueeze(1) / samples);
        return scope.MoveToOuter(cross, square);
    }

    /// <summary>C D^+ (H4), <c>[..., n, n]</c>.</summary>
    internal static Tensor Solve(Tensor cross, Tensor square)
    {
        using var scope = NewDisposeScope();
        return cross.matmul(linalg.pinv(square, rtol: 1e-10, hermitian: true)).MoveToOuterDisposeScope();
    }

    // A hundredth of the states' scatter, which keeps both the second-order error and that of single precision small. If the states are
    // all equal, a hundredth of the observation error, with |H^T R^(-1/2)| inverted.
    private static double DifferenceStep(Tensor states, IObservationNetwork network)
    {
        double deviation = states.numel() > 1 ? states.to(ScalarType.Float64).std().ToDouble() : 0;
        if (deviation > 0) return 0.01 * deviation;
        long n = states.size(1);
        var x = states.narrow(0, 0, 1).to(ScalarType.Float64);
        var observed = network.Operator.TangentLinear(x.expand(n, n).contiguous(),
            eye(n, dtype: ScalarType.Float64, device: states.device));
        double precision = network.Error.Whiten(observed).square().sum().ToDouble() / n;
        return precision > 0 ? 0.01 / Math.Sqrt(precision) : 0.01;
    }

    private static Tensor Unit(Tensor like, long site)
    {
        using var unrecorded = no_grad();
        var direction = zeros_like(like);
        direction.select(1, site).fill_(1);
        return direction;
    }

    private static long Sites(Tensor states, long site)
    {
        Require.Shape(states, "The states", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        long n = states.size(1);
        return site >= 0 && site < n ? n
            : throw new ArgumentOutOfRangeException(nameof(site), site,
                $"A state of {n} components has sites 0 to {n - 1}; given: {site}.");
    }
}
