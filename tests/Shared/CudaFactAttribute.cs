namespace DaML.Tests;

#pragma warning disable xUnit3003 // the constructor it asks for is that of xunit 3

/// <summary>A test that runs where a CUDA device is and is skipped, with the reason printed, where none is.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CudaFactAttribute : FactAttribute
{
    /// <summary>Looks for a device.</summary>
    public CudaFactAttribute()
    {
        Skip = Devices.WhyNoCuda;
    }
}
