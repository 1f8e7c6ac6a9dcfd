using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>What all contracts share: how a test of one is made to fail, and how numbers are compared.</summary>
public abstract class Contract
{
    /// <summary>The seed all that is random in the tests is drawn from; 1 unless overridden.</summary>
    protected virtual long Seed => 1;

    /// <summary>Kinds of component of one's own that model files may hold, beside DaML's; none unless overridden.</summary>
    protected virtual IReadOnlyList<ComponentType> Components => [];

    /// <summary>A context of the contract's seed, on the processor.</summary>
    protected DataAssimilationContext CreateContext() => new(new DataAssimilationOptions { Seed = Seed, Components = Components });

    /// <summary>Fails unless a finding holds.</summary>
    /// <param name="holds">Whether it does.</param>
    /// <param name="subject">What is tested.</param>
    /// <param name="test">The test it fails.</param>
    /// <param name="finding">What was measured and what was needed.</param>
    /// <exception cref="ConformanceException">It does not hold.</exception>
    protected static void Demand(bool holds, string subject, string test, string finding)
    {
        if (!holds) throw new ConformanceException(subject, test, finding);
    }

    /// <summary>Fails unless two tensors are the same to the bit.</summary>
    /// <exception cref="ConformanceException">They are not.</exception>
    protected static void DemandSame(Tensor given, Tensor expected, string subject, string test, string what) =>
        Demand(TensorBits.Of(given).SequenceEqual(TensorBits.Of(expected)), subject, test, $"{what} is not the same to the bit.");

    /// <summary>Fails unless two tensors agree, relative to the expected one's largest value.</summary>
    /// <exception cref="ConformanceException">They do not.</exception>
    protected static void DemandClose(Tensor given, Tensor expected, double tolerance, string subject, string test, string what)
    {
        Demand(given.HasSizesOf(expected), subject, test,
            $"{what} has shape {ColumnDefinition.Describe(given.Sizes())} where {ColumnDefinition.Describe(expected.Sizes())} is needed.");
        using var scope = NewDisposeScope();
        double difference = (given - expected).abs().max().ToDouble() / Math.Max(expected.abs().max().ToDouble(), 1e-300);
        Demand(difference <= tolerance, subject, test, $"{what}: relative difference {difference:g4}; at most {tolerance:g2} is allowed.");
    }

    /// <summary>Writes a component and reads it again; the test is skipped where it is none.</summary>
    protected T RoundTrip<T>(T component, DataAssimilationContext context) where T : class
    {
        if (ComponentType.Find(component) is null) Assert.Skip($"{component.GetType().Name} is no component: it is not saved.");
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
    /// Does the same on four threads at once, several times each, and fails unless all results are the same to the bit as one alone.
    /// </summary>
    /// <param name="subject">What is tested.</param>
    /// <param name="compute">Gives the bits of a result.</param>
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
