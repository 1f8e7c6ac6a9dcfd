namespace DaML.Components;

/// <summary>Answers the CPUID instruction for a leaf and a sub-leaf.</summary>
internal delegate (int Eax, int Ebx, int Ecx, int Edx) ProcessorIdentification(int leaf, int subLeaf);

/// <summary>The processor's caches as oneDNN 3.7.1 reads them (its <c>xbyak_util.h</c>, <c>setCacheHierarchy</c>).</summary>
internal static class ProcessorCaches
{
    private const int Topology = unchecked((int)0x8000001D);
    private const int EndOfAmd = 0x444D4163;   // "cAMD", the last four letters of AuthenticAMD: all that oneDNN reads

    // No x86-64 processor has a first-level data cache below 8 KiB.
    private const long SmallestFirstLevel = 4096;

    /// <summary>
    /// Whether oneDNN takes the first-level data cache to be nearly empty. It asks an AMD processor for its cache topology without
    /// checking the answer, and a hypervisor that hides the topology answers with zeros: a cache of one byte. It asks processors of other
    /// vendors in another way, or assumes the usual sizes.
    /// </summary>
    /// <param name="identify">Executes CPUID.</param>
    public static bool AreHidden(ProcessorIdentification identify) =>
        identify(0, 0).Ecx == EndOfAmd && FirstLevelSize(identify(Topology, 0)) < SmallestFirstLevel;

    // Associativity, partitions, line size and sets, each less one.
    private static long FirstLevelSize((int Eax, int Ebx, int Ecx, int Edx) answer)
    {
        uint geometry = (uint)answer.Ebx;
        return ((geometry >> 22) + 1L) * ((geometry >> 12 & 0x3FF) + 1L) * ((geometry & 0xFFF) + 1L) * ((uint)answer.Ecx + 1L);
    }
}
