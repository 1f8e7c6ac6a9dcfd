using System.Globalization;
using System.Text.Json;

namespace DaML.Components;

/// <summary>The forms that the values of settings have in a configuration.</summary>
internal static class ConfiguredValues
{
    // What a JSON value stands for, null if it has none of the forms, and the forms in words.
    private sealed record Form(string Expected, Func<JsonElement, object?> Read);

    private static readonly IReadOnlyDictionary<string, Func<double, Inflation>> Inflations = Named<Inflation>(
        ("standardDeviation", factor => Inflation.StandardDeviation(factor)), ("variance", factor => Inflation.Variance(factor)),
        ("forgettingFactor", Inflation.ForgettingFactor),
        ("relaxationToPriorPerturbations", Inflation.RelaxationToPriorPerturbations),
        ("relaxationToPriorSpread", Inflation.RelaxationToPriorSpread));

    private static readonly IReadOnlyDictionary<string, Func<double, LocalisationRadius>> Radii = Named<LocalisationRadius>(
        ("halfWidth", LocalisationRadius.HalfWidth), ("eFolding", LocalisationRadius.EFolding));

    private static readonly IReadOnlyDictionary<string, Func<double, ParticleJitter>> Jitters = Named<ParticleJitter>(
        ("duplicates", ParticleJitter.OfDuplicates), ("all", ParticleJitter.OfAll));

    private static readonly IReadOnlyDictionary<string, LocalisationTaper> Tapers =
        new Dictionary<string, LocalisationTaper>(StringComparer.OrdinalIgnoreCase)
    {
        ["gaspari-cohn"] = LocalisationTaper.GaspariCohn, ["boxcar"] = LocalisationTaper.Boxcar, ["gaussian"] = LocalisationTaper.Gaussian,
        ["triangular"] = LocalisationTaper.Triangular, ["tricube"] = LocalisationTaper.Tricube,
    };

    private static readonly IReadOnlyDictionary<Type, Form> Forms = new Dictionary<Type, Form>
    {
        [typeof(string)] = new("a text", json => json.ValueKind == JsonValueKind.String ? json.GetString() : null),
        [typeof(bool)] = new("true or false",
            json => json.ValueKind is JsonValueKind.True or JsonValueKind.False ? json.GetBoolean() : null),
        [typeof(long)] = new("a whole number",
            json => json.ValueKind == JsonValueKind.Number && json.TryGetInt64(out long whole) ? whole : null),
        [typeof(int)] = new("a whole number", json => Whole(json)),
        [typeof(double)] = new("a number", json => Number(json)),
        [typeof(TimeSpan)] = new("a duration such as \"00:01:30\"", json => json.ValueKind == JsonValueKind.String
            && TimeSpan.TryParse(json.GetString(), CultureInfo.InvariantCulture, out var duration) ? duration : null),
        [typeof(Inflation)] = new($"a factor of the standard deviation, or one of {Names(Inflations)} with its number",
            json => Number(json) is { } factor ? Inflation.StandardDeviation(factor) : Of(json, Inflations)),
        [typeof(WindowCycling)] = new("a length in cycles, or a length and a shift", Window),
        [typeof(FiniteSizePrior)] = new("the certainty, a number",
            json => Number(json) is { } certainty ? FiniteSizePrior.DiracJeffreys(certainty) : null),
        [typeof(EnsembleLinearisation)] = new("\"transform\", or { \"bundle\": scale }", json => Text(json) == "transform"
            ? EnsembleLinearisation.Transform : Of(json, Named<EnsembleLinearisation>(("bundle", EnsembleLinearisation.Bundle)))),
        [typeof(ObservationUse)] = new("\"single\", \"multiple\", or the fractions of the weight in a list", Use),
        [typeof(ParticleJitter)] = new($"one of {Names(Jitters)} with the factor of the bandwidth", json => Of(json, Jitters)),
        [typeof(LocalisationRadius)] = new($"one of {Names(Radii)} with the length", json => Of(json, Radii)),
        [typeof(LocalisationTaper)] = new($"one of {Names(Tapers)}", Taper),
        [typeof(Localisation)] = new(
            $"an object with 'circle' or 'line' and a number of places, or 'grid' and two numbers, one of {Names(Radii)} with the " +
                $"length, and if wished a 'taper' ({Names(Tapers)})", Localised),
        [typeof(StateGrid)] = new("\"circle\" or \"line\"",
            json => Text(json) switch { "circle" => StateGrid.Circle, "line" => StateGrid.Line, _ => null }),
        [typeof(IReadOnlyList<EstimatedParameter>)] = new(
            "an object with a 'mean', a 'standardDeviation' and if wished a 'randomWalk' for the name of each parameter", Parameters),
    };

    /// <summary>Whether values of a type have a form.</summary>
    public static bool Has(Type type) => FormOf(type) is not null;

    /// <summary>The forms of a type in words.</summary>
    public static string Expected(Type type) => FormOf(type)!.Expected;

