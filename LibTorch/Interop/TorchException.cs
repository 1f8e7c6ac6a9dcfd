using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace DaML.LibTorch;

/// <summary>An error of libtorch. The message names the operator and the shapes and types it was given.</summary>
public sealed class TorchException : ExternalException
{
    internal TorchException(string message, string? operatorName = null) : base(message) => Operator = operatorName;

    /// <summary>The operator that failed, by its schema name, or null where no operator was called.</summary>
    public string? Operator { get; }
}

/// <summary>Turns a failure of the native side into a managed exception.</summary>
internal static unsafe class Throw
{
    // A managed exception that was thrown below native frames waits here while they unwind.
    private static readonly ConcurrentDictionary<long, ExceptionDispatchInfo> carried = new();
    private static long nextCarried;
    private const string CarriedPrefix = "daml-managed-exception:";

    internal static long Carry(Exception e)
    {
        var id = Interlocked.Increment(ref nextCarried);
        carried[id] = ExceptionDispatchInfo.Capture(e);
        return id;
    }

    internal static void IfFailed(int status)
    {
        if (status != 0) Now(null);
    }

    internal static string LastMessage() => Marshal.PtrToStringUTF8((nint)Native.daml_last_error()) ?? "unknown error";

    [DoesNotReturn]
    internal static void Now(string? context, string? operatorName = null)
    {
        var message = LastMessage();
        var at = message.IndexOf(CarriedPrefix, StringComparison.Ordinal);
        if (at >= 0)
        {
            var digits = message.AsSpan(at + CarriedPrefix.Length);
            var length = 0;
            while (length < digits.Length && char.IsAsciiDigit(digits[length])) length++;
            if (carried.TryRemove(long.Parse(digits[..length]), out var info)) info.Throw();
        }
        throw new TorchException(context is null ? message : $"{context}: {message}", operatorName);
    }
}
