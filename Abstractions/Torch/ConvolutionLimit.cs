namespace DaML.Components;

/// <summary>
/// Limits oneDNN to instructions with which its convolutions are right. libtorch 2.10 computes convolutions of single precision with
/// oneDNN 3.7.1. With AVX, AVX2 and AVX-512 this is silently wrong on a processor whose caches are hidden
/// (<see cref="ProcessorCaches"/>), wherever a channel count is not a multiple of the vector length. With SSE4.1 it is right.
/// </summary>
/// <param name="hidden">Whether the processor's caches are hidden.</param>
/// <param name="chosen">The variable that the user has set, as NAME=VALUE; null if there is none.</param>
internal sealed class ConvolutionLimit(bool hidden, string? chosen)
{
    /// <summary>The variable that oneDNN reads first.</summary>
    public const string Variable = "ONEDNN_MAX_CPU_ISA";

    /// <summary>The value with which convolutions are right.</summary>
    public const string Value = "SSE41";

    // As oneDNN 3.7.1 reads them: the first one that is not empty counts.
    private static readonly string[] variables = [Variable, "DNNL_MAX_CPU_ISA"];

    /// <summary>The message about what was found and done, what it costs and what the user may do; null if nothing was found.</summary>
    public string? Message { get; } = !hidden ? null
        : "This AMD processor's cache sizes are hidden (CPUID leaf 0x8000001D is empty, as some hypervisors leave it), and there the " +
            "convolutions of libtorch's oneDNN are silently wrong. " +
          (chosen is null
              ? $"{Variable}={Value} was set for this process: convolutions are right, and two to five times slower. The fused network " +
                  $"and linear layers keep their speed."
              : $"{chosen} was set by the user and stays. Only {Variable}={Value} is known to be right; where convolutions are wrong " +
                  $"they are refused.");

    /// <summary>The user's choice, as NAME=VALUE; null if there is none.</summary>
    public string? Chosen => chosen;

    /// <summary>
    /// Sets the variable if the caches are hidden and the user has not chosen; it has an effect until oneDNN is first used.
    /// </summary>
    /// <param name="identify">Executes CPUID.</param>
    /// <param name="get">Reads a variable of the native environment.</param>
    /// <param name="set">Sets a variable of the native environment.</param>
    public static ConvolutionLimit Apply(ProcessorIdentification identify, Func<string, string?> get, Action<string, string> set)
    {
        bool hidden = ProcessorCaches.AreHidden(identify);
        string? chosen = variables.Where(name => !string.IsNullOrEmpty(get(name))).Select(name => $"{name}={get(name)}").FirstOrDefault();
        if (hidden && chosen is null) set(Variable, Value);
        return new(hidden, chosen);
    }
}
