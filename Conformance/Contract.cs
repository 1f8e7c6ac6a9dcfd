using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The base of all contracts: how a test fails, and how numbers are compared.</summary>
public abstract class Contract
{
    /// <summary>The seed of all random numbers in the tests (default: 1).</summary>
    protected virtual long Seed => 1;

    /// <summary>Your own kinds of component that model files may hold, beside DaML's (default: none).</summary>
    protected virtual IReadOnlyList<ComponentType> Components => [];

    /// <summary>Makes a context with the contract's seed, on the processor.</summary>
    protected DataAssimilationContext CreateContext() => new(new DataAssimilationOptions { Seed = Seed, Components = Components });

    /// <summary>Fails if a finding does not hold.</summary>
    /// <param name="holds">Whether it holds.</param>
    /// <param name="subject">The tested component.</param>
    /// <param name="test">The test that fails.</param>
    /// <param name="finding">What was measured and what was needed.</param>
    /// <exception cref="ConformanceException">The finding does not hold.</exception>
    protected static void Demand(bool holds, string subject, string test, string finding)
    {
        if (!holds) throw new ConformanceException(subject, test, finding);
    }

    /// <summary>Fails if two tensors are not the same to the bit.</summary>
    /// <exception cref="ConformanceException">The tensors differ.</exception>
    protected static void DemandSame(Tensor given, Tensor expected, string subject, string test, string what) =>
        Demand(TensorBits.Of(given).SequenceEqual(TensorBits.Of(expected)), subject, test, $"{what} is not the same to the bit.");

    /// <summary>Fails if two tensors do not agree, relative to the largest value of the expected one.</summary>
    /// <exception cref="ConformanceException">The tensors do not agree.</exception>
    protected static void DemandClose(Tensor given, Tensor expected, double tolerance, string subject, string test, string what)
    {
        Demand(given.HasSizesOf(expected), subject, test,
            $"{what} has shape {ColumnDefinition.Describe(given.Sizes())} where {ColumnDefinition.Describe(expected.Sizes())} is needed.");
        using var scope = NewDisposeScope();
        double difference = (given - expected).abs().max().ToDouble() / Math.Max(expected.abs().max().ToDouble(), 1e-300);
        Demand(difference <= tolerance, subject, test, $"{what}: relative difference {difference:g4}; at most {tolerance:g2} is allowed.");
    }

    /// <summary>Writes a component and reads it again; skips the test if the object is not a component.</summary>
    protected T RoundTrip<T>(T component, DataAssimilationContext context) where T : class
    {
        if (ComponentType.Find(component) is null) Assert.Skip($"{component.GetType().Name} is not a component, so it cannot be saved.");
        string path = Path.Combine(Path.GetTempPath(), $"daml-conformance-{Guid.NewGuid():n}.model");
        try
        {
            try { ModelArchive.Write(component, path); }
            catch (NotSupportedException part) { Assert.Skip(part.Message); }
            return ModelArchive.Read<T>(path, new ComponentRegistry([.. BuiltInComponents.All, .. Components]), context);
        }
        finally { File.Delete(path); }
    }

    /// <summary>
    /// Computes the same on four threads at once, several times each, and fails if a result is not the same to the bit as that of one
    /// thread.
    /// </summary>
    /// <param name="subject">The tested component.</param>
    /// <param name="compute">Computes a result and returns its bits.</param>
    protected static void DemandSameOnThreads(string subject, Func<byte[]> compute)
    {
        byte[] alone = compute();
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 4 }, _ =>
        {
            using var scope = NewDisposeScope();
            Demand(compute().AsSpan().SequenceEqual(alone), subject, "threads",
                "several threads at once get other numbers than one alone.");
        });
    }
}
