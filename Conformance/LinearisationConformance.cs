using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The contract that models and observation operators share: a differentiable map of <c>[..., n]</c> with its tangent linear and adjoint.
/// </summary>
internal sealed class LinearisationConformance
{
    private readonly string subject;
    private readonly Func<Tensor, Tensor> apply;
    private readonly Func<Tensor, Tensor, Tensor> tangentLinear;
    private readonly Func<Tensor, Tensor, Tensor> adjoint;
    private readonly double tolerance;
    private readonly RandomStream random;
    private readonly List<ConformanceResult> passed = [];

    public LinearisationConformance(string subject, long stateDimension, ConformanceOptions options,
        Func<Tensor, Tensor> apply, Func<Tensor, Tensor, Tensor> tangentLinear, Func<Tensor, Tensor, Tensor> adjoint)
    {
        this.subject = subject;
        this.apply = apply;
        this.tangentLinear = tangentLinear;
        this.adjoint = adjoint;
        tolerance = Require.Positive(options.Tolerance, "Tolerance");
        random = new RandomStream(options.Seed, "conformance", Devices.Parse(options.Device));
        States = options.States?.Draw(3, random, ScalarType.Float64) ?? random.Normal([3, stateDimension], ScalarType.Float64);
        Require.Shape(States, $"The states {subject} is tested at", 3, stateDimension);
    }

    /// <summary>Three states, <c>[3, n]</c>.</summary>
    public Tensor States { get; }

    public IReadOnlyList<ConformanceResult> Passed => passed;

    public void CheckAll()
    {
        using (no_grad())
        {
            Determinism();
            BatchIndependence();
            Refusal();
            Linearity();
            Layout();
            DotProduct();
            Taylor();
        }
        AutomaticDifferentiation();
    }

    /// <summary>Passes if two results agree to the tolerance, relative to the largest value of the expected one.</summary>
    public void Agree(string test, Tensor given, Tensor expected, string what)
    {
        if (!given.HasSizesOf(expected))
            throw new ConformanceException(subject, test,
                $"{what} has shape {ColumnDefinition.Describe(given.Sizes())} where {ColumnDefinition.Describe(expected.Sizes())} is " +
                    $"needed.");
        double scale = Math.Max(expected.abs().max().ToDouble(), 1e-300);
        Judge(test, (given - expected).abs().max().ToDouble() / scale, what);
    }

    // The same input gives the same output to the bit, and is not changed.
    private void Determinism()
    {
        var before = States.clone();
        Tensor first = apply(States), second = apply(States);
        if (!first.isfinite().all().ToBoolean())
            throw new ConformanceException(subject, "finite",
                "it gives infinite values or NaN at the states of the test; give it other states by ConformanceOptions.States.");
        if ((first != second).any().ToBoolean())
            throw new ConformanceException(subject, "determinism", "two applications to the same state differ.");
        if ((before != States).any().ToBoolean())
            throw new ConformanceException(subject, "determinism", "it changes the state it is given.");
        passed.Add(new("determinism", 0));
    }

    // Each state is treated separately, whatever the leading dimensions.
    private void BatchIndependence()
    {
        var whole = apply(States);
        for (long i = 0; i < 3; i++)
            Agree("batch independence", apply(States.select(0, i)), whole.select(0, i),
                $"the result for state {i} alone, without leading dimensions,");
        var ensembles = stack([States, States.flip(0)], 0);
        Agree("batch independence", apply(ensembles), stack([whole, whole.flip(0)], 0), "the result for states [2, 3, n]");
        Agree("batch independence", apply(States.unsqueeze(1)), whole.unsqueeze(1), "the result for states [3, 1, n]");
    }

    private void Refusal()
    {
        var wrong = cat([States, States.narrow(-1, 0, 1)], -1);
        try { apply(wrong); }
        catch (ArgumentException) { passed.Add(new("refusal", 0)); return; }
        throw new ConformanceException(subject, "refusal",
            $"it takes a state of size {wrong.size(-1)} where {States.size(-1)} is its dimension; an ArgumentException is needed.");
    }

