using System.Runtime.InteropServices;

namespace DaML.Components;

/// <summary>
/// The environment that native code reads. Outside Windows, .NET keeps its own copy: what <see cref="Environment"/> sets never reaches
/// the C library's <c>getenv</c>.
/// </summary>
internal static class NativeEnvironment
{
    /// <summary>The value of a variable; null if it is not set.</summary>
    /// <param name="name">The variable's name.</param>
    public static string? Get(string name) =>
        OperatingSystem.IsWindows() ? Environment.GetEnvironmentVariable(name) : Marshal.PtrToStringUTF8(getenv(name));

    /// <summary>Sets a variable for this process, over an older value.</summary>
    /// <param name="name">The variable's name.</param>
    /// <param name="value">Its value.</param>
    /// <exception cref="InvalidOperationException">The C library refuses it.</exception>
    public static void Set(string name, string value)
    {
        if (OperatingSystem.IsWindows()) Environment.SetEnvironmentVariable(name, value);
        else if (setenv(name, value, overwrite: 1) != 0)
            throw new InvalidOperationException($"The C library's setenv refuses {name}={value} (error {Marshal.GetLastPInvokeError()}).");
    }

    [DllImport("libc")]
    private static extern nint getenv([MarshalAs(UnmanagedType.LPUTF8Str)] string name);

    [DllImport("libc", SetLastError = true)]
    private static extern int setenv([MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)]
        string value, int overwrite);
}
