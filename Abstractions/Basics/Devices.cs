using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Finds devices by name and refuses those that are not available.</summary>
public static class Devices
{
    /// <summary>Finds a device by name.</summary>
    /// <param name="name"><c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</param>
    /// <exception cref="ArgumentException">The name is not a kind of device.</exception>
    /// <exception cref="DeviceNotAvailableException">The machine, or the loaded libtorch, does not have it.</exception>
    public static Device Parse(string name)
    {
        if (name == "cpu") return CPU;
        int index = 0;
        bool known = name == "cuda" || name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(5), out index)
            && index >= 0;
        if (!known) throw new ArgumentException($"A device must be 'cpu', 'cuda' or 'cuda:N'; given: '{name}'.", nameof(name));
        if (WhyNoCuda is { } reason)
            throw new DeviceNotAvailableException(
                $"The device '{name}' is not available: {reason}. To compute on the processor, use 'cpu'.");
        if (index >= cuda.device_count())
            throw new DeviceNotAvailableException(
                $"The device '{name}' is not available: this machine has {cuda.device_count()} CUDA device(s), numbered from 0.");
        return new Device(DeviceType.CUDA, index);
    }

    /// <summary>The reason why nothing can be computed on a CUDA device, and what to do; null if it can.</summary>
    public static string? WhyNoCuda =>
        cuda.is_available() ? null
        : Missing([.. Process.GetCurrentProcess().Modules.Cast<ProcessModule>().Select(module => module.ModuleName)]);

    /// <summary>Says what is missing if no device is available: the package, or the device itself.</summary>
    /// <param name="libraries">The names of the native libraries that the process has loaded.</param>
    internal static string Missing(IReadOnlyList<string> libraries) =>
        libraries.Any(library => library.Contains("torch_cuda", StringComparison.Ordinal))
        ? "this machine has no CUDA device that libtorch can use; 'nvidia-smi' lists devices and driver"
        : "this program uses the package libtorch-cpu, which computes on the processor only; build with -p:TorchDevice=cuda " +
            "(docs/torch.md)";
}
