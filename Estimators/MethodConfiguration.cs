using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;

namespace DaML;

/// <summary>
/// Methods from configuration files: a name of <see cref="NamedMethods"/> and the settings that differ from its own, for instance
/// <c>{ "method": "etkf", "members": 10, "inflation": 1.02, "rotation": "mean-preserving" }</c>.
/// <para>Settings have the names of the record's properties. Numbers, texts, truth values and choices are given directly; an inflation as
/// a factor of the standard deviation or as <c>{ "variance": 1.04 }</c>, <c>{ "relaxationToPriorSpread": 0.3 }</c> and so on; a window as
/// its length or as <c>{ "length": 8, "shift": 4 }</c>; a finite-size prior as its certainty. Settings that need tensors or a model, such
/// as a covariance, a localisation or a cost term, are set in code by <c>with</c>.</para>
/// </summary>
public static class MethodConfiguration
{
    private static readonly IReadOnlyDictionary<string, Func<double, Inflation>> Inflations =
        new Dictionary<string, Func<double, Inflation>>(StringComparer.OrdinalIgnoreCase)
    {
        ["standardDeviation"] = factor => Inflation.StandardDeviation(factor),
        ["variance"] = factor => Inflation.Variance(factor),
        ["forgettingFactor"] = Inflation.ForgettingFactor,
        ["relaxationToPriorPerturbations"] = Inflation.RelaxationToPriorPerturbations,
        ["relaxationToPriorSpread"] = Inflation.RelaxationToPriorSpread,
    };

