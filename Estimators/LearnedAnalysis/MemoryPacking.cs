using static TorchSharp.torch;

namespace DaML.Components;

using StateWithChannels = ProductMemory<StateMemory, VectorMemory>;

/// <summary>
/// How a memory is packed into the one tensor that a network reads, and how what the network gives for it, a tensor of the same shape,
/// becomes the analysed memory.
/// </summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
internal interface IMemoryPacking<TMemory>
{
    /// <summary>The network's output, in words.</summary>
    string Output { get; }

    /// <summary>The state x_f that is compared with the observation, <c>[batch, n]</c>.</summary>
    Tensor State(TMemory forecast);

    /// <summary>The network's input, in its precision.</summary>
    Tensor Pack(TMemory forecast, ScalarType precision);

    /// <summary>The analysed memory, in the forecast's precision.</summary>
    TMemory Analysis(TMemory forecast, Tensor output);
}

/// <summary>
/// The memories that a network analyses: a state <c>[batch, n]</c>, an ensemble <c>[batch, members, n]</c>, and a state with k hidden
/// channels, <c>[batch, 1 + k, n]</c> with the state first.
/// </summary>
internal sealed class MemoryPacking : IMemoryPacking<StateMemory>, IMemoryPacking<EnsembleMemory>, IMemoryPacking<StateWithChannels>
{
    private static readonly MemoryPacking Instance = new();

    /// <summary>The packing of a kind of memory.</summary>
    /// <exception cref="NotSupportedException">There is none.</exception>
    public static IMemoryPacking<TMemory> Of<TMemory>() => Instance as IMemoryPacking<TMemory>
        ?? throw new NotSupportedException(
            $"A network analyses a state, an ensemble or a state with hidden channels, not a {typeof(TMemory).Name}; write an " +
            $"{nameof(IAnalyzer<StateMemory>)} of your own for it.");

    string IMemoryPacking<StateMemory>.Output => "increment";

    Tensor IMemoryPacking<StateMemory>.State(StateMemory forecast) => forecast.State;

    Tensor IMemoryPacking<StateMemory>.Pack(StateMemory forecast, ScalarType precision) => forecast.State.to(precision);

    StateMemory IMemoryPacking<StateMemory>.Analysis(StateMemory forecast, Tensor output) =>
        new(forecast.State + output.to(forecast.State.dtype));

    string IMemoryPacking<EnsembleMemory>.Output => "increments";

    Tensor IMemoryPacking<EnsembleMemory>.State(EnsembleMemory forecast) => forecast.Members.mean([1]);

    Tensor IMemoryPacking<EnsembleMemory>.Pack(EnsembleMemory forecast, ScalarType precision) => forecast.Members.to(precision);

    EnsembleMemory IMemoryPacking<EnsembleMemory>.Analysis(EnsembleMemory forecast, Tensor output) =>
        new(forecast.Members + output.to(forecast.Members.dtype));

    string IMemoryPacking<StateWithChannels>.Output => "increment and hidden channels";

    Tensor IMemoryPacking<StateWithChannels>.State(StateWithChannels forecast) => forecast.First.State;

    Tensor IMemoryPacking<StateWithChannels>.Pack(StateWithChannels forecast, ScalarType precision) =>
        cat([forecast.First.State.to(precision).unsqueeze(1), forecast.Second.Vector.to(precision)], 1);

    StateWithChannels IMemoryPacking<StateWithChannels>.Analysis(StateWithChannels forecast, Tensor output)
    {
        var (state, channels) = (forecast.First.State, forecast.Second.Vector);
        return new(new(state + output.select(1, 0).to(state.dtype)),
            new(output.narrow(1, 1, channels.size(1)).contiguous().to(channels.dtype)));
    }
}
