namespace DaML.Components;

/// <summary>Checks that the two halves of an observing system fit each other.</summary>
internal static class ObservingSystem
{
    public static void Check(IObservationOperator observationOperator, IErrorCovariance observationError)
    {
        if (observationError.Dimension != observationOperator.ObservationDimension)
            throw new ArgumentException(
                $"The observation error covariance must have the dimension of the observations, " +
                    $"{observationOperator.ObservationDimension} ({observationOperator.Name}); given: {observationError.Dimension}.");
        observationError.Invertible($"The observation error covariance R of '{observationOperator.Name}'",
            "an analysis weights observations by R^-1",
            "Give every observation an error variance above zero; a mask says which are missing.");
    }
}
