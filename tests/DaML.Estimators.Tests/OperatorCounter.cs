using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DaML.Tests;

/// <summary>
/// Counts the tensor operators that a thread calls, by libtorch's own observer (<c>at::RecordFunction</c>, which its profilers use). An
/// operator that another one calls within libtorch is not counted: which these are may depend on the processor.
/// </summary>
internal sealed unsafe class OperatorCounter : IDisposable
{
    // TorchSharp has no profiler; these are functions of libtorch's C++ interface, by their names and calling convention on Linux, x64.
    private const string Add = "_ZN2at22addThreadLocalCallbackENS_22RecordFunctionCallbackE", Remove = "_ZN2at14removeCallbackEm",
        NameOf = "_ZNK2at14RecordFunction4nameEv";

    [ThreadStatic]
    private static OperatorCounter? current;

    private static readonly nint libtorch = OperatingSystem.IsLinux() ? NativeLibrary.Load("libtorch_cpu.so") : 0;
    private static readonly delegate* unmanaged<nint, byte*> nameOf = (delegate* unmanaged<nint, byte*>)Function(NameOf);

    private readonly Dictionary<nint, int> counts = [];
    private readonly ulong handle;
    private int depth;

    /// <summary>Begins to count on this thread, which has no other counter.</summary>
    public OperatorCounter()
    {
        if (current is not null) throw new InvalidOperationException("This thread counts already.");
        current = this;
        var callback = new Callback { Start = &Started, End = &Ended, SamplingProbability = 1 };
        callback.Scopes[0] = 1;   // functions
        handle = ((delegate* unmanaged<Callback, ulong>)Function(Add))(callback);
    }

    /// <summary>Why operators cannot be counted on this system; null where they can.</summary>
    public static string? WhyNot => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64 ? null
        : "Operators are counted by libtorch's interface for Linux on x64.";

    /// <summary>The number so far.</summary>
    public int Total => counts.Values.Sum();

    /// <summary>The number of calls so far by the operators' names.</summary>
    public IReadOnlyDictionary<string, int> ByName => counts.GroupBy(pair => Marshal.PtrToStringUTF8(pair.Key)!)
        .ToDictionary(group => group.Key, group => group.Sum(pair => pair.Value));

    /// <summary>Ends counting.</summary>
    public void Dispose()
    {
        ((delegate* unmanaged<ulong, void>)Function(Remove))(handle);
        current = null;
    }

    private static nint Function(string name) => NativeLibrary.GetExport(libtorch, name);

    // std::unique_ptr<ObserverContext> (const RecordFunction&): the place of the result is the first argument.
    [UnmanagedCallersOnly]
    private static nint* Started(nint* context, nint function)
    {
        *context = 0;
        var counter = current!;
        if (counter.depth++ == 0) CollectionsMarshal.GetValueRefOrAddDefault(counter.counts, (nint)nameOf(function), out _)++;
        return context;
    }

    // void (const RecordFunction&, ObserverContext*)
    [UnmanagedCallersOnly]
    private static void Ended(nint function, nint context) => current!.depth--;

    [InlineArray(16)]
    private struct Flags
    {
        private byte first;
    }

    // at::RecordFunctionCallback of libtorch 2.10: after the scopes come flags for inputs, outputs and identities, all false.
    [StructLayout(LayoutKind.Sequential)]
    private struct Callback
    {
        public delegate* unmanaged<nint*, nint, nint*> Start;
        public delegate* unmanaged<nint, nint, void> End;
        public double SamplingProbability;
        public Flags Scopes;
    }
}
