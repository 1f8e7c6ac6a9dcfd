namespace DaML;

public static partial class AnalysisCatalogExtensions
{
    /// <summary>
    /// Estimates a model's state and parameters together by any method: the method runs on the joint model, network and initial
    /// condition lifted to it, and its estimates are taken apart again, <see cref="Columns.Forecast"/> and
    /// <see cref="Columns.Analysis"/> of the state, <see cref="Columns.Parameters"/> and <see cref="Columns.ParametersSpread"/> beside them.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model; parameters that are not named keep its values.</param>
    /// <param name="network">What is observed of the model's states.</param>
    /// <param name="parameters">What is believed of the parameters to be estimated, and how they change.</param>
    /// <param name="method">
    /// Makes the method for the joint model and network it is given, for instance
    /// <c>(joint, observed) => context.Analysis.EnsembleTransformKalmanFilter(joint, observed, 20)</c>. An initial condition of
    /// one's own is lifted by <see cref="JointDynamics.Lift(IInitialCondition)"/>.
    /// </param>
    public static FittedEstimator<TransformerChain> JointEstimation<TTransformer>(this AnalysisCatalog catalog, IParametricDynamics dynamics, IObservationNetwork network,
        IReadOnlyList<EstimatedParameter> parameters, Func<JointDynamics, IObservationNetwork, FittedEstimator<TTransformer>> method) where TTransformer : class, ITransformer
    {
        var joint = catalog.Context.Dynamics.WithParameters(dynamics, parameters);
        var filter = method(joint, joint.Lift(network)).Transformer;
        bool hasSpread = filter.Contract.Adds.Any(definition => definition.Column == Columns.AnalysisSpread);
        return new TransformerChain([new JointNetworks(parameters.Count), filter, new JointEstimates(dynamics.Dimension, parameters.Count, hasSpread)]).AsEstimator();
    }
}
