using System.Diagnostics;
using System.Reflection;
using TorchSharp;

namespace DaML.Tests;

/// <summary>What the project asks of the copy of TorchSharp that it runs with.</summary>
public sealed class TorchSharpTests
{
    /// <summary>An optimised method of TorchSharp lets go of its arguments before the native code that uses them returns (Directory.Build.targets).</summary>
    [Fact]
    public void Its_methods_keep_their_arguments_alive_to_their_end() =>
        Assert.True(typeof(torch).Assembly.GetCustomAttribute<DebuggableAttribute>()!.IsJITOptimizerDisabled);
}
