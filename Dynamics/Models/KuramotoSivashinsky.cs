using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The Kuramoto-Sivashinsky equation u_t = -u u_x - u_xx - u_xxxx on a periodic domain, spectral in space. It is integrated by the
/// exponential Runge-Kutta method ETDRK4 of Kassam and Trefethen (2005, SIAM J. Sci. Comput. 26, 1214-1233), which treats the stiff
/// linear part exactly. On a domain of 32 pi with 128 points it is the chaotic system of their figure and, with a step of 0.5, of Bocquet
/// and Farchi (2019). The model conserves the mean of u.
/// </summary>
/// <remarks>
/// The Fourier multipliers of a step, including the first derivative, are applied as real circulant matrices. A step is thus a handful of
/// matrix products for a whole ensemble at once, on any device, with exact derivatives. The first derivative of the highest wave of an
/// even number of points is zero, as usual; the linear part damps that wave. There is no dealiasing: with the usual settings the waves
/// that alias lose a factor of e^11 or more in every step.
/// </remarks>
[Component("kuramoto-sivashinsky")]
public sealed class KuramotoSivashinsky : DiscreteDynamics
{
    // Multiplied from the right to states [..., n] as rows: the matrices of u, of u^2, of the squares of the stages a and b, of the stage
    // a, and of the square of the stage c.
    private readonly ConstantTensor fromState, fromSquare, fromStages, half, fromLast;

    /// <summary>Creates a model.</summary>
    /// <param name="dimension">Number of grid points n, at least 8.</param>
    /// <param name="length">The length of the domain (default: 32 pi).</param>
    /// <param name="timeStep">The length of a step (default: 1/4, as in Kassam and Trefethen).</param>
    public KuramotoSivashinsky(long dimension = 128, double length = 32 * Math.PI, double timeStep = 0.25)
        : base(Require.AtLeast(dimension, 8), timeStep)
    {
        Length = Require.Positive(length);
        var spectrum = ExponentialRungeKutta.Coefficients(Wavenumbers().Select(k => k * k - k * k * k * k), timeStep);

        using var scope = NewDisposeScope();
        Tensor whole = Even(spectrum, c => c.Exponential), halfStep = Even(spectrum, c => c.HalfExponential),
            stage = Flux(spectrum, c => c.Stage);
        half = new ConstantTensor(halfStep);
        fromState = new ConstantTensor(cat([halfStep, whole], 1));
        fromSquare = new ConstantTensor(cat([stage, Flux(spectrum, c => c.First)], 1));
        fromStages = new ConstantTensor(cat([stage, Flux(spectrum, c => 2 * c.Middle)], 1));
        fromLast = new ConstantTensor(Flux(spectrum, c => c.Last));
    }

    /// <inheritdoc/>
    public override string Name => "Kuramoto-Sivashinsky";

    /// <summary>The length of the domain; the points are at i Length / n.</summary>
    public double Length { get; }

    /// <summary>
    /// On the attractor of mean zero, 150 time units after random sums of long waves; Kassam and Trefethen's figure is also chaotic by
    /// then.
    /// </summary>
    public override IInitialCondition InitialCondition =>
        new AttractorInitialCondition(this, 150, new SinusoidalInitialCondition(Dimension));

    /// <inheritdoc/>
    protected override Tensor Step(Tensor state, double time)
    {
        long n = Dimension;
        // With L and N of u_t = L u + N(u), N(u) = -(u^2)_x / 2; E = e^{hL}, E2 = e^{hL/2}; Q, f1, f2, f3 the coefficients of the scheme:
        // a = E2 u + Q N(u), b = E2 u + Q N(a), c = E2 a + Q (2 N(b) - N(u)),
        // u <- E u + f1 N(u) + 2 f2 (N(a) + N(b)) + f3 N(c)
        var linear = matmul(state, fromState.Like(state));
        var first = matmul(state.square(), fromSquare.Like(state));
        var a = linear.narrow(-1, 0, n) + first.narrow(-1, 0, n);
        var second = matmul(a.square(), fromStages.Like(state));
        var b = linear.narrow(-1, 0, n) + second.narrow(-1, 0, n);
        var third = matmul(b.square(), fromStages.Like(state));
        var c = matmul(a, half.Like(state)) + 2 * third.narrow(-1, 0, n) - first.narrow(-1, 0, n);
        return linear.narrow(-1, n, n) + first.narrow(-1, n, n) + second.narrow(-1, n, n) + third.narrow(-1, n, n) +
            matmul(c.square(), fromLast.Like(state));
    }

