namespace DaML;

/// <summary>The background error covariance B of a variational method: known, or still to be learned.</summary>
public abstract record Background
{
    /// <summary>B; null if it is to be learned.</summary>
    public abstract IErrorCovariance? Covariance { get; }
}

/// <summary>A background error covariance that is known.</summary>
/// <param name="Known">B, of the state's dimension.</param>
[Component("known-background")]
public sealed record KnownBackground(IErrorCovariance Known) : Background
{
    /// <inheritdoc/>
    public override IErrorCovariance Covariance => Known;
}
