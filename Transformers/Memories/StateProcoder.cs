using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Decodes a state memory: all probability at the state or, if a constant error covariance is given, the normal density around it.
/// </summary>
/// <param name="covariance">The covariance of the state's error, the same before and after the analysis (default: null, none).</param>
[Component("state-procoder")]
public sealed class StateProcoder(IErrorCovariance? covariance = null) : IProcoder<StateMemory>
{
    /// <inheritdoc/>
    public bool HasSpread => covariance is not null;

    /// <inheritdoc/>
    public IDensity Decode(StateMemory memory)
    {
        if (covariance is null) return new DiracDensity(memory.State);
        long n = memory.State.size(1);
        return new GaussianDensity(memory.State,
            covariance.ToMatrix(memory.State.dtype, memory.State.device).expand(memory.State.size(0), n, n));
    }
}