    /// <summary>Reads a value of a type that has a form.</summary>
    /// <returns>The value; null if the JSON has none of the forms.</returns>
    /// <exception cref="ArgumentException">It has a form and is out of its range.</exception>
    public static object? Read(JsonElement json, Type type) => FormOf(type)!.Read(json) is { } value && type.IsInstanceOfType(value) ? value
        : null;

    // A setting may want one kind of inflation.
    private static Form? FormOf(Type type) =>
        Forms.GetValueOrDefault(type.IsAssignableTo(typeof(Inflation)) ? typeof(Inflation) : type);

    private static IReadOnlyDictionary<string, Func<double, T>> Named<T>(params (string Name, Func<double, T> Make)[] makers) =>
        makers.ToDictionary(maker => maker.Name, maker => maker.Make, StringComparer.OrdinalIgnoreCase);

    private static string Names<T>(IReadOnlyDictionary<string, T> choices) => string.Join(", ", choices.Keys);

    private static T? Of<T>(JsonElement json, IReadOnlyDictionary<string, Func<double, T>> makers) where T : class =>
        Only(json) is { } only && makers.TryGetValue(only.Name, out var make) && Number(only.Value) is { } number ? make(number) : null;

    private static JsonProperty? Only(JsonElement json) =>
        json.ValueKind == JsonValueKind.Object && json.EnumerateObject().Count() == 1 ? json.EnumerateObject().Single() : null;

    private static double? Number(JsonElement json) => json.ValueKind == JsonValueKind.Number ? json.GetDouble() : null;

    private static string? Text(JsonElement json) => json.ValueKind == JsonValueKind.String ? json.GetString()!.ToLowerInvariant() : null;

    private static int? Whole(JsonElement json) => json.ValueKind == JsonValueKind.Number && json.TryGetInt32(out int value) ? value : null;

    // The properties by name in lower case; null if it is no object, or has others than these.
    private static Dictionary<string, JsonElement>? Object(JsonElement json, params string[] known)
    {
        if (json.ValueKind != JsonValueKind.Object) return null;
        var found = new Dictionary<string, JsonElement>(StringComparer.OrdinalIgnoreCase);
        foreach (var property in json.EnumerateObject())
            if (!known.Contains(property.Name, StringComparer.OrdinalIgnoreCase) || !found.TryAdd(property.Name, property.Value))
                return null;
        return found;
    }

    private static WindowCycling? Window(JsonElement json) => Whole(json) is { } length ? WindowCycling.Overlapping(length)
        : Object(json, "length", "shift") is { Count: 2 } both && Whole(both["length"]) is { } full && Whole(both["shift"]) is { } shift
            ? WindowCycling.Overlapping(full, shift) : null;

    private static ObservationUse? Use(JsonElement json) => Text(json) switch
    {
        "single" => ObservationUse.Single,
        "multiple" => ObservationUse.Multiple(),
        _ => json.ValueKind == JsonValueKind.Array && json.EnumerateArray().All(weight => Number(weight) is not null)
            ? ObservationUse.Multiple([.. json.EnumerateArray().Select(weight => weight.GetDouble())]) : null,
    };

    private static LocalisationTaper? Taper(JsonElement json) => Text(json) is { } name ? Tapers.GetValueOrDefault(name) : null;

    private static Localisation? Localised(JsonElement json)
    {
        if (Object(json, ["circle", "line", "grid", "taper", .. Radii.Keys]) is not { } given) return null;
        var taper = given.Remove("taper", out var named) ? Taper(named) : LocalisationTaper.GaspariCohn;
        var lengths = Radii.Where(radius => given.ContainsKey(radius.Key)).ToList();
        if (taper is null || given.Count != 2 || lengths is not [var (name, radius)] || Number(given[name]) is not { } length) return null;
        var geometry = given.TryGetValue("circle", out var circle) && Whole(circle) is { } sites ? LocalisationGeometry.Circle(sites)
            : given.TryGetValue("line", out var line) && Whole(line) is { } places ? LocalisationGeometry.Line(places)
            : given.TryGetValue("grid", out var grid) && grid.ValueKind == JsonValueKind.Array && grid.GetArrayLength() == 2
                && Whole(grid[0]) is { } rows && Whole(grid[1]) is { } columns ? LocalisationGeometry.Grid(rows, columns) : null;
        return geometry is null ? null : new Localisation(geometry, radius(length), taper);
    }

    private static EstimatedParameter[]? Parameters(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object) return null;
        List<EstimatedParameter> found = [];
        foreach (var parameter in json.EnumerateObject())
        {
            if (Object(parameter.Value, "mean", "standardDeviation", "randomWalk") is not { } given
                || !given.TryGetValue("mean", out var mean) || Number(mean) is not { } centre
                || !given.TryGetValue("standardDeviation", out var deviation) || Number(deviation) is not { } spread) return null;
            var evolution = !given.TryGetValue("randomWalk", out var walk) ? ParameterEvolution.Persistence
                : Number(walk) is { } change ? ParameterEvolution.RandomWalk(change) : null;
            if (evolution is null) return null;
            found.Add(new(parameter.Name, centre, spread) { Evolution = evolution });
        }
        return [.. found];
    }
}
