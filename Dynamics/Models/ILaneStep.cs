using System.Numerics;
using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>
/// A model whose steps also run over many states side by side, one in each lane of a vector, with the same operations in the same order
/// as over a state alone, so that the result is the same to the bit. The error of a stochastic model is not drawn.
/// </summary>
internal interface ILaneStep
{
    /// <summary>The time of a step of one state in nanoseconds, estimated.</summary>
    double StepTime { get; }

    /// <summary>The size of the working memory, in vectors.</summary>
    int LaneWorkSize { get; }

    /// <summary>The states after some steps.</summary>
    /// <param name="states">x: n vectors, component after component.</param>
    /// <param name="next">Receives the states after the steps, n vectors; it does not overlap <paramref name="states"/>.</param>
    /// <param name="interval">The steps' time.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <param name="work"><see cref="LaneWorkSize"/> vectors.</param>
    unsafe void Advance<T>(Vector512<T>* states, Vector512<T>* next, TimeInterval interval, long steps, Vector512<T>* work)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}
