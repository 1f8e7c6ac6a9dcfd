using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Devices by name, refused where they are not there.</summary>
public static class Devices
{
    /// <summary>The device of a name.</summary>
    /// <param name="name"><c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</param>
    /// <exception cref="ArgumentException">No such kind of device.</exception>
    /// <exception cref="DeviceNotAvailableException">This machine, or this libtorch, does not have it.</exception>
    public static Device Parse(string name)
    {
        if (name == "cpu") return CPU;
        int index = 0;
        bool known = name == "cuda" || name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(5), out index) && index >= 0;
        if (!known) throw new ArgumentException($"A device is 'cpu', 'cuda' or 'cuda:N'; given: '{name}'.", nameof(name));
        if (!cuda.is_available())
            throw new DeviceNotAvailableException($"The device '{name}' was asked for, but no CUDA device is available to libtorch {__version__} on this machine; use 'cpu'.");
        if (index >= cuda.device_count())
            throw new DeviceNotAvailableException($"The device '{name}' was asked for, but this machine has {cuda.device_count()} CUDA device(s), numbered from 0.");
        return new Device(DeviceType.CUDA, index);
    }
}
