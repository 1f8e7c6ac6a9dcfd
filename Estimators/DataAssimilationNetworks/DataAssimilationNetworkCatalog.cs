namespace DaML;

/// <summary>Data assimilation networks, made from <see cref="DataAssimilationContext.Analysis"/>.</summary>
public static class DataAssimilationNetworkCatalog
{
    /// <summary>
    /// A data assimilation network (Boudier et al.): analyzer, propagater and procoder are learned together from trajectories and
    /// observations alone.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="observing">The observation network; only its dimensions are used.</param>
    /// <param name="timeStep">The time of one application of the propagater; observations lie a whole number of these apart.</param>
    /// <param name="network">The network's size (default: null, its defaults).</param>
    /// <param name="training">The training settings (default: null,
    /// <see cref="DataAssimilationNetworkEstimator.DefaultTraining"/>).</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static DataAssimilationNetworkEstimator DataAssimilationNetwork(this AnalysisCatalog catalog, IObservationNetwork observing,
        double timeStep,
        DataAssimilationNetworkOptions? network = null, TrainingOptions? training = null) =>
        new("data assimilation network", catalog.Context, observing, timeStep, network, training);
}
