using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Analyzer, propagater and procoder in one module: one optimiser updates them all, and their weights are shipped together
/// (<see cref="WeightFiles.Write"/>), under names that begin with <c>analyzer</c>, <c>propagater</c> and <c>procoder</c>.
/// </summary>
[Component("network-triple")]
public sealed class NetworkTriple : nn.Module
{
    private readonly NetworkAnalyzer analyzer;
    private readonly NetworkPropagater propagater;
    private readonly NetworkProcoder procoder;

    /// <summary>Combines three networks.</summary>
    /// <param name="analyzer">a : H x Y -> H</param>
    /// <param name="propagater">b : H -> H</param>
    /// <param name="procoder">c : H -> pdf over X</param>
    public NetworkTriple(NetworkAnalyzer analyzer, NetworkPropagater propagater, NetworkProcoder procoder) : base(nameof(NetworkTriple))
    {
        (this.analyzer, this.propagater, this.procoder) = (analyzer, propagater, procoder);
        RegisterComponents();
        ModuleTensors.Keep(this);
    }

    /// <summary>Gives the networks of a trained method.</summary>
    /// <param name="method">A data assimilation network.</param>
    /// <exception cref="ArgumentException">The method is of another kind.</exception>
    public static NetworkTriple Of(SequentialAssimilation<VectorMemory> method) => Find(method)
        ?? throw new ArgumentException(
            $"{method.Name} is not a data assimilation network: its parts are {method.Triple.Analyzer.GetType().Name}, " +
                $"{method.Triple.Propagater.GetType().Name} and {method.Triple.Procoder.GetType().Name}.", nameof(method));

    /// <summary>a : H x Y -> H</summary>
    public NetworkAnalyzer Analyzer => analyzer;

    /// <summary>b : H -> H</summary>
    public NetworkPropagater Propagater => propagater;

    /// <summary>c : H -> pdf over X</summary>
    public NetworkProcoder Procoder => procoder;

    /// <summary>The way of computing the cycles of a training step (default: automatic). It is no part of what is saved.</summary>
    public NetworkComputation Computation { get; set; } = NetworkComputation.Automatic;

    /// <summary>Which way is in use for cycles of a training step, in words.</summary>
    public string ComputationInUse => Computation != NetworkComputation.Automatic ? "plain operators, as asked"
        : DenseKernel.InUse(procoder.Layer.weight!);

    /// <summary>The record of the training; null if it was not trained here.</summary>
    public TrainingHistory? History => analyzer.History;

    /// <summary>The units that it works in.</summary>
    internal SystemStatistics Units =>
        new(procoder.StateMean, procoder.StateDeviation, analyzer.ObservationMean, analyzer.ObservationDeviation);

    /// <summary>Gives the networks of a method, or null if it is not of this kind.</summary>
    internal static NetworkTriple? Find(SequentialAssimilation<VectorMemory> method) =>
        method.Triple is { Analyzer: NetworkAnalyzer analyzer, Propagater: NetworkPropagater propagater,
            Procoder: NetworkProcoder procoder } ? new(analyzer, propagater, procoder) : null;

    /// <summary>Makes copies with the same weights, which can be trained further.</summary>
    internal NetworkTriple Copy() => new(analyzer.Copy(), propagater.Copy(), procoder.Copy());

    /// <summary>The sizes of its computation in one piece.</summary>
    internal NetworkTripleShape Shape
    {
        get
        {
            int memory = (int)analyzer.MemorySize;
            return new(memory, (int)analyzer.Network.Last.weight!.size(1) - memory, (int)procoder.Layer.weight!.size(0),
                propagater.Network.Skips, analyzer.Network.Skips);
        }
    }

    /// <summary>Lets some parts learn and keeps the others fixed.</summary>
    internal void Learn(TripleParts learns)
    {
        foreach (var (part,
            flag) in new (nn.Module, TripleParts)[]
                { (analyzer, TripleParts.Analyzer), (propagater, TripleParts.Propagater), (procoder, TripleParts.Procoder) })
            foreach (var parameter in part.parameters()) parameter.requires_grad_(learns.HasFlag(flag));
    }

    /// <summary>Makes the method of these networks.</summary>
    internal AssimilationTriple<VectorMemory> Method(ZeroMemorySource source) => new(analyzer, propagater, procoder, source);
}
