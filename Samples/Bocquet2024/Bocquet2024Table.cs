using System.Globalization;

namespace DaML.Samples;

/// <summary>What the paper reports beside what was measured.</summary>
/// <param name="settings">How large the experiments were.</param>
/// <param name="quick">Whether the networks are the quick ones.</param>
/// <param name="pretrained">Whether the main network came with its weights.</param>
/// <param name="figures">The figures of every part; none of one that diverged.</param>
internal sealed class Bocquet2024Table(Bocquet2024Settings settings, bool quick, bool pretrained,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, double[]>> figures)
{
    private const string LikeFilter = "about the EnKF's";

    /// <summary>All rows.</summary>
    public IReadOnlyList<PublishedFigure> Rows => [.. Accuracy(), .. Diagnostics(), .. Elsewhere()];

    private string Main => pretrained ? "shipped weights" : Quick;

    private string Quick => quick ? "quick network" : "";

    private double Of(string part, string figure, int index = 0) =>
        figures[part].TryGetValue(figure, out double[]? values) ? values[index] : double.NaN;

    private IEnumerable<PublishedFigure> Accuracy() =>
    [
        Score("learned", "rmse.learned", "0.19-0.20", Bocquet2024Parts.Learned, "rmse", Main),
        Score("learned, with hidden channels", "rmse.learned_memory", "", Bocquet2024Parts.Memory, "rmse", "not in the paper", Quick),
        Score("learned, no activations (linear)", "rmse.linear", "0.38", Bocquet2024Parts.Linear, "rmse", Quick),
        Score("learned, blind to the forecast", "rmse.blind", "0.38", Bocquet2024Parts.Blind, "rmse", Quick),
        Score("3D-Var", "rmse.3dvar", "0.40", Bocquet2024Parts.Classical, "3dvar"),
        Score("EnKF-N, 20 members", "rmse.enkf_n.20", "0.191", Bocquet2024Parts.Classical, "enkf_n.20"),
        Score("EnKF-N, 40 members", "rmse.enkf_n.40", "0.179", Bocquet2024Parts.Classical, "enkf_n.40"),
    ];

    private IEnumerable<PublishedFigure> Diagnostics() =>
    [
        new("bias b of the learned analysis", "bias.mean", "0.005", Of(Bocquet2024Parts.Covariances, "bias", 0), Main) { Decimals = 4 },
        new("its deviation s", "bias.std", "0.001", Of(Bocquet2024Parts.Covariances, "bias", 1), Main) { Decimals = 4 },
        new("Bures-Wasserstein: learned Pa to the EnKF-N's", "bw.learned_enkf", "0.013", Of(Bocquet2024Parts.Covariances, "distances", 0),
            Main) { Decimals = 4 },
        new("Bures-Wasserstein: learned Pa to 0.40² I", "bw.learned_isotropic", "0.048", Of(Bocquet2024Parts.Covariances, "distances", 1),
            Main) { Decimals = 4 },
        new("Bures-Wasserstein: EnKF-N's Pa to 0.40² I", "bw.enkf_isotropic", "", Of(Bocquet2024Parts.Covariances, "distances", 2))
            { Decimals = 4 },
        new("first Lyapunov exponent", "lyapunov.first", "1.67 (inverse 0.60)", Of(Bocquet2024Parts.Lyapunov, "exponents"),
            "the exponent, not its inverse"),
        new("positive Lyapunov exponents", "lyapunov.positive", "13", Of(Bocquet2024Parts.Lyapunov, "positive")) { Decimals = 0 },
    ];

    private IEnumerable<PublishedFigure> Elsewhere()
    {
        for (int i = 0; i < settings.Dimensions.Count; i++)
        {
            string n = settings.Dimensions[i].ToString(CultureInfo.InvariantCulture);
            yield return Point($"n = {n}, weights of n = 40", $"rmse.transfer.{n}", "0.188-0.197", Bocquet2024Parts.Transfer, "rmse", i,
                Main);
            if (settings.LearnEveryDimension && settings.Dimensions[i] != 40)
                yield return Score($"n = {n}, learned there", $"rmse.trained.{n}", LikeFilter,
                    Bocquet2024Parts.LearnedAt(settings.Dimensions[i]), "rmse");
            yield return Point($"n = {n}, EnKF-N, as many members", $"rmse.transfer.enkf_n.{n}", "", Bocquet2024Parts.DimensionFilter,
                "rmse", i);
        }
        for (int i = 0; i < settings.NoiseLevels.Count; i++)
        {
            string level = settings.NoiseLevels[i].ToString(CultureInfo.InvariantCulture);
            yield return Point($"error {level}, weights and R of error 1", $"rmse.noise.{level}", settings.NoiseLevels[i] < 1
                ? "above the EnKF's" : "at most the EnKF's", Bocquet2024Parts.Noise, "rmse", i, Main);
            yield return Point($"error {level}, weights of error 1, told R", $"rmse.noise.told.{level}", "", Bocquet2024Parts.Noise, "told",
                i, Main);
            yield return Point($"error {level}, learned on random errors", $"rmse.noise.random.{level}", "", Bocquet2024Parts.RandomNoise,
                "rmse", i, "not in the paper", Quick);
            yield return Point($"error {level}, EnKF-N, 40 members", $"rmse.noise.enkf_n.{level}", "", Bocquet2024Parts.NoiseFilter, "rmse",
                i);
        }
        for (int i = 0; i < settings.Densities.Count; i++)
        {
            string density = settings.Densities[i].ToString(CultureInfo.InvariantCulture);
            yield return Point($"density {density}, learned on random ones", $"rmse.density.{density}",
                settings.Densities[i] is > 0.35 and < 0.65 ? LikeFilter
                : "above the EnKF's", Bocquet2024Parts.RandomNetworks, "rmse", i, Quick);
            yield return Point($"density {density}, EnKF-N, 40 members", $"rmse.density.enkf_n.{density}", "",
                Bocquet2024Parts.DensityFilter, "rmse", i);
        }
        yield return Score("Kuramoto-Sivashinsky, learned", "rmse.ks.learned", LikeFilter, Bocquet2024Parts.KuramotoSivashinsky, "rmse",
            Quick);
        yield return Score("Kuramoto-Sivashinsky, EnKF-N, 20 members", "rmse.ks.enkf_n", "", Bocquet2024Parts.FieldFilter, "rmse");
        yield return Score("Kuramoto-Sivashinsky, 3D-Var", "rmse.ks.3dvar", "", Bocquet2024Parts.FieldFilter, "3dvar");
    }

    // A figure of its own: error, standard error, on how many trajectories the truth was lost, of how many.
    private PublishedFigure Score(string what, string metric, string published, string part, string figure,
        params IEnumerable<string> notes) =>
        new(what, metric, published, Of(part, figure), Join([.. notes, Lost(Of(part, figure, 2) / Of(part, figure, 3))]));

    // A figure of a curve.
    private PublishedFigure Point(string what, string metric, string published, string part, string figure, int index,
        params IEnumerable<string> notes) =>
        new(what, metric, published, Of(part, figure, index), Join([.. notes, Lost(Of(part, figure + Bocquet2024Parts.Lost, index))]));

    // Where it was lost everywhere the figure says so itself.
    private static string Lost(double share) =>
        share is > 0 and < 1 ? string.Create(CultureInfo.InvariantCulture, $"truth lost on {100 * share:0} %") : "";

    private static string Join(params IEnumerable<string> notes) => string.Join(", ", notes.Where(note => note.Length > 0));
}
