using System.Runtime.InteropServices;

namespace DaML.Samples;

/// <summary>What native code, where tensors are, holds of the heap.</summary>
internal static class NativeMemory
{
    /// <summary>
    /// Bytes that are allocated and not freed; where the C library does not tell (glibc from 2.33 on does), the process's resident memory.
    /// </summary>
    public static long InUse
    {
        get
        {
            try
            {
                var heap = HeapOfGlibc();
                return (long)(heap.Mapped + heap.Allocated);
            }
            catch (Exception none) when (none is DllNotFoundException or EntryPointNotFoundException) { return Environment.WorkingSet; }
        }
    }

    [DllImport("libc", EntryPoint = "mallinfo2")]
    private static extern Heap HeapOfGlibc();

    // struct mallinfo2 of malloc.h, in which the small parts do not interest here.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Heap
    {
        private readonly nuint arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;

        public nuint Mapped => hblkhd;

        public nuint Allocated => uordblks;
    }
}
