using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Training steps of data assimilation networks in one piece against those by plain operators.</summary>
public sealed class FusedNetworkTripleTests
{
    private sealed record Size(int Sites, int Memory, int Layers, long Batch, int Cycles, DensityForm Form,
        MissingObservations Missing = MissingObservations.Refused);

    // A single trajectory, one cycle, one layer, odd sizes, a batch that does not fill its last group, each form of density.
    private static readonly IReadOnlyList<Size> Sizes =
    [
        new(5, 7, 1, 1, 1, DensityForm.Diagonal), new(5, 9, 3, 33, 3, DensityForm.Triangular),
        new(40, 240, 4, 64, 2, DensityForm.Diagonal), new(5, 33, 2, 5, 8, DensityForm.LowRank(2), MissingObservations.Read),
        new(6, 31, 4, 70, 2, DensityForm.Mixture(2, DensityForm.Diagonal)),
    ];

    public static TheoryData<int> All => [.. Enumerable.Range(0, Sizes.Count)];

    private static NetworkTriple Parts(Size size, ScalarType precision = ScalarType.Float32)
    {
        double[] mean = [.. Enumerable.Repeat(2.3, size.Sites)], deviation = [.. Enumerable.Repeat(3.7, size.Sites)];
        var parts = new NetworkTriple(new(size.Memory, size.Layers, size.Missing, mean, deviation, precision, CPU),
            new(size.Memory, size.Layers, 0.05, precision, CPU), new(size.Memory, size.Form, mean, deviation, precision, CPU));
        using var random = new RandomStream(5, "weights", CPU);
        using var noGradients = no_grad();
        // open skips, so that every layer matters
        foreach (var parameter in parts.parameters())
            parameter.copy_(random.Normal(parameter.Sizes(), ScalarType.Float32) * 0.5
                / (parameter.ndim == 0 ? 1 : Math.Sqrt(size.Memory)));
        return parts;
    }

    private static Tensor[] Ordered(NetworkTriple parts) =>
        [.. parts.Propagater.Network.Ordered, parts.Procoder.Layer.weight!, parts.Procoder.Layer.bias!, .. parts.Analyzer.Network.Ordered];

    private sealed record Outcome(double Loss, double Norm, IReadOnlyDictionary<string, Tensor> Gradients, IReadOnlyList<Tensor> Weights,
        bool IsInOnePiece);

    // Some steps, so that the memory is carried on; gradients of the last one.
    private static Outcome Train(Size size, NetworkComputation computation, int steps = 4, TrainingOptions? options = null,
        TripleParts learns = TripleParts.All, ScalarType precision = ScalarType.Float32, double rate = 1e-3)
    {
        using var parts = Parts(size, precision);
        parts.Computation = computation;
        parts.Learn(learns);
        var context = new DataAssimilationContext(seed: 3);
        var model = new Lorenz96(size.Sites) { ModelError = ErrorCovariance.Scalar(size.Sites, 0.01) };
        var data = context.Data.Twin(new AssimilationSystem(model, ObservationNetwork.Full(size.Sites)), new() { Batch = size.Batch });
        using var random = context.Random("training");
        options = (options ?? new()) with { Truncation = size.Cycles, GradientClip = 1e9 };
        using var training = new TruncatedBackpropagation<VectorMemory>("networks",
            parts.Method(new ZeroMemorySource(size.Memory, precision)), parts, data,
            new NetworkTripleCost(parts, new CrossEntropy(0.7, 1.2)).Of, double.PositiveInfinity, options, random);
        parts.train();
        OptimiserStep step = default;
        for (int i = 0; i < steps; i++) step = training.Step(rate);
        return new(step.Loss, step.GradientNorm,
            parts.named_parameters().Where(pair => pair.parameter.grad is not null)
                .ToDictionary(pair => pair.name, pair => pair.parameter.grad!.clone()),
            [.. parts.parameters().Select(parameter => parameter.detach().clone())], training.IsInOnePiece);
    }