    private void Linearity()
    {
        Tensor a = Perturbation(), b = Perturbation();
        Agree("linearity of the tangent linear", tangentLinear(States, 2 * a - 3 * b),
            2 * tangentLinear(States, a) - 3 * tangentLinear(States, b), "M'(2a - 3b) against 2 M'a - 3 M'b");
        Tensor u = Sensitivity(), v = Sensitivity();
        Agree("linearity of the adjoint", adjoint(States, 2 * u - 3 * v), 2 * adjoint(States, u) - 3 * adjoint(States, v),
            "M'^T(2u - 3v) against 2 M'^T u - 3 M'^T v");
    }

    // An expanded tensor, the usual way to copy one state, gives the same as one with its own memory.
    private void Layout()
    {
        const string test = "memory layout";
        Tensor expanded = States.narrow(0, 0, 1).expand(States.Sizes()), whole = expanded.contiguous();
        Tensor dx = Perturbation(), dy = Sensitivity();
        Agree(test, apply(expanded), apply(whole), "the result for an expanded state");
        Agree(test, tangentLinear(expanded, dx), tangentLinear(whole, dx), "the tangent linear at an expanded state");
        Agree(test, adjoint(expanded, dy), adjoint(whole, dy), "the adjoint at an expanded state");
    }

    // <M' dx, dy> = <dx, M'^T dy>, relative to |M' dx| |dy|.
    private void DotProduct()
    {
        Tensor dx = Perturbation(), dy = Sensitivity();
        Tensor forward = tangentLinear(States, dx), backward = adjoint(States, dy);
        double left = (forward * dy).sum().ToDouble(), right = (dx * backward).sum().ToDouble();
        double scale = Math.Max(Norm(forward) * Norm(dy), Norm(dx) * Norm(backward));
        Judge("dot product", Math.Abs(left - right) / Math.Max(scale, 1e-300),
            $"<M'dx, dy> = {left:g12} against <dx, M'^T dy> = {right:g12}");
    }

    // |M(x + h dx) - M(x) - h M' dx| must fall with h^2 down to round-off; a wrong tangent linear leaves a part that falls with h.
    private void Taylor()
    {
        const string test = "Taylor";
        var dx = Perturbation();
        Tensor reference = apply(States), linear = tangentLinear(States, dx);
        double roundOff = 1e-12 * Math.Max(Norm(reference), Norm(States));
        double order = double.NaN, coarser = double.NaN;
        for (double h = 1e-2; h > 5e-7; h /= 10)
        {
            double remainder = Norm(apply(States + h * dx) - reference - h * linear);
            if (remainder <= roundOff) break;
            if (!double.IsNaN(coarser))
            {
                double found = Math.Log10(coarser / remainder);
                order = double.IsNaN(order) ? found : Math.Min(order, found);
                if (!(found >= 1.8))
                    throw new ConformanceException(subject, test,
                        $"the remainder of the tangent linear falls from {coarser:g4} to {remainder:g4} as the perturbation goes from " +
                            $"{10 * h:g1} to {h:g1} of its size: order {found:f2} where 2 is needed.");
            }
            coarser = remainder;
        }
        passed.Add(new(test, order));
    }

    // Compares its own tangent linear and adjoint with those of its forward map, and checks that it builds a graph at all.
    private void AutomaticDifferentiation()
    {
        const string test = "automatic differentiation";
        using (var tracked = States.detach().requires_grad_())
        using (var result = apply(tracked))
            if (!result.requires_grad)
                throw new ConformanceException(subject, test,
                    "it builds no autograd graph, so nothing can be trained or linearised through it.");
        Tensor dx = Perturbation(), dy = Sensitivity();
        using var noGradients = no_grad();
        Agree(test, tangentLinear(States, dx), Differentiation.TangentLinear(apply, States, dx).Derivative,
            "its tangent linear against automatic differentiation");
        Agree(test, adjoint(States, dy), Differentiation.Adjoint(apply, States, dy), "its adjoint against automatic differentiation");
    }

    private void Judge(string test, double measured, string what)
    {
        if (!(measured <= tolerance))
            throw new ConformanceException(subject, test, $"{what}: relative difference {measured:g4}; at most {tolerance:g2} is allowed.");
        passed.Add(new(test, measured));
    }

    private Tensor Perturbation() => random.Normal(States.Sizes(), ScalarType.Float64);

    private Tensor Sensitivity()
    {
        using var result = apply(States);
        return random.Normal(result.Sizes(), ScalarType.Float64);
    }

    private static double Norm(Tensor tensor) => Math.Sqrt(tensor.square().sum().ToDouble());
}
