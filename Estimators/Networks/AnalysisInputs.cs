namespace DaML.Components;

/// <summary>The inputs of a learned analysis.</summary>
public enum AnalysisInputs
{
    /// <summary>The forecast and the innovation, as in Bocquet et al. (2024) eq. 2a.</summary>
    ForecastAndInnovation,

    /// <summary>
    /// The innovation alone: an analysis that is blind to the forecast and so cannot know the errors of the day (Bocquet et al. 2025,
    /// section 4.1).
    /// </summary>
    InnovationOnly,
}