    private static void Close(Outcome expected, Outcome actual, double tolerance)
    {
        Assert.Equal(expected.Loss, actual.Loss, tolerance * Math.Abs(expected.Loss));
        Assert.Equal(expected.Norm, actual.Norm, tolerance * expected.Norm);
        Assert.Equal(expected.Gradients.Keys.Order(), actual.Gradients.Keys.Order());
        foreach (var (name, gradient) in expected.Gradients)
        {
            double scale = Records.Largest(gradient), error = Records.Largest(gradient - actual.Gradients[name]);
            Assert.True(error <= tolerance * scale, $"{name}: differs by {error:g3} where the largest value is {scale:g3}");
        }
    }

    // A learning rate of zero, since Adam would turn the signs of gradients that are nothing but round-off into steps.
    [Theory, MemberData(nameof(All))]
    public void Loss_and_all_gradients_are_those_of_the_plain_operators(int index)
    {
        using var scope = NewDisposeScope();
        var size = Sizes[index];
        var fused = Train(size, NetworkComputation.Automatic, rate: 0);
        Assert.True(fused.IsInOnePiece);
        var plain = Train(size, NetworkComputation.Plain, rate: 0);
        Assert.False(plain.IsInOnePiece);
        Assert.NotEmpty(plain.Gradients);
        Close(plain, fused, 2e-5);
        var accurate = Train(size, NetworkComputation.Automatic, rate: 0, precision: ScalarType.Float64);
        Assert.False(accurate.IsInOnePiece);
        Close(accurate, fused, 2e-5);
    }

    [Fact]
    public void So_are_mini_batches_and_trajectories_in_spin_up()
    {
        using var scope = NewDisposeScope();
        var options = new TrainingOptions { BatchSize = 20, BurnIn = 3 };
        Close(Train(Sizes[1], NetworkComputation.Plain, 5, options, rate: 0), Train(Sizes[1], NetworkComputation.Automatic, 5, options,
            rate: 0), 2e-5);
    }

    [Theory, InlineData(TripleParts.Procoder), InlineData(TripleParts.Analyzer), InlineData(TripleParts.Analyzer | TripleParts.Propagater)]
    public void Parts_that_do_not_learn_get_no_gradient(TripleParts learns)
    {
        using var scope = NewDisposeScope();
        var fused = Train(Sizes[1], NetworkComputation.Automatic, learns: learns, rate: 0);
        Assert.True(fused.IsInOnePiece);
        Close(Train(Sizes[1], NetworkComputation.Plain, learns: learns, rate: 0), fused, 2e-5);
    }

    [Fact]
    public void Training_goes_the_same_way()
    {
        using var scope = NewDisposeScope();
        var (plain, fused) = (Train(Sizes[1], NetworkComputation.Plain, 6), Train(Sizes[1], NetworkComputation.Automatic, 6));
        foreach (var (e, a) in plain.Weights.Zip(fused.Weights)) Assert.True(Records.Largest(e - a) < 1e-3);
        Assert.Equal(plain.Loss, fused.Loss, 1e-3 * Math.Abs(plain.Loss));
    }

