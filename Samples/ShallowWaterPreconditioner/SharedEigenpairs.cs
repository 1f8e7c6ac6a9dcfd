using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>
/// The leading pairs of one search, for all methods that take them: the search of a system is made once, by whoever asks first,
/// and forgotten with the next system. The whole of a comparison shares one, on one thread.
/// </summary>
internal sealed class SharedEigenpairs(ComputedEigenpairs search) : IDisposable
{
    private QuadraticCost? system;
    private RitzPairs? found;

    /// <summary>The first pairs, as a source.</summary>
    public IEigenpairSource Leading(int pairs) => new First(this, pairs);

    public void Dispose()
    {
        found?.Values.Dispose();
        found?.Vectors.Dispose();
        found?.Residuals.Dispose();
        found?.Known.Dispose();
        (system, found) = (null, null);
    }

    private RitzPairs Of(QuadraticCost cost)
    {
        if (found is not null && ReferenceEquals(system, cost)) return found;
        Dispose();
        using var scope = NewDisposeScope();
        var pairs = search.Find(cost);
        found = new(pairs.Values.DetachFromDisposeScope(), pairs.Vectors.DetachFromDisposeScope(), pairs.Residuals.DetachFromDisposeScope(),
            pairs.Known.DetachFromDisposeScope());
        system = cost;
        return found;
    }

    private sealed class First(SharedEigenpairs all, int pairs) : IEigenpairSource
    {
        public string Name => $"{pairs} exact eigenpairs";

        public RitzPairs Find(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous)
        {
            var whole = all.Of(cost);
            Tensor Part(Tensor tensor) => tensor.narrow(1, 0, pairs);
            return new(Part(whole.Values), Part(whole.Vectors), Part(whole.Residuals), Part(whole.Known));
        }
    }
}
