using System.Runtime.CompilerServices;
using TorchSharp;

namespace DaML.Tests;

/// <summary>The matrices of these tests are small: one thread is faster than the waiting of several.</summary>
internal static class OneThread
{
    [ModuleInitializer]
    internal static void Set() => torch.set_num_threads(1);
}