    // Each instruction set, with weights and passes of its own.
    [Fact]
    public void Every_kind_of_instructions_gives_the_same()
    {
        using var scope = NewDisposeScope();
        var size = Sizes[1];
        using NetworkTriple parts = Parts(size), accurate = Parts(size, ScalarType.Float64);
        Tensor[] parameters = Ordered(parts);
        using var random = new RandomStream(6, "observations", CPU);
        var start = random.Normal([size.Batch, size.Memory], ScalarType.Float32);
        var observed = random.Normal([size.Cycles, size.Batch, size.Sites], ScalarType.Float32);
        var memory = start.to_type(ScalarType.Float64);
        var (priors, posteriors) = (new List<Tensor>(), new List<Tensor>());
        for (int cycle = 0; cycle < size.Cycles; cycle++)
        {
            memory = accurate.Propagater.call(memory);
            priors.Add(accurate.Procoder.call(memory));
            memory = accurate.Analyzer.call(memory, observed[cycle].to_type(ScalarType.Float64));
            posteriors.Add(accurate.Procoder.call(memory));
        }
        var expected = stack([stack([.. priors]), stack([.. posteriors])]);
        var sensitivity = random.Normal(expected.Sizes(), ScalarType.Float32);
        var gradients = autograd.grad([expected], Ordered(accurate), [sensitivity.to_type(ScalarType.Float64)]);
        // An alpha's gradient is one sum of terms of both signs: its round-off is that of the alphas together.
        double alphas = gradients.Where(gradient => gradient.ndim == 0).Max(Records.Largest);
        foreach (var kernel in DenseKernel.Supported)
        {
            var fused = new FusedNetworkTriple(parts.Shape, kernel);
            var (numbers, last) = fused.Forward(start, observed, parameters);
            Near(expected, numbers, kernel.Name);
            Near(memory, last, kernel.Name);
            Tensor[] found = [.. parameters.Select(parameter => full_like(parameter.detach(), double.NaN))];
            fused.Backward(sensitivity, parameters, found);
            for (int i = 0; i < found.Length; i++)
                Near(gradients[i], found[i], $"{kernel.Name}, gradient {i}", gradients[i].ndim == 0 ? alphas : null);
        }

        static void Near(Tensor expected, Tensor actual, string what, double? size = null)
        {
            double scale = size ?? Records.Largest(expected.detach()), error = Records.Largest(expected.detach() - actual);
            Assert.True(error <= 1e-5 * scale, $"{what}: differs by {error:g3} where the largest value is {scale:g3}");
        }
    }

    [Fact]
    public void It_says_which_way_it_goes_and_other_ways_are_refused()
    {
        using var scope = NewDisposeScope();
        using NetworkTriple single = Parts(Sizes[0]), twice = Parts(Sizes[0], ScalarType.Float64);
        Assert.StartsWith("fused, ", single.ComputationInUse);
        Assert.Contains("single precision", twice.ComputationInUse);
        single.Computation = NetworkComputation.Plain;
        Assert.Equal("plain operators, as asked", single.ComputationInUse);
        Assert.Contains("BFloat16", Assert.Throws<ArgumentOutOfRangeException>(() => new DataAssimilationContext(1).Analysis
            .DataAssimilationNetwork(ObservationNetwork.Full(4), 1, new() { Computation = NetworkComputation.BFloat16 })).Message);
    }

    [Collection(nameof(ThreadCounts))]
    public sealed class Threads
    {
        [Fact]
        public void The_number_of_threads_changes_no_bit_of_numbers_and_gradients()
        {
            using var scope = NewDisposeScope();
            var size = Sizes[2] with { Batch = 130 };
            using var parts = Parts(size);
            Tensor[] parameters = Ordered(parts);
            using var random = new RandomStream(6, "observations", CPU);
            var start = random.Normal([size.Batch, size.Memory], ScalarType.Float32);
            var observed = random.Normal([size.Cycles, size.Batch, size.Sites], ScalarType.Float32);
            var sensitivity = random.Normal([2, size.Cycles, size.Batch, 2 * size.Sites], ScalarType.Float32);
            Tensor[] With(int threads) => ThreadCounts.With(threads, () =>
            {
                var fused = new FusedNetworkTriple(parts.Shape, DenseKernel.Best);
                var (numbers, last) = fused.Forward(start, observed, parameters);
                Tensor[] gradients = [.. parameters.Select(parameter => empty_like(parameter.detach()))];
                fused.Backward(sensitivity, parameters, gradients);
                return (Tensor[])[numbers, last, .. gradients];
            });
            var one = With(1);
            foreach (var other in new[] { With(2), With(4) })
                foreach (var (e, a) in one.Zip(other)) Bits.Equal(e, a);
        }
    }
}
