using System.Text.Json;
using System.Text.Json.Serialization;

namespace DaML.Samples;

/// <summary>
/// Published figures as data: the experiments they were measured in and, row by row, a method with its settings and what
/// it is expected to score. Read from JSON, so that a row is added without touching code (docs/scores.md).
/// </summary>
/// <param name="Experiments">Model, observations and start, by the names rows refer to.</param>
/// <param name="Rows">The figures.</param>
internal sealed record ReferenceTable(IReadOnlyDictionary<string, ReferenceExperiment> Experiments, IReadOnlyList<ReferenceRow> Rows)
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        NumberHandling = JsonNumberHandling.Strict,
    };

    /// <summary>The table that comes with the project.</summary>
    public static string ShippedFile => Path.Combine(AppContext.BaseDirectory, "data", "reference-scores.json");

    /// <summary>Reads a table and checks every row of it.</summary>
    /// <exception cref="SampleException">The file is missing or no such table, or a row names what is not known; the message lists what
    /// is.</exception>
    public static ReferenceTable Load(string path)
    {
        ReferenceTable table;
        try { table = JsonSerializer.Deserialize<ReferenceTable>(File.ReadAllText(path), Options)
            ?? throw new JsonException("it is empty"); }
        catch (Exception refused)
        when (refused is IOException
        or UnauthorizedAccessException) { throw new SampleException($"The reference scores cannot be read: {refused.Message}"); }
        catch (Exception refused)
        when (refused is JsonException
        or ArgumentException) { throw new SampleException(
            $"'{path}' is not a table of reference scores: {refused.Message.ReplaceLineEndings(" ")}"); }
        if (table.Rows.Count == 0) throw new SampleException($"'{path}' has no rows.");
        for (int i = 0; i < table.Rows.Count; i++)
        {
            try { table.Rows[i].Check(table); }
            catch (Exception refused) when (refused is SampleException or ArgumentException)
            {
                throw new SampleException($"'{path}', row {i + 1}: {refused.Message.Split(" (Parameter")[0]}");
            }
        }
        return table;
    }
}

/// <summary>A twin experiment: truth and first ensemble are drawn from one normal distribution.</summary>
/// <param name="Model">The model's <c>name</c> and its settings.</param>
/// <param name="Interval">Time between observations, in the model's unit.</param>
/// <param name="ErrorVariance">R is this times the identity.</param>
/// <param name="Start">Where truth and members start.</param>
/// <param name="BurnIn">How many first cycles are not scored.</param>
/// <param name="Stride">The components 0, stride, 2 stride, ... are observed; by default all of them.</param>
internal sealed record ReferenceExperiment(IReadOnlyDictionary<string, JsonElement> Model, double Interval, double ErrorVariance,
    ReferenceStart Start, long BurnIn, long Stride = 1);

/// <summary>A normal distribution to start from, with a diagonal covariance: its mean as a list or as a level with exceptions.</summary>
/// <param name="Variance">Of every component.</param>
/// <param name="Mean">The mean as a list, one number a component.</param>
/// <param name="Level">The mean of all components that are not named.</param>
/// <param name="Components">The mean of those that are, by their number from 0.</param>
internal sealed record ReferenceStart(double Variance, IReadOnlyList<double>? Mean = null, double? Level = null,
    IReadOnlyDictionary<int, double>? Components = null)
{
    /// <summary>The distribution for a state dimension.</summary>
    /// <exception cref="SampleException">The mean does not fit.</exception>
    public GaussianInitialCondition Of(long dimension)
    {
        if (Mean is null == Level is null)
            throw new SampleException("A start must have either a 'mean', one number for each component, or a 'level'.");
        double[] mean = Mean is null ? [.. Enumerable.Repeat(Level!.Value, (int)dimension)] : [.. Mean];
        if (mean.Length != dimension)
            throw new SampleException($"The start's mean has {mean.Length} components; the model has {dimension}.");
        foreach (var (component, value) in Components ?? new Dictionary<int, double>())
        {
            if (component < 0 || component >= dimension)
                throw new SampleException($"The start names component {component}; the model has 0 to {dimension - 1}.");
            mean[component] = value;
        }
        using var tensor = TorchSharp.torch.tensor(mean);
        return new GaussianInitialCondition(tensor, ErrorCovariance.Scalar(dimension, Variance));
    }
}

