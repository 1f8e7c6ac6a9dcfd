using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Test classes run side by side, one a core; libtorch's own threads on tensors this small would only get in their way.
/// <c>OMP_NUM_THREADS</c> sets another number, with which all tests pass too.
/// </summary>
internal static class OneThread
{
    [ModuleInitializer]
    internal static void Set()
    {
        TorchLibraries.Prepare();   // initializers run in the order of their files, and this one may be before DaML's
        if (Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null) set_num_threads(1);
    }
}