    /// <inheritdoc/>
    protected override (Tensor State, Tensor Perturbation) StepTangentLinear(Tensor state, Tensor perturbation, double time)
    {
        long n = Dimension;
        Tensor fromU = fromState.Like(state), fromSquares = fromSquare.Like(state), fromStage = fromStages.Like(state),
            halfStep = half.Like(state), last = fromLast.Like(state);
        // The step beside its derivative: d(u^2) = 2 u du.
        Tensor linear = matmul(state, fromU), dLinear = matmul(perturbation, fromU);
        Tensor first = matmul(state.square(), fromSquares), dFirst = matmul(2 * state * perturbation, fromSquares);
        Tensor a = linear.narrow(-1, 0, n) + first.narrow(-1, 0, n), da = dLinear.narrow(-1, 0, n) + dFirst.narrow(-1, 0, n);
        Tensor second = matmul(a.square(), fromStage), dSecond = matmul(2 * a * da, fromStage);
        Tensor b = linear.narrow(-1, 0, n) + second.narrow(-1, 0, n), db = dLinear.narrow(-1, 0, n) + dSecond.narrow(-1, 0, n);
        Tensor third = matmul(b.square(), fromStage), dThird = matmul(2 * b * db, fromStage);
        Tensor c = matmul(a, halfStep) + 2 * third.narrow(-1, 0, n) - first.narrow(-1, 0, n);
        Tensor dc = matmul(da, halfStep) + 2 * dThird.narrow(-1, 0, n) - dFirst.narrow(-1, 0, n);
        return (linear.narrow(-1, n, n) + first.narrow(-1, n, n) + second.narrow(-1, n, n) + third.narrow(-1, n, n) +
            matmul(c.square(), last),
            dLinear.narrow(-1, n, n) + dFirst.narrow(-1, n, n) + dSecond.narrow(-1, n, n) + dThird.narrow(-1, n, n) +
            matmul(2 * c * dc, last));
    }

    /// <inheritdoc/>
    protected override Tensor StepAdjoint(Tensor state, Tensor sensitivity, double time)
    {
        long n = Dimension;
        Tensor fromU = fromState.Like(state), fromSquares = fromSquare.Like(state), fromStage = fromStages.Like(state),
            halfStep = half.Like(state), last = fromLast.Like(state);
        var linear = matmul(state, fromU).narrow(-1, 0, n);
        var first = matmul(state.square(), fromSquares).narrow(-1, 0, n);
        var a = linear + first;
        var b = linear + matmul(a.square(), fromStage).narrow(-1, 0, n);
        var c = matmul(a, halfStep) + 2 * matmul(b.square(), fromStage).narrow(-1, 0, n) - first;
        // Backwards: the sensitivity of the result to the stages c, b, a and to u, each of which enters a square, (v -> 2 u M^T v), and
        // linear terms.
        Tensor Through(Tensor stage, Tensor toStages, Tensor matrix) => 2 * stage * matmul(cat([toStages, sensitivity], -1), matrix.mT);
        var toC = 2 * c * matmul(sensitivity, last.mT);
        var toB = Through(b, 2 * toC, fromStage);
        var toA = Through(a, toB, fromStage) + matmul(toC, halfStep.mT);
        return Through(state, toA - toC, fromSquares) + matmul(cat([toA + toB, sensitivity], -1), fromU.mT);
    }

    // k of the waves 0 .. n/2; those of the other sign have the same multipliers, or minus them.
    private double[] Wavenumbers() => [.. Enumerable.Range(0, (int)(Dimension / 2) + 1).Select(wave => 2 * Math.PI * wave / Length)];

    // The matrix of the multiplier g(k), even in k.
    private Tensor Even(ExponentialRungeKutta[] spectrum, Func<ExponentialRungeKutta, double> multiplier) =>
        Circulant([.. spectrum.Select((c, wave) => multiplier(c) * Multiplicity(wave))], Math.Cos);

    // The matrix of g(k) N, that is of -i k g(k) / 2, odd in k and zero for the highest wave of an even number of points.
    private Tensor Flux(ExponentialRungeKutta[] spectrum, Func<ExponentialRungeKutta, double> multiplier)
    {
        double[] k = Wavenumbers();
        return Circulant([.. spectrum.Select((c, wave) => 2 * wave == Dimension ? 0 : k[wave] / 2 * multiplier(c) * Multiplicity(wave))],
            Math.Sin);
    }

    private double Multiplicity(int wave) => wave == 0 || 2 * wave == Dimension ? 1 : 2;

    // [j, i] = sum over waves of weight wave(2 pi k (i - j) / n) / n, so that a row of values times it is the convolution.
    private Tensor Circulant(double[] weights, Func<double, double> wave)
    {
        long n = Dimension;
        double[] table = [.. Enumerable.Range(0, (int)n).Select(i => wave(2 * Math.PI * i / n))];
        var column = new double[n];
        for (long distance = 0; distance < n; distance++)
            for (long k = 0; k < weights.Length; k++) column[distance] += weights[k] * table[k * distance % n] / n;
        var values = tensor(column);
        return stack([.. Enumerable.Range(0, (int)n).Select(j => values.roll(j, 0))], 0);
    }
}
