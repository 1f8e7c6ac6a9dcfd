namespace DaML;

/// <summary>The way in which an analyzer writes its hidden channels.</summary>
public enum ChannelUpdate
{
    /// <summary>Anew in each cycle: h_a = tanh(proposal), which has read h_f.</summary>
    Replaced,

    /// <summary>
    /// h_a = g h_f + (1 - g) tanh(proposal) with a gate g between zero and one at each site, so that what was there can stay as it is (the
    /// leaky unit of gated recurrent networks, Cho et al. 2014).
    /// </summary>
    Gated,
}

/// <summary>The transport of hidden channels from an analysis to the next forecast.</summary>
public enum ChannelTransport
{
    /// <summary>Nothing: h_f = h_a.</summary>
    Unchanged,

    /// <summary>
    /// Each channel is a perturbation of the state that the model's tangent linear takes along: h_f = tanh(M'(x_a) h_a). It is
    /// advected with the flow and grows where the flow is unstable, as an ensemble of perturbations does; the hyperbolic
    /// tangent, linear for what is small, bounds it site by site. A tangent linear model run for each channel.
    /// </summary>
    TangentLinear,
}

/// <summary>
/// Hidden channels that a learned analysis writes and its next one reads: k numbers at each site beside the state, zero at the
/// start. One forecast state says nothing of how well it is known; what the analyzer writes down may.
/// </summary>
public sealed record HiddenChannelOptions
{
    /// <summary>Number of channels k, 1 to 1024.</summary>
    public long Count { get; init; } = 6;

    /// <summary>
    /// The way in which the analyzer writes them (default: gated, which learns faster than writing them anew;
    /// docs/methods/residual-convolution-with-memory.md).
    /// </summary>
    public ChannelUpdate Update { get; init; } = ChannelUpdate.Gated;

    /// <summary>Their transport to the next forecast.</summary>
    public ChannelTransport Transport { get; init; } = ChannelTransport.Unchanged;

    /// <summary>These options, or the reason why they cannot be.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A count out of its range, or a choice there is not.</exception>
    internal HiddenChannelOptions Checked()
    {
        Require.Between(Count, 1, 1024);
        Require.Defined(Update);
        Require.Defined(Transport);
        return this;
    }
}
