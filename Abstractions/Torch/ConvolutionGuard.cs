using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Microsoft.Extensions.Logging;

namespace DaML.Components;

/// <summary>
/// Ensures that libtorch's convolutions on the processor are right. libtorch 2.10 is silently wrong in them on AMD processors whose
/// hypervisor hides the cache sizes (docs/convolutions.md). The guard detects such a processor before libtorch is used and limits its
/// library to instructions that give right results. Before convolutions are first used, it also compares a few of them with double
/// precision, once a process.
/// </summary>
public static class ConvolutionGuard
{
    private static readonly ConvolutionLimit limit = ConvolutionLimit.Apply(
        (leaf, subLeaf) => X86Base.IsSupported ? X86Base.CpuId(leaf, subLeaf) : default, NativeEnvironment.Get, NativeEnvironment.Set);

    private static readonly Lazy<string?> fault = new(() => ConvolutionCheck.Fault(ConvolutionCheck.Convolve));
    private static int told;

    /// <summary>Queries the processor and limits oneDNN, once a process; oneDNN reads the limit when it is first used.</summary>
    internal static void Prepare() => RuntimeHelpers.RunClassConstructor(typeof(ConvolutionGuard).TypeHandle);

    /// <summary>
    /// Compares a few convolutions of single precision on the processor with double precision: some milliseconds on an idle machine the
    /// first time, nothing later.
    /// </summary>
    /// <remarks>Learned methods call it themselves, for DaML's networks and for yours; call it before your own convolutions.</remarks>
    /// <exception cref="WrongConvolutionException">The convolutions are wrong.</exception>
    public static void Check() => Require(fault.Value, limit);

    /// <summary>Logs what was found and done, once a process.</summary>
    /// <param name="logger">A context's log.</param>
    internal static void Tell(ILogger logger) => Tell(logger, limit, ref told);

    /// <summary>Logs what was found and done, to the first log that takes warnings.</summary>
    /// <param name="logger">A log.</param>
    /// <param name="limit">What was found and done.</param>
    /// <param name="told">Whether it has been logged.</param>
    internal static void Tell(ILogger logger, ConvolutionLimit limit, ref int told)
    {
        if (limit.Message is { } message && logger.IsEnabled(LogLevel.Warning) && Interlocked.Exchange(ref told, 1) == 0)
            logger.LogWarning("{Message}", message);
    }

    /// <summary>Refuses convolutions that were found wrong.</summary>
    /// <param name="fault">The fault; null if there is none.</param>
    /// <param name="limit">What was done about it.</param>
    /// <exception cref="WrongConvolutionException">There is a fault.</exception>
    internal static void Require(string? fault, ConvolutionLimit limit)
    {
        if (fault is null) return;
        string remedy = $"Start the process with {ConvolutionLimit.Variable}={ConvolutionLimit.Value} in its environment";
        throw new WrongConvolutionException(
            $"libtorch's convolutions in single precision are wrong on this processor: {fault}, compared with double precision. " +
            $"{remedy}{(limit.Chosen is { } chosen ? $", instead of {chosen}" : "")}, or compute in double precision or on a CUDA " +
                $"device. {limit.Message}".TrimEnd());
    }
}
