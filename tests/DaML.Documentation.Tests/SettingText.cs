using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace DaML.Tests;

/// <summary>A setting of a record, a constructor or a maker, as the code has it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="IsRequired">Whether it has no default.</param>
/// <param name="Default">Its default.</param>
internal sealed record CodeSetting(string Name, Type Type, bool IsRequired, object? Default);

/// <summary>
/// The settings that the code has, and the values that the tables of the documents write for their defaults: a number, a text in
/// quotes, true, false, null, [], a member or a factory method of a type, or new Type(...) { ... }.
/// </summary>
internal static partial class SettingText
{
    /// <summary>The rooms whose types the documents name.</summary>
    public static IReadOnlyList<Type> Types { get; } = [.. new[] { "Abstractions", "Dynamics", "Transformers", "Estimators" }
        .SelectMany(room => Assembly.Load($"DaML.{room}").GetExportedTypes())];

    /// <summary>The type of a name that is no generic type.</summary>
    public static Type TypeOf(string name) => Types.SingleOrDefault(type => type.Name == name)
        ?? throw new ArgumentException($"There is no type '{name}'.");

    /// <summary>
    /// The settings of what a table is headed by: the properties of a record that can be set, the parameters of a class's constructor, or
    /// those of a static method, Type.Method, without the object that it extends.
    /// </summary>
    public static IReadOnlyList<CodeSetting> Of(string subject)
    {
        if (subject.Split('.') is [var catalog, var method])
            return OfParameters(TypeOf(catalog).GetMethods().Single(candidate => candidate.Name == method).GetParameters().Skip(1));
        var type = TypeOf(subject);
        if (Settable(type) is not { Count: > 0 } properties)
            return OfParameters(type.GetConstructors().MaxBy(constructor => constructor.GetParameters().Length)!.GetParameters());
        object defaults = type == typeof(AssimilationMethod) ? new Climatology() : Activator.CreateInstance(type)!;
        return [.. properties.Select(property => new CodeSetting(property.Name, property.PropertyType,
            property.GetCustomAttribute<RequiredMemberAttribute>() is not null, property.GetValue(defaults)))];
    }

