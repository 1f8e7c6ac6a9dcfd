namespace DaML.Samples;

/// <summary>The models that a table of reference scores may name.</summary>
internal static class ReferenceModels
{
    private sealed record Model(string[] Settings, Func<DynamicsCatalog, NamedSettings, IErrorCovariance?, IDynamics> Make, Func<NamedSettings, long> Dimension);

    private static readonly Dictionary<string, Model> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Lorenz-63"] = new(["timeStep"], (catalog, settings, noise) => catalog.Lorenz63(settings.Number("timeStep", 0.01), noise), _ => 3),
        ["Lorenz-96"] = new(["dimension", "forcing", "timeStep"],
            (catalog, settings, noise) => catalog.Lorenz96(settings.Integer("dimension", 40), settings.Number("forcing", 8), settings.Number("timeStep", 0.05), noise),
            settings => settings.Integer("dimension", 40)),
    };

    /// <summary>Makes the model of an experiment; <c>noise</c> is the standard deviation of the error of one time step.</summary>
    /// <exception cref="SampleException">A name or setting that is not known; the message lists what is.</exception>
    public static IDynamics Make(ReferenceExperiment experiment, DataAssimilationContext context)
    {
        string name = experiment.Model.TryGetValue("name", out var given) ? given.ToString() : throw new SampleException("An experiment's model has a 'name'.");
        if (!Known.TryGetValue(name, out var model)) throw new SampleException($"There is no model '{name}'; there are: {string.Join(", ", Known.Keys)}.");
        var settings = new NamedSettings(name, experiment.Model).Only([.. model.Settings, "noise", "name"]);
        double noise = settings.Number("noise", 0);
        return model.Make(context.Dynamics, settings, noise == 0 ? null : ErrorCovariance.Scalar(model.Dimension(settings), noise * noise));
    }
}
