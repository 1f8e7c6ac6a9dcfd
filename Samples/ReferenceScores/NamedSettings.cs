using System.Globalization;
using System.Text.Json;

namespace DaML.Samples;

/// <summary>Settings by name as a file gives them, read with their kind; what is not known is refused with the list of what is.</summary>
/// <param name="owner">Whose they are, for a message.</param>
/// <param name="values">The values.</param>
internal sealed class NamedSettings(string owner, IReadOnlyDictionary<string, JsonElement> values)
{
    /// <summary>Refuses names that are not among those known.</summary>
    /// <exception cref="SampleException">There is one.</exception>
    public NamedSettings Only(IEnumerable<string> known)
    {
        var names = known.ToList();
        if (values.Keys.FirstOrDefault(name => !names.Contains(name)) is { } unknown)
            throw new SampleException(
                $"{owner} has no setting '{unknown}'; it has: {(names.Count == 0 ? "none" : string.Join(", ", names))}.");
        return this;
    }

    /// <summary>A number, or the default where it is not given; without a default it must be.</summary>
    public double Number(string name, double? otherwise = null)
    {
        if (!values.TryGetValue(name, out var value)) return otherwise ?? throw new SampleException($"{owner} needs the setting '{name}'.");
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) ? number
            : throw new SampleException($"The setting '{name}' of {owner} must be a number; given: {value}.");
    }

    /// <summary>A whole number.</summary>
    public long Integer(string name, long? otherwise = null)
    {
        double number = Number(name, otherwise);
        return Math.Abs(number) < 1e15 && number == Math.Floor(number) ? (long)number
            : throw new SampleException(
                string.Create(CultureInfo.InvariantCulture, $"The setting '{name}' of {owner} must be a whole number; given: {number}."));
    }

    /// <summary>One of a few names.</summary>
    public T Choice<T>(string name, IReadOnlyDictionary<string, T> choices, T otherwise)
    {
        if (!values.TryGetValue(name, out var value)) return otherwise;
        return value.ValueKind == JsonValueKind.String && choices.TryGetValue(value.GetString()!, out var chosen) ? chosen
            : throw new SampleException(
                $"The setting '{name}' of {owner} must be one of: {string.Join(", ", choices.Keys)}; given: {value}.");
    }

    /// <summary>Whether it is given.</summary>
    public bool Has(string name) => values.ContainsKey(name);

    /// <summary>A setting as a table shows it.</summary>
    public static string Describe(string name, JsonElement value) => (name, value.ValueKind) switch
    {
        ("members", _) => $"N = {value}",
        ("rotation", JsonValueKind.String) => value.GetString() == "none" ? "no rotation" : "rotation",
        ("taper", _) => value.ToString(),
        _ => $"{name} {value}",
    };
}