    /// <summary>The public properties that can be set, without those that every method has, unless they are what is asked for.</summary>
    public static IReadOnlyList<PropertyInfo> Settable(Type type) => [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.SetMethod is { IsPublic: true }
            && (type == typeof(AssimilationMethod) || !property.DeclaringType!.IsAssignableFrom(typeof(AssimilationMethod))))];

    /// <summary>Whether a text stands for a value, and for a type where the text leaves it out.</summary>
    public static bool Says(string text, object? value, Type type)
    {
        var reader = new Reader(text);
        object? said = reader.Value(type);
        reader.End();
        return Same(said, value);
    }

    private static CodeSetting[] OfParameters(IEnumerable<ParameterInfo> parameters) =>
        [.. parameters.Select(parameter => new CodeSetting(parameter.Name!, parameter.ParameterType, !parameter.HasDefaultValue,
            parameter.ParameterType.IsEnum && parameter.HasDefaultValue ? Enum.ToObject(parameter.ParameterType, parameter.DefaultValue!)
                : parameter.HasDefaultValue ? parameter.DefaultValue : null))];

    // Equal, or of one type with the same elements or properties: not every class compares by its values.
    private static bool Same(object? one, object? other)
    {
        if (Equals(one, other)) return true;
        if (one is null || other is null) return false;
        if (one is IEnumerable left and not string && other is IEnumerable right)
            return left.Cast<object?>().Zip(right.Cast<object?>(), Same).All(same => same) && Count(left) == Count(right);
        return one.GetType() == other.GetType() && !one.GetType().IsPrimitive && !one.GetType().IsEnum
            && one.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance) is { Length: > 0 } properties
            && properties.Where(property => property.GetIndexParameters().Length == 0)
                .All(property => Same(property.GetValue(one), property.GetValue(other)));
    }

    private static int Count(IEnumerable values) => values.Cast<object?>().Count();

    [GeneratedRegex(@"\G-?\d+(\.\d+)?([eE]-?\d+)?")]
    private static partial Regex Number();

    [GeneratedRegex("\\G\"[^\"]*\"")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\G[A-Za-z]\w*")]
    private static partial Regex Word();

    private sealed class Reader(string text)
    {
        private int at;

        public void End() => Need(at == text.Length);

        public object? Value(Type type)
        {
            type = Nullable.GetUnderlyingType(type) ?? type;
            if (Take("[")) return Then("]", Array.Empty<object>());
            if (Match(Number()) is { } number) return Convert.ChangeType(double.Parse(number, CultureInfo.InvariantCulture), type,
                CultureInfo.InvariantCulture);
            if (Match(Quoted()) is { } quoted) return quoted.Trim('"');
            string word = Match(Word()) ?? throw Wrong();
            if (word is "true" or "false") return word == "true";
            if (word == "null") return null;
            if (word == "new") return Made(Match(Word()) is { } name ? TypeOf(name) : type);
            if (word == "double" && Take(".") && Match(Word()) == "PositiveInfinity") return double.PositiveInfinity;
            var owner = TypeOf(word);
            Need(Take("."));
            string member = Match(Word()) ?? throw Wrong();
            if (owner.IsEnum) return Enum.Parse(owner, member);
            if (!Take("(")) return owner.GetProperty(member, BindingFlags.Public | BindingFlags.Static)?.GetValue(null) ?? throw Wrong();
            return Call(owner.GetMethods(BindingFlags.Public | BindingFlags.Static).Where(method => method.Name == member), null);
        }

        private object Made(Type type)
        {
            Need(Take("("));
            object made = type.IsValueType ? Then(")", Activator.CreateInstance(type)!) : Call(type.GetConstructors(), type);
            if (!Take("{")) return made;
            while (!Take("}"))
            {
                var property = type.GetProperty(Match(Word()) ?? throw Wrong()) ?? throw Wrong();
                Need(Take("="));
                property.SetValue(made, Value(property.PropertyType));
                Take(",");
            }
            return made;
        }

        // The first candidate that takes as many values as there are; the rest of its parameters have defaults.
        private object Call(IEnumerable<MethodBase> candidates, Type? constructed)
        {
            int start = at;
            foreach (var candidate in candidates.OrderBy(method => method.GetParameters().Length))
            {
                at = start;
                var parameters = candidate.GetParameters();
                List<object?> values = [];
                while (!Take(")"))
                {
                    if (values.Count == parameters.Length) break;
                    values.Add(Value(parameters[values.Count].ParameterType));
                    Take(",");
                }
                if (text[at - 1] != ')' || !parameters.Skip(values.Count).All(parameter => parameter.HasDefaultValue)) continue;
                values.AddRange(parameters.Skip(values.Count).Select(parameter => parameter.DefaultValue));
                return constructed is not null ? ((ConstructorInfo)candidate).Invoke([.. values]) : candidate.Invoke(null, [.. values])!;
            }
            throw Wrong();
        }

        private T Then<T>(string end, T value)
        {
            Need(Take(end));
            return value;
        }

        private bool Take(string token)
        {
            Blanks();
            if (string.CompareOrdinal(text, at, token, 0, token.Length) != 0) return false;
            at += token.Length;
            return true;
        }

        private string? Match(Regex pattern)
        {
            Blanks();
            var match = pattern.Match(text, at);
            if (!match.Success) return null;
            at += match.Length;
            return match.Value;
        }

        private void Blanks()
        {
            while (at < text.Length && text[at] == ' ') at++;
        }

        private void Need(bool right)
        {
            if (!right) throw Wrong();
        }

        private ArgumentException Wrong() => new($"'{text}' is no value that a table of settings can say; reading stopped at place {at}.");
    }
}
