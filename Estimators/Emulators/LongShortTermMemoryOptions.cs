using System.Text.Json.Serialization;

namespace DaML.Components;

/// <summary>The size of a <see cref="LongShortTermMemoryNetwork"/>, with its defaults.</summary>
public sealed record LongShortTermMemoryOptions
{
    /// <summary>H, the size of the hidden state (default: 64).</summary>
    public int Hidden { get; init; } = 64;

    /// <summary>The number of layers, each fed with the hidden states of the one before (default: 1).</summary>
    public int Layers { get; init; } = 1;

    /// <summary>The number of values at each time that the network sees, the first ones (default: null, all). For coefficients of modes
    /// these are the leading modes, which interact, whatever their number; the many small ones would cause overfitting.</summary>
    public int? Inputs { get; init; }

    /// <summary>The output that is read from the window (default: the last hidden state).</summary>
    public WindowAttention Attention { get; init; } = WindowAttention.None;

    /// <summary>The way of computing it while its weights learn (default: automatic). It is no part of a saved model.</summary>
    [JsonIgnore]
    public NetworkComputation Computation { get; init; } = NetworkComputation.Automatic;

    /// <summary>Gives these options, or throws with the reason why they are invalid.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1, or a kind or way does not exist.</exception>
    internal LongShortTermMemoryOptions Checked()
    {
        Require.AtLeast(Hidden, 1);
        Require.AtLeast(Layers, 1);
        if (Inputs is { } inputs) Require.AtLeast(inputs, 1, nameof(Inputs));
        Require.Defined(Attention);
        Computation.RequireFusedOrPlain("a long short-term memory");
        return this;
    }
}
