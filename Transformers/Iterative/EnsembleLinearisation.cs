namespace DaML.Components;

/// <summary>How an iterative ensemble method gets the sensitivity of the observations to its control from a run of the ensemble.</summary>
public sealed record EnsembleLinearisation
{
    private EnsembleLinearisation([Saved("linearisationScale")] double scale) => Scale = scale is > 0 and <= 1 ? scale
        : throw new ArgumentOutOfRangeException(nameof(scale), scale,
            $"The scale of an ensemble's anomalies is above zero and at most one; given: {scale}.");

    /// <summary>
    /// The transform form (Sakov et al. 2012): the ensemble that is run has the spread of the analysis so far, and what comes
    /// out is transformed back. A regression over that spread, robust where the model is rough; the usual choice.
    /// </summary>
    public static EnsembleLinearisation Transform { get; } = new(1);

    /// <summary>
    /// The bundle form (Bocquet and Sakov 2012): the anomalies are shrunk to a bundle around the mean, so that their
    /// differences are those of the tangent linear model.
    /// </summary>
    /// <param name="scale">What the anomalies are multiplied by, above zero and below one; small against the model's curvature, large
    /// against round-off. 1e-4 unless said, as in the paper.</param>
    public static EnsembleLinearisation Bundle(double scale = 1e-4) => scale > 0 && scale < 1 ? new(scale)
        : throw new ArgumentOutOfRangeException(nameof(scale), scale, $"A bundle's scale is above zero and below one; given: {scale}.");

    /// <summary>What the anomalies are multiplied by; one for the transform form.</summary>
    public double Scale { get; }

    /// <summary>Whether this is a bundle.</summary>
    public bool IsBundle => Scale < 1;
}
