using System.Reflection;
using System.Text.Json;

namespace DaML.Components;

/// <summary>
/// Changes the settings of a record to those that a configuration gives, in the forms of <see cref="MethodConfiguration"/>.
/// </summary>
internal static class ConfiguredSettings
{
    /// <summary>Makes a copy of a record with other settings.</summary>
    /// <param name="record">The record, which stays as it is.</param>
    /// <param name="given">The names of the settings and their values.</param>
    /// <param name="owner">The record in messages.</param>
    /// <param name="of">The end of a setting's name in messages.</param>
    /// <exception cref="ArgumentException">A setting is unknown, or a value has the wrong kind; the message lists the choices.</exception>
    public static TRecord Changed<TRecord>(TRecord record, IEnumerable<JsonProperty> given, string owner, string of) where TRecord : notnull
    {
        // A record's init properties can be set on a copy that no other code has seen.
        var copy = (TRecord)record.GetType().GetMethod("<Clone>$")!.Invoke(record, [])!;
        var settings = Settable(record.GetType()).Where(property => IsReadable(property.PropertyType))
            .ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);
        foreach (var (name, json) in given.Select(given => (given.Name, given.Value)))
        {
            if (!settings.TryGetValue(name, out var property))
                throw new ArgumentException(
                    $"{owner} has no setting '{name}' that a configuration can give; it has: {string.Join(", ", settings.Keys.Order())}.");
            string what = $"The setting '{name}' {of}";
            object value = Value(json, property.PropertyType, property.GetValue(copy), what);
            try { property.SetValue(copy, value, BindingFlags.DoNotWrapExceptions, null, null, null); }
            catch (ArgumentException wrong) { throw new ArgumentException($"{what}: {wrong.Message}", wrong); }
        }
        return copy;
    }

    private static IEnumerable<PropertyInfo> Settable(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.SetMethod is { IsPublic: true });

    // A record of settings with their defaults, such as those of a training.
    private static bool IsRecord(Type type) => !type.IsAbstract && type.GetMethod("<Clone>$") is not null
        && type.GetConstructor([]) is not null && Settable(type).Any();

    private static bool IsReadable(Type type) => (Nullable.GetUnderlyingType(type) ?? type) is var plain
        && (plain.IsEnum || ConfiguredValues.Has(plain) || plain.IsAssignableTo(typeof(AssimilationMethod)) || IsRecord(plain));

    private static object Value(JsonElement json, Type type, object? now, string what)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        if (plain.IsEnum && json.ValueKind == JsonValueKind.String)
            return Enum.TryParse(plain, json.GetString()!.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out object? chosen)
                && Enum.IsDefined(plain, chosen) ? chosen
                : throw new ArgumentException($"{what} must be one of {string.Join(", ", Enum.GetNames(plain))}; given: {json}.");
        if (plain.IsAssignableTo(typeof(AssimilationMethod))) return Method(json, plain, what);
        if (ConfiguredValues.Has(plain))
        {
            try
            {
                if (ConfiguredValues.Read(json, plain) is { } value) return value;
            }
            catch (ArgumentException wrong) { throw new ArgumentException($"{what}: {wrong.Message}", wrong); }
        }
        else if (!plain.IsEnum && json.ValueKind == JsonValueKind.Object)
            return Changed(now ?? Activator.CreateInstance(plain)!, json.EnumerateObject(), what, $"within {Lower(what)}");
        string expected = plain.IsEnum ? $"one of {string.Join(", ", Enum.GetNames(plain))}"
            : ConfiguredValues.Has(plain) ? ConfiguredValues.Expected(plain) : "an object of settings";
        throw new ArgumentException($"{what} must be {expected}; given: {json.GetRawText()}.");
    }

    private static AssimilationMethod Method(JsonElement json, Type type, string what)
    {
        AssimilationMethod method;
        try
        {
            method = json.ValueKind == JsonValueKind.String ? MethodConfiguration.Named(json.GetString()!) : MethodConfiguration.Read(json);
        }
        catch (ArgumentException wrong) { throw new ArgumentException($"{what}: {wrong.Message}", wrong); }
        if (type.IsInstanceOfType(method)) return method;
        var serving = NamedMethods.All.Where(named => type.IsInstanceOfType(named.Value)).Select(named => named.Key);
        throw new ArgumentException($"{what} must be one of {string.Join(", ", serving)}; given: {method.GetType().Name}.");
    }

    private static string Lower(string what) => char.ToLowerInvariant(what[0]) + what[1..];
}
