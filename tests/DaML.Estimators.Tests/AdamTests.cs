using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Adam = DaML.Components.Adam;

namespace DaML.Tests;

/// <summary>Adam over memory against TorchSharp's, which is made of tensor operators.</summary>
public sealed class AdamTests
{
    private const double Rate = 0.03;

    // Sizes that fill vectors and sizes that do not; the last one never has a gradient.
    private static readonly long[][] Shapes = [[7], [3, 4, 5], [16], [1], [33, 2], [2, 2]];

    private static Parameter[] Parameters(ScalarType dtype)
    {
        using var random = new RandomStream(3, "parameters", CPU);
        return [.. Shapes.Select(shape => new Parameter(random.Normal(shape, dtype)))];
    }

    // The same gradients for both, of very different sizes.
    private static void Draw(Parameter[] parameters, RandomStream random)
    {
        foreach (var parameter in parameters[..^1])
        {
            using var scope = NewDisposeScope();
            parameter.grad = (random.Normal(parameter.shape, parameter.dtype) * random.Normal([1], parameter.dtype).exp())
                .DetachFromDisposeScope();
        }
    }

    private static double Difference(Tensor expected, Tensor actual)
    {
        using var scope = NewDisposeScope();
        return ((expected - actual).abs() / (expected.abs() + 1e-3)).max().to(ScalarType.Float64).ToDouble();
    }

    private static byte[] Saved(TorchSharp.Modules.Adam optimizer)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true)) optimizer.save_state_dict(writer);
        return stream.ToArray();
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-5)]
    [InlineData(ScalarType.Float64, 1e-13)]
    public void Its_steps_are_those_of_the_operators(ScalarType dtype, double tolerance)
    {
        using var scope = NewDisposeScope();
        Parameter[] expected = Parameters(dtype), actual = Parameters(dtype);
        using var reference = optim.Adam(expected, lr: Rate);
        using var memory = new Adam(actual, Rate);
        using RandomStream first = new(4, "gradients", CPU), second = new(4, "gradients", CPU);
        for (int step = 0; step < 60; step++)
        {
            Draw(expected, first);
            Draw(actual, second);
            foreach (var group in reference.ParamGroups.Concat(memory.ParamGroups)) group.LearningRate = Rate / (1 + step);
            double norm = nn.utils.clip_grad_norm_(expected, 9), given = memory.ClipGradient(9);    // some are shortened, some not
            Assert.Equal(norm, given, 1e-6 * norm);
            reference.step();
            memory.step();
        }
        foreach (var (e, a) in expected.Zip(actual)) Assert.InRange(Difference(e, a), 0, tolerance);
    }

    [Fact]
    public void Each_goes_on_from_what_the_other_saved()
    {
        using var scope = NewDisposeScope();
        Parameter[] expected = Parameters(ScalarType.Float64), actual = Parameters(ScalarType.Float64);
        TorchSharp.Modules.Adam reference = optim.Adam(expected, lr: Rate), memory = new Adam(actual, Rate);
        using RandomStream first = new(5, "gradients", CPU), second = new(5, "gradients", CPU);
        for (int round = 0; round < 4; round++)
        {
            for (int step = 0; step < 5; step++)
            {
                Draw(expected, first);
                Draw(actual, second);
                reference.step();
                memory.step();
            }
            byte[] ofReference = Saved(reference), ofMemory = Saved(memory);
            Assert.Equal(ofReference.Length, ofMemory.Length);
            reference.load_state_dict(new BinaryReader(new MemoryStream(ofMemory)));
            memory.load_state_dict(new BinaryReader(new MemoryStream(ofReference)));
            Assert.Equal(ofReference, Saved(memory));
            Assert.Equal(ofMemory, Saved(reference));
        }
        foreach (var (e, a) in expected.Zip(actual)) Assert.InRange(Difference(e, a), 0, 1e-13);
        reference.Dispose();
        memory.Dispose();
    }

    [Fact]
    public void A_gradient_is_forgotten_and_begins_anew_from_zero()
    {
        using var scope = NewDisposeScope();
        var parameter = new Parameter(tensor([1.0, 2.0, 3.0]));
        using var memory = new Adam([parameter], Rate);
        for (int times = 0; times < 2; times++)
        {
            memory.zero_grad();
            parameter.square().sum().backward();
            Assert.Equal([2.0, 4.0, 6.0], parameter.grad!.ToArray<double>());
        }
    }
}
