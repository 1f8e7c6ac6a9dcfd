namespace DaML;

/// <summary>Data assimilation networks, made from <see cref="DataAssimilationContext.Analysis"/>.</summary>
public static class DataAssimilationNetworkCatalog
{
    /// <summary>
    /// A data assimilation network (Boudier et al.): analyzer, propagater and procoder learned at once from trajectories and observations
    /// alone.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="observing">What is observed; only its dimensions are used.</param>
    /// <param name="timeStep">The time that one application of the propagater stands for: observations lie a whole number of it
    /// apart.</param>
    /// <param name="network">The network's size; null = the defaults.</param>
    /// <param name="training">How it is trained; null = <see cref="DataAssimilationNetworkEstimator.DefaultTraining"/>.</param>
    /// <exception cref="ArgumentException">An option out of its range.</exception>
    public static DataAssimilationNetworkEstimator DataAssimilationNetwork(this AnalysisCatalog catalog, IObservationNetwork observing,
        double timeStep,
        DataAssimilationNetworkOptions? network = null, TrainingOptions? training = null) =>
        new("data assimilation network", catalog.Context, observing, timeStep, network, training);
}
