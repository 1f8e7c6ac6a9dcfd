using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Eigenpairs that a network finds from the state at which the window's model is linearised, without a product of the Hessian (Trappler
/// and Vidard). <see cref="SpectralPreconditioning"/> uses their values unchanged; <see cref="LimitedMemoryPreconditioning"/> spends one
/// product for each on the subspace they span.
/// </summary>
[Component("learned-eigenpairs")]
public sealed class LearnedEigenpairs : IEigenpairSource
{
    /// <summary>Makes a source of a trained network.</summary>
    /// <param name="network">The network; it belongs to this object. To be saved it must be a component.</param>
    /// <param name="inputs">The inputs of the network.</param>
    /// <param name="pairs">The number of its pairs to use, the largest first (default: null, all).</param>
    /// <param name="history">The record of its training, if known.</param>
    /// <exception cref="ArgumentException">There are more pairs than the network has.</exception>
    public LearnedEigenpairs(HessianNetwork network, HessianInputs inputs, int? pairs = null, [NotSaved] TrainingHistory? history = null)
    {
        (Network, Inputs, Pairs, History) = (network, inputs, pairs ?? network.Rank, history);
        if (Pairs < 1 || Pairs > network.Rank)
            throw new ArgumentOutOfRangeException(nameof(pairs), pairs,
                $"The network has {network.Rank} eigenpairs; {Pairs} are asked for.");
        ModuleState.Freeze(network);
    }

    /// <inheritdoc/>
    public string Name => $"{Pairs} learned eigenpairs";

    /// <summary>The network.</summary>
    public HessianNetwork Network { get; }

    /// <summary>The inputs of the network.</summary>
    public HessianInputs Inputs { get; }

    /// <summary>The number of its pairs in use.</summary>
    public int Pairs { get; }

    /// <summary>The record of its training; null if it was read from a file or made by hand.</summary>
    public TrainingHistory? History { get; }

    /// <summary>Makes a source with the same network and fewer of its pairs.</summary>
    /// <param name="pairs">The number of pairs, the largest first.</param>
    public LearnedEigenpairs Leading(int pairs) => new(Network, Inputs, pairs, History);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The network is for another grid than the control vector.</exception>
    /// <exception cref="ArithmeticException">The network gave a non-finite value.</exception>
    public RitzPairs Find(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var b = cost.RightSide.Values;
        if (b.size(-1) != Inputs.Layout.Dimension)
            throw new ArgumentException(
                $"The network is for {Inputs.Layout.Dimension} components on a grid of {Inputs.Layout.Rows} x {Inputs.Layout.Columns}; " +
                    $"the control vector has {b.size(-1)}.");
        var precision = ModuleState.PrecisionOf(Network, b.dtype);
        var (values, vectors) = Network.Eigenpairs(Inputs.Of(linearisation, precision));
        if (!(values.isfinite().all().ToBoolean() && vectors.isfinite().all().ToBoolean()))
            throw new ArithmeticException($"{Network.GetName()} gave eigenpairs that are infinite or not a number.");
        values = values.narrow(1, 0, Pairs).to_type(b.dtype);
        return new RitzPairs(values, vectors.narrow(1, 0, Pairs).to_type(b.dtype), full_like(values, double.PositiveInfinity),
            ones(values.Sizes(), dtype: ScalarType.Bool, device: b.device)).MoveToOuterDisposeScope();
    }
}
