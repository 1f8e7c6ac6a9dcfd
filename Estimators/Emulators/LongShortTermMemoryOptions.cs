namespace DaML.Components;

/// <summary>The size of a <see cref="LongShortTermMemoryNetwork"/>, with its defaults.</summary>
public sealed record LongShortTermMemoryOptions
{
    /// <summary>H, the size of the hidden state (default: 64).</summary>
    public int Hidden { get; init; } = 64;

    /// <summary>Number of layers, each fed with the hidden states of the one before (default: 1).</summary>
    public int Layers { get; init; } = 1;

    /// <summary>How many values of each time the network sees, the first ones: with coefficients of modes the leading ones, which interact,
    /// whatever their number, where the many small ones are learned by heart. Null (the default) = all.</summary>
    public int? Inputs { get; init; }

    /// <summary>What is read out of the window (default: the last hidden state).</summary>
    public WindowAttention Attention { get; init; } = WindowAttention.None;

    /// <summary>These options, or the reason why they cannot be.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1, or a kind that is none.</exception>
    internal LongShortTermMemoryOptions Checked()
    {
        Require.AtLeast(Hidden, 1);
        Require.AtLeast(Layers, 1);
        if (Inputs is { } inputs) Require.AtLeast(inputs, 1, nameof(Inputs));
        if (!Enum.IsDefined(Attention))
            throw new ArgumentOutOfRangeException(nameof(Attention), Attention, $"'{nameof(Attention)}' has no value {Attention}.");
        return this;
    }
}