    /// <summary>Reads a method.</summary>
    /// <param name="json">A JSON object.</param>
    /// <exception cref="ArgumentException">The text is not a JSON object, a method or setting is unknown, or a value has the wrong kind;
    /// the message lists the choices.</exception>
    public static AssimilationMethod Read(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return Read(document.RootElement);
        }
        catch (JsonException broken)
        {
            throw new ArgumentException(
                $"A method's configuration must be one JSON object; this text is not: {broken.Message}", nameof(json),
                broken);
        }
    }

    /// <inheritdoc cref="Read(string)"/>
    public static AssimilationMethod Read(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw new ArgumentException($"A method's configuration must be a JSON object; given: {json.ValueKind}.", nameof(json));
        if (!json.TryGetProperty("method", out var named) || named.ValueKind != JsonValueKind.String)
            throw new ArgumentException("A method's configuration must have a text 'method', the name of the method.", nameof(json));
        string name = named.GetString()!;
        if (!NamedMethods.All.TryGetValue(name, out var method))
            throw new ArgumentException($"There is no method '{name}'; there are: {string.Join(", ", NamedMethods.All.Keys)}.",
                nameof(json));
        // A record's init properties can be set on a copy that no other code has seen.
        var copy = method with { };
        var settings = method.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite && Readable(property.PropertyType))
            .ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);
        foreach (var given in json.EnumerateObject().Where(given => given.Name != "method"))
        {
            if (!settings.TryGetValue(given.Name, out var property))
                throw new ArgumentException(
                    $"The method '{name}' has no setting '{given.Name}' that a configuration can give; it has: " +
                        $"{string.Join(", ", settings.Keys.Order())}.", nameof(json));
            property.SetValue(copy, Value(given.Value, property.PropertyType, $"The setting '{given.Name}' of '{name}'"));
        }
        return copy;
    }

    /// <summary>Reads a method from a section of a program's configuration.</summary>
    /// <param name="section">The section, whose keys are those of the JSON object.</param>
    /// <exception cref="ArgumentException">A method or setting is unknown, or a value has the wrong kind; the message lists the
    /// choices.</exception>
    public static AssimilationMethod Read(IConfigurationSection section)
    {
        using var document = JsonDocument.Parse(Json(section).ToJsonString());
        return Read(document.RootElement);
    }

    // A configuration knows texts only; what reads as a number or a truth value in JSON is one.
    private static JsonNode Json(IConfigurationSection section)
    {
        var children = section.GetChildren().ToList();
        if (children.Count > 0)
            return new JsonObject(children.Select(child => KeyValuePair.Create<string, JsonNode?>(
                child.Key.Equals("method", StringComparison.OrdinalIgnoreCase) ? "method" : child.Key, Json(child))));
        string text = section.Value ?? "";
        if (text.Equals("true", StringComparison.OrdinalIgnoreCase)) return JsonValue.Create(true);
        if (text.Equals("false", StringComparison.OrdinalIgnoreCase)) return JsonValue.Create(false);
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole))
            return JsonValue.Create(whole);
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
            ? JsonValue.Create(number) : JsonValue.Create(text);
    }

    private static bool Readable(Type type) => (Nullable.GetUnderlyingType(type) ?? type) is var plain
        && (plain.IsEnum || plain == typeof(long) || plain == typeof(double) || plain == typeof(bool) || plain == typeof(string)
            || plain == typeof(Inflation) || plain == typeof(MultiplicativeInflation) || plain == typeof(WindowCycling)
            || plain == typeof(FiniteSizePrior));

    private static object Value(JsonElement json, Type type, string what)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        if (plain == typeof(string) && json.ValueKind == JsonValueKind.String) return json.GetString()!;
        if (plain == typeof(bool) && json.ValueKind is JsonValueKind.True or JsonValueKind.False) return json.GetBoolean();
        if (plain == typeof(long) && json.ValueKind == JsonValueKind.Number && json.TryGetInt64(out long whole)) return whole;
        if (plain == typeof(double) && json.ValueKind == JsonValueKind.Number) return json.GetDouble();
        if (plain.IsEnum && json.ValueKind == JsonValueKind.String)
            return Enum.TryParse(plain, json.GetString()!.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out object? chosen)
                && Enum.IsDefined(plain, chosen) ? chosen
                : throw new ArgumentException($"{what} must be one of {string.Join(", ", Enum.GetNames(plain))}; given: {json}.");
        if (plain.IsAssignableTo(typeof(Inflation)) && InflationOf(json) is { } inflation && inflation.GetType().IsAssignableTo(plain))
            return inflation;
        if (plain == typeof(WindowCycling) && Whole(json) is { } length) return WindowCycling.Overlapping(length);
        if (plain == typeof(WindowCycling) && json.ValueKind == JsonValueKind.Object && Whole(Property(json, "length")) is { } full
            && Whole(Property(json, "shift")) is { } shift)
            return WindowCycling.Overlapping(full, shift);
        if (plain == typeof(FiniteSizePrior) && json.ValueKind == JsonValueKind.Number)
            return FiniteSizePrior.DiracJeffreys(json.GetDouble());
        throw new ArgumentException($"{what} must be {Expected(plain)}; given: {json.GetRawText()}.");
    }

    private static Inflation? InflationOf(JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.Number) return Inflation.StandardDeviation(json.GetDouble());
        if (json.ValueKind != JsonValueKind.Object || json.EnumerateObject().Count() != 1) return null;
        var only = json.EnumerateObject().Single();
        return Inflations.TryGetValue(only.Name, out var make) && only.Value.ValueKind == JsonValueKind.Number
            ? make(only.Value.GetDouble()) : null;
    }

    private static JsonElement Property(JsonElement json, string name) => json.TryGetProperty(name, out var value) ? value : default;

    private static int? Whole(JsonElement json) => json.ValueKind == JsonValueKind.Number && json.TryGetInt32(out int value) ? value : null;

    private static string Expected(Type type) =>
        type == typeof(long) ? "a whole number" : type == typeof(double) ? "a number" : type == typeof(bool) ? "true or false"
        : type.IsAssignableTo(typeof(Inflation))
        ? $"a factor of the standard deviation, or one of {string.Join(", ", Inflations.Keys)} with its number"
        : type == typeof(WindowCycling) ? "a length in cycles, or a length and a shift"
        : type == typeof(FiniteSizePrior) ? "the certainty, a number" : type.IsEnum ? $"one of {string.Join(", ", Enum.GetNames(type))}"
        : "a text";
}
