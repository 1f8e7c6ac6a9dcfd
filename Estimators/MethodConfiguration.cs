using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;

namespace DaML;

/// <summary>
/// Methods from configuration files: a name of <see cref="NamedMethods"/> and the settings that differ from its own, for instance
/// <c>{ "method": "etkf", "members": 10, "inflation": 1.02, "rotation": "mean-preserving" }</c>.
/// <para>Settings have the names of the record's properties. Numbers, texts, truth values and choices are given directly, durations as
/// <c>"00:01:30"</c>. A method is its name, or its name and settings (<c>"filter": { "method": "etkf", "members": 10 }</c>); a record of
/// settings is an object of those that differ (<c>"training": { "steps": 500 }</c>). Other values have these forms:</para>
/// <list type="bullet">
/// <item>an inflation: a factor of the standard deviation, or <c>{ "variance": 1.04 }</c>, <c>{ "relaxationToPriorSpread": 0.3 }</c> and
/// so on;</item>
/// <item>a window: its length, or <c>{ "length": 8, "shift": 4 }</c>; a finite-size prior: its certainty;</item>
/// <item>a localisation: the places of the components and the reach of an observation, <c>{ "circle": 40, "eFolding": 4 }</c>, with
/// <c>"line"</c> or <c>"grid": [20, 30]</c> for other places, <c>"halfWidth"</c> for the other radius, and a <c>"taper"</c>;</item>
/// <item>estimated parameters: their priors by name, <c>{ "forcing": { "mean": 8, "standardDeviation": 1, "randomWalk": 0.1 } }</c>.</item>
/// </list>
/// <para>Settings that need tensors or a model, such as a covariance or a cost term, are set in code by <c>with</c>.</para>
/// </summary>
public static class MethodConfiguration
{
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
        return ConfiguredSettings.Changed(Named(name), json.EnumerateObject().Where(given => given.Name != "method"),
            $"The method '{name}'", $"of '{name}'");
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

    internal static AssimilationMethod Named(string name) => NamedMethods.All.TryGetValue(name, out var method) ? method
        : throw new ArgumentException($"There is no method '{name}'; there are: {string.Join(", ", NamedMethods.All.Keys)}.", nameof(name));

    // A configuration knows texts only; what reads as a number or a truth value in JSON is one, and keys 0, 1, ... are those of a list.
    private static JsonNode Json(IConfigurationSection section)
    {
        var children = section.GetChildren().ToList();
        if (children.Count > 0 && children.All(child => int.TryParse(child.Key, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
            return new JsonArray([.. children.Select(Json)]);
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
}
