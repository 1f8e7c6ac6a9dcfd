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

    /// <summary>The boosted network of Bocquet et al. (2025, section 4.1) for strong nonlinearity: 80 filters, otherwise the
    /// reference, about 8e5 parameters, with the term alpha of eq. 22.</summary>
    public static ResidualConvolutionOptions Boosted { get; } = Reference with { Filters = 80, InnovationTerm = InnovationTerm.Trainable };

    /// <summary>Number of filters N_f of the hidden layers, 1 to 4096.</summary>
    public long Filters { get; init; } = 16;

    /// <summary>Number of residual blocks N_b, 1 to 256.</summary>
    public long Blocks { get; init; } = 2;

    /// <summary>Number of sub-blocks N_sb (convolution, batch normalisation, mish) in a block, 1 to 256.</summary>
    public long SubBlocks { get; init; } = 2;

    /// <summary>Sites that a convolution reads, odd, 1 to 1023.</summary>
    public long KernelSize { get; init; } = 5;

    /// <summary>The function between the layers; none = the papers' linear network.</summary>
    public NetworkActivation Activation { get; init; } = NetworkActivation.Mish;

    /// <summary>The inputs of the analysis.</summary>
    public AnalysisInputs Inputs { get; init; } = AnalysisInputs.ForecastAndInnovation;

    /// <summary>The grid of the convolutions (default: a circle of any size). In two directions a convolution reads a square.</summary>
    public StateGrid Grid { get; init; } = StateGrid.Circle;

    /// <summary>The term beside the network.</summary>
    public InnovationTerm InnovationTerm { get; init; } = InnovationTerm.None;

    /// <summary>The way of computing it (default: automatic). It is no part of a saved model.</summary>
    [JsonIgnore]
    public NetworkComputation Computation { get; init; } = NetworkComputation.Automatic;

    /// <summary>
    /// How many sites to each side of a site have a say in what the network gives there, its receptive field:
    /// (N_b N_sb + 2) (kernel - 1) / 2. Beyond it, inputs may change and sites be added without a change at the site.
    /// </summary>
    [JsonIgnore]
    public long Reach => (Blocks * SubBlocks + 2) * (KernelSize / 2);

    /// <summary>The name of a method with this network; degraded networks have names of their own.</summary>
    [JsonIgnore]
    internal string Name =>
    (Activation == NetworkActivation.None ? "linear " : "") + (Inputs == AnalysisInputs.InnovationOnly ? "blind " : "") +
    "residual convolution";

    /// <summary>These options, or the reason why they cannot be.</summary>
    /// <exception cref="ArgumentException">A count out of its range or an even kernel.</exception>
    internal ResidualConvolutionOptions Checked()
    {
        Require.Between(Filters, 1, 4096);
        Require.Between(Blocks, 1, 256);
        Require.Between(SubBlocks, 1, 256);
        Require.Between(KernelSize, 1, 1023);
        if (KernelSize % 2 == 0)
            throw new ArgumentOutOfRangeException(nameof(KernelSize), KernelSize,
                $"'{nameof(KernelSize)}' must be odd, so that a convolution is centred on its site; given: {KernelSize}.");
        Require.Defined(Computation);
        Require.Defined(InnovationTerm);
        Require.Defined(Activation);
        Require.Defined(Inputs);
        ArgumentNullException.ThrowIfNull(Grid);
        return this;
    }
}
