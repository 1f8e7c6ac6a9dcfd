namespace DaML.Components;

/// <summary>The source of the sensitivity of the observations to the control, from a run of the ensemble, in an iterative ensemble
/// method.</summary>
public sealed record EnsembleLinearisation
{
    private EnsembleLinearisation([Saved("linearisationScale")] double scale) => Scale = scale is > 0 and <= 1 ? scale
        : throw new ArgumentOutOfRangeException(nameof(scale), scale,
            $"The scale of an ensemble's anomalies must be above zero and at most one; given: {scale}.");

    /// <summary>
    /// The transform form (Sakov et al. 2012): the ensemble of the run has the spread of the current analysis, and the result is
    /// transformed back. It is a regression over that spread, which is robust for a rough model; the usual choice.
    /// </summary>
    public static EnsembleLinearisation Transform { get; } = new(1);

    /// <summary>
    /// The bundle form (Bocquet and Sakov 2012): the anomalies are shrunk to a bundle around the mean, so that their
    /// differences are those of the tangent linear model.
    /// </summary>
    /// <param name="scale">The factor of the anomalies, above zero and below one; small against the model's curvature, large against
    /// round-off (default: 1e-4, as in the paper).</param>
    public static EnsembleLinearisation Bundle(double scale = 1e-4) => scale > 0 && scale < 1 ? new(scale)
        : throw new ArgumentOutOfRangeException(nameof(scale), scale, "A bundle's scale must be above zero and below one; given: " +
            $"{scale}.");

    /// <summary>The factor of the anomalies; one for the transform form.</summary>
    public double Scale { get; }

    /// <summary>Whether this is a bundle.</summary>
    public bool IsBundle => Scale < 1;
}
