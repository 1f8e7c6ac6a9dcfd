using System.Text.Json.Serialization;

namespace DaML;

/// <summary>Whether a learned analysis has a term that is linear in the innovation beside its network (Bocquet et al. 2025).</summary>
public enum InnovationTerm
{
    /// <summary>The network alone, as in Bocquet et al. (2024) eq. 2a.</summary>
    None,

    /// <summary>alpha H^T R^-1 (y - H x_f) with a trainable alpha that starts at zero; it helps in strongly nonlinear regimes.</summary>
    Trainable,
}

/// <summary>
/// The size of a <see cref="ResidualConvolutionNetwork"/>. The defaults train within minutes on two processor cores
/// (5,569 parameters); the paper's reference is <see cref="Reference"/>.
/// </summary>
public sealed record ResidualConvolutionOptions
{
    /// <summary>The reference of Bocquet et al. (2024): 40 filters, 5 blocks of 5 sub-blocks, about 2e5 parameters.</summary>
    public static ResidualConvolutionOptions Reference { get; } = new() { Filters = 40, Blocks = 5, SubBlocks = 5 };

    /// <summary>Number of filters N_f of the hidden layers, 1 to 4096.</summary>
    public long Filters { get; init; } = 16;

    /// <summary>Number of residual blocks N_b, 1 to 256.</summary>
    public long Blocks { get; init; } = 2;

    /// <summary>Number of sub-blocks N_sb (convolution, batch normalisation, mish) in a block, 1 to 256.</summary>
    public long SubBlocks { get; init; } = 2;

    /// <summary>Sites that a convolution reads, odd, 1 to 1023.</summary>
    public long KernelSize { get; init; } = 5;

    /// <summary>The term beside the network.</summary>
    public InnovationTerm InnovationTerm { get; init; } = InnovationTerm.None;

    /// <summary>How it is computed; automatic unless said. It is no part of a saved model.</summary>
    [JsonIgnore]
    public NetworkComputation Computation { get; init; } = NetworkComputation.Automatic;

    /// <summary>These options, or the reason why they cannot be.</summary>
    /// <exception cref="ArgumentException">A count out of its range or an even kernel.</exception>
    internal ResidualConvolutionOptions Checked()
    {
        Within(Filters, 4096, nameof(Filters));
        Within(Blocks, 256, nameof(Blocks));
        Within(SubBlocks, 256, nameof(SubBlocks));
        Within(KernelSize, 1023, nameof(KernelSize));
        if (KernelSize % 2 == 0) throw new ArgumentOutOfRangeException(nameof(KernelSize), KernelSize, $"'{nameof(KernelSize)}' must be odd, so that a convolution is centred on its site; given: {KernelSize}.");
        if (!Enum.IsDefined(Computation)) throw new ArgumentOutOfRangeException(nameof(Computation), Computation, $"'{nameof(Computation)}' has no value {Computation}.");
        if (!Enum.IsDefined(InnovationTerm)) throw new ArgumentOutOfRangeException(nameof(InnovationTerm), InnovationTerm, $"'{nameof(InnovationTerm)}' has no value {InnovationTerm}.");
        return this;
    }

    private static void Within(long value, long limit, string name)
    {
        if (value < 1 || value > limit) throw new ArgumentOutOfRangeException(name, value, $"'{name}' must be between 1 and {limit}; given: {value}.");
    }
}
