using System.Reflection;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// What the project asks of the copy of TorchSharp that it runs with: a method that hands a scalar to native code keeps it
/// alive until that returns (docs/torch.md).
/// </summary>
public sealed class TorchSharpTests
{
    [Fact]
    public void Methods_that_take_scalars_are_not_optimised()
    {
        foreach (var method in new[]
        {
            typeof(Tensor).GetMethod(nameof(Tensor.add), [typeof(Tensor), typeof(Scalar)])!,
            typeof(Tensor).GetMethod(nameof(Tensor.mul), [typeof(Scalar)])!,
            typeof(Tensor).GetMethod(nameof(Tensor.fill_), [typeof(Scalar)])!,
            typeof(ScalarExtensionMethods).GetMethod(nameof(ScalarExtensionMethods.ToDouble), [typeof(Scalar)])!,
        })
            Assert.True(method.MethodImplementationFlags.HasFlag(MethodImplAttributes.NoOptimization),
                $"{method.DeclaringType!.Name}.{method.Name} is optimised.");
        Assert.False(
            typeof(Tensor).GetMethod(nameof(Tensor.neg), [])!.MethodImplementationFlags.HasFlag(MethodImplAttributes.NoOptimization));
    }
}