/// <summary>What a measured figure must satisfy; exactly one of the three is given.</summary>
/// <param name="Share">Within this share of what is expected, for statistical figures.</param>
/// <param name="Below">True: below what is expected.</param>
/// <param name="Relative">Equal to within this relative difference, for figures that are exact.</param>
internal sealed record ReferenceTolerance(double? Share = null, bool Below = false, double? Relative = null)
{
    /// <summary>Whether a figure passes.</summary>
    public bool Accepts(double measured, double expected) => Below ? measured < expected
        : Math.Abs(measured - expected) <= (Share ?? Relative!.Value) * Math.Abs(expected);

    /// <summary>As a table shows it.</summary>
    public string Describe(double expected, int decimals) =>
        (Below ? "below " : "")
        + expected.ToString(Relative is null ? "F" + decimals : "G10", System.Globalization.CultureInfo.InvariantCulture);

    public void Check()
    {
        int given = (Share is null ? 0 : 1) + (Below ? 1 : 0) + (Relative is null ? 0 : 1);
        if (given != 1)
            throw new SampleException(
                "A tolerance must have exactly one of 'share' (within this share), 'below' (true) and 'relative' (equal to within this " +
                "difference).");
        if ((Share ?? Relative ?? 1) is not (> 0 and <= 1))
            throw new SampleException($"A tolerance must be above 0 and at most 1; given: {Share ?? Relative}.");
    }
}

/// <summary>One published figure.</summary>
/// <param name="Expected">What is published.</param>
/// <param name="Tolerance">How near a measured figure must come.</param>
/// <param name="Source">Who publishes it.</param>
/// <param name="Settings">The method's or case's settings by name.</param>
/// <param name="Experiment">The experiment a method is scored in; null for an exact case.</param>
/// <param name="Method">The method that is scored, by its time-averaged analysis error.</param>
/// <param name="Case">An exact case.</param>
/// <param name="Quantity">Which figure of an exact case.</param>
/// <param name="Seeds">How many experiments the median needs at least, for a score that scatters more than most.</param>
internal sealed record ReferenceRow(double Expected, ReferenceTolerance Tolerance, string Source,
    IReadOnlyDictionary<string, JsonElement> Settings,
    string? Experiment = null, string? Method = null, string? Case = null, string? Quantity = null, long Seeds = 1)
{
    /// <summary>Whether it is one figure that follows exactly, not an average over random numbers.</summary>
    public bool IsExact => Case is not null;

    /// <summary>The model as a table shows it.</summary>
    public string ModelName => Experiment ?? ExactCases.Find(Case!).Model;

    /// <summary>The method as a table shows it.</summary>
    public string MethodName => Method is null ? Case! : ReferenceMethods.Find(Method).Name;

    /// <summary>The settings as a table shows them, for instance <c>N = 20, inflation 1.04</c>.</summary>
    public string SettingsText =>
        string.Join(", ",
            Settings.Select(setting => NamedSettings.Describe(setting.Key, setting.Value)).Concat(Quantity is null ? [] : [Quantity]));

    /// <summary>Refuses what is not known, before anything is computed.</summary>
    public void Check(ReferenceTable table)
    {
        Tolerance.Check();
        Require.AtLeast(Seeds, 1, "seeds");
        if (Case is not null)
        {
            if (Experiment is not null || Method is not null || Quantity is null)
                throw new SampleException("A row with a 'case' must have a 'quantity', and neither 'experiment' nor 'method'.");
            ExactCases.Find(Case).Check(new NamedSettings(Case, Settings), Quantity);
            return;
        }
        if (Experiment is null || Method is null || Quantity is not null)
            throw new SampleException("A row must have an 'experiment' and a 'method', or else a 'case' and a 'quantity'.");
        if (!table.Experiments.TryGetValue(Experiment, out var experiment))
            throw new SampleException($"There is no experiment '{Experiment}'; there are: {string.Join(", ", table.Experiments.Keys)}.");
        ReferenceExecution.Prepare(this, experiment, new DataAssimilationContext(), 1, 1, isRehearsal: true);
    }
}
