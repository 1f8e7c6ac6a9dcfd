using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The spectral preconditioner P_alpha from eigenpairs of any source, their values taken as they are (Trappler and Vidard, eq.
/// 1.21).
/// </summary>
/// <param name="source">Where the eigenpairs come from.</param>
/// <param name="form">alpha, beta and mu; null for alpha = -1, beta = 1 and mu the smallest eigenvalue kept.</param>
public sealed class SpectralPreconditioning(IEigenpairSource source, SpectralForm? form = null) : IPreconditioning, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("spectral-preconditioning", 1, reader =>
        new SpectralPreconditioning(reader.Part<IEigenpairSource>("source"), reader.Get<SpectralForm>("form")));

    /// <summary>How files of earlier versions name the pairs of each Hessian with alpha = -1 and beta = 1.</summary>
    internal static ComponentType EarlierType { get; } = new("eigenpair-preconditioning", 1, reader => new SpectralPreconditioning(
        new ComputedEigenpairs(reader.Get<int>("pairs"), reader.Get<EigenpairMethod>("method"), reader.Get<int>("oversampling"), seed: reader.Get<long>("seed")),
        new SpectralForm { Mu = reader.Get<double>("target") }));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public string Name => $"spectral, {source.Name}";

    /// <summary>Where the eigenpairs come from.</summary>
    public IEigenpairSource Source => source;

    /// <summary>alpha, beta and mu.</summary>
    public SpectralForm Form { get; } = (form ?? new()).Checked();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The source's pairs do not fit each other or the control vector.</exception>
    public IPreconditioner Prepare(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous)
    {
        using var noGradients = no_grad();
        return new SpectralPreconditioner(source.Find(linearisation, cost, previous).For(cost.RightSide.Values, source.Name), Form);
    }

    /// <inheritdoc/>
    public RitzPairs? HandedOn(IReadOnlyList<InnerSolution> previous) => source.HandedOn(previous);

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Part("source", source);
        writer.Set("form", Form);
    }
}
