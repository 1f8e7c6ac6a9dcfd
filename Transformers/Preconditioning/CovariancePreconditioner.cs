using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// P = B, whose root is the control variable transform: it does to the solver what <see cref="ControlVariable.BackgroundSquareRoot"/>
/// does to the variables.
/// </summary>
/// <param name="covariance">B</param>
public sealed class CovariancePreconditioner(IErrorCovariance covariance) : ISplitPreconditioner
{
    /// <inheritdoc/>
    public string Name => "B";

    /// <inheritdoc/>
    public ControlVector Apply(ControlVector vector)
    {
        using var scope = NewDisposeScope();
        return new(covariance.Colour(covariance.ColourAdjoint(vector.Values)).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public ControlVector ApplyFactor(ControlVector vector) => new(covariance.Colour(vector.Values));

    /// <inheritdoc/>
    public ControlVector ApplyFactorTranspose(ControlVector vector) => new(covariance.ColourAdjoint(vector.Values));
}

/// <summary>Preconditions with B, for <see cref="ControlVariable.Increment"/>, as a first level or alone.</summary>
/// <param name="covariance">B, of the dimension of the control vector; in blocks if there is model error.</param>
[Component("covariance-preconditioning")]
public sealed class CovariancePreconditioning(IErrorCovariance covariance) : IPreconditioning
{
    /// <inheritdoc/>
    public string Name => "B";

    /// <summary>B</summary>
    public IErrorCovariance Covariance { get; } = covariance.Invertible("The covariance B of a preconditioner",
        "conjugate gradients need a positive definite one",
        $"{nameof(ControlVariable)}.{nameof(ControlVariable.BackgroundSquareRoot)} needs no preconditioner B and takes a singular one.");

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The dimensions of B and of the control vector differ.</exception>
    public IPreconditioner Prepare(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous) =>
        cost.RightSide.Values.size(-1) == Covariance.Dimension ? new CovariancePreconditioner(Covariance)
            : throw new ArgumentException($"A preconditioner B must have the dimension of the control vector, " +
                $"{cost.RightSide.Values.size(-1)}; given: {Covariance.Dimension}.");
}
