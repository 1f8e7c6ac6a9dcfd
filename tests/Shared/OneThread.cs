using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Test classes run side by side, one a core; libtorch's own threads on tensors this small would only get in their way.</summary>
internal static class OneThread
{
    [ModuleInitializer]
    internal static void Set()
    {
        TorchLibraries.Prepare();   // initializers run in the order of their files, and this one may be before DaML's
        set_num_threads(1);
    }
}
