namespace DaML.Samples;

/// <summary>The models that a table of reference scores may name.</summary>
internal static class ReferenceModels
{
    private sealed record Model(string[] Settings, Func<NamedSettings, IErrorCovariance?, IDynamics> Make);

    private static readonly Dictionary<string, Model> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Lorenz-63"] = new(["timeStep"], (settings, noise) => new Lorenz63(settings.Number("timeStep", 0.01)) { ModelError = noise }),
        ["Lorenz-84"] = new(["timeStep"], (settings, noise) => new Lorenz84(settings.Number("timeStep", 0.05)) { ModelError = noise }),
        ["Lorenz-96"] = new(["dimension", "forcing", "timeStep"],
            (settings, noise) =>
                new Lorenz96(settings.Integer("dimension", 40), settings.Number("forcing", 8), settings.Number("timeStep", 0.05))
                    { ModelError = noise }),
        ["two-scale Lorenz-96"] = new(["slow", "fast", "forcing", "timeStep"], (settings, noise) =>
            new TwoScaleLorenz96(settings.Integer("slow", 8), settings.Integer("fast", 32), settings.Number("forcing", 20),
                settings.Number("timeStep", 0.005)) { ModelError = noise }),
        ["Kuramoto-Sivashinsky"] = new(["dimension", "length", "timeStep"], (settings, noise) =>
            new KuramotoSivashinsky(settings.Integer("dimension", 128), settings.Number("length", 32 * Math.PI),
                settings.Number("timeStep", 0.25)) { ModelError = noise }),
        ["linear advection"] = new(["dimension", "sitesPerStep", "decay"], (settings, noise) =>
            new LinearAdvection(settings.Integer("dimension", 1000), settings.Integer("sitesPerStep", 1), settings.Number("decay", 1))
                { ModelError = noise }),
    };

    /// <summary>Makes the model of an experiment; <c>noise</c> is the standard deviation of the error of one time step.</summary>
    /// <exception cref="SampleException">A name or setting that is not known; the message lists what is.</exception>
    public static IDynamics Make(ReferenceExperiment experiment)
    {
        string name = experiment.Model.TryGetValue("name", out var given) ? given.ToString()
            : throw new SampleException("An experiment's model must have a 'name'.");
        if (!Known.TryGetValue(name, out var model))
            throw new SampleException($"There is no model '{name}'; there are: {string.Join(", ", Known.Keys)}.");
        var settings = new NamedSettings(name, experiment.Model).Only([.. model.Settings, "noise", "name"]);
        double noise = settings.Number("noise", 0);
        var perfect = model.Make(settings, null);
        return noise == 0 ? perfect : model.Make(settings, ErrorCovariance.Scalar(perfect.Dimension, noise * noise));
    }
}
