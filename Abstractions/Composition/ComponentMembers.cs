using System.Collections;
using System.Reflection;
using System.Text.Json;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The members that are written of a component, or of a record among its settings: the parameters of its constructor, and properties
/// beside them.
/// </summary>
internal sealed class ComponentMembers
{
    private const BindingFlags Own = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
    private const int MostParts = 1000;

    private readonly Type type;
    private readonly int version;
    private readonly ConstructorInfo constructor;
    private readonly Member[] arguments;
    private readonly (PropertyInfo Property, Member Member)[] properties;
    private readonly List<string> names = [];
    private readonly NullabilityInfoContext nullability = new();

    /// <summary>Determines the members.</summary>
    /// <param name="type">The class.</param>
    /// <param name="version">
    /// The version that the component writes. A member that its base class has since a later version of its own has always been written.
    /// </param>
    /// <param name="isInlined">
    /// Whether it is a class among the settings: all its init properties count, as those of a record do, not only the marked ones.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The constructor is ambiguous, or a parameter has no matching member; the message names it.
    /// </exception>
    public ComponentMembers(Type type, int version, bool isInlined = false)
    {
        (this.type, this.version) = (type, version);
        constructor = ConstructorOf(type);
        arguments = [.. constructor.GetParameters().Select(Of)];
        // Records, and only they, have this method.
        bool all = (isInlined || type.GetMethod("<Clone>$") is not null) && arguments.Length == 0;
        properties = [.. Ancestry(type).Reverse().SelectMany(ancestor => ancestor.GetProperties(Own))
            .Where(property => property.IsDefined(typeof(SavedAttribute))
                || (all && property is { CanWrite: true, GetMethod.IsPublic: true }
                    && !property.IsDefined(typeof(NotSavedAttribute))))
            .Select(property => (property, Of(property)))];
    }

    /// <summary>The names of the parts and tensors.</summary>
    public IReadOnlyList<string> Names => names;

    /// <summary>Writes the members.</summary>
    public void Save(object owner, ComponentWriter writer)
    {
        foreach (var member in arguments) member.Form.Save(member.ValueOf(owner), writer);
        foreach (var (_, member) in properties) member.Form.Save(member.ValueOf(owner), writer);
    }

    /// <summary>Makes an object from the members.</summary>
    public object Make(ComponentReader reader)
    {
        object?[] values = [.. arguments.Select(member => reader.Version < member.Since ? member.Default : member.Form.Load(reader))];
        var made = constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, values, null);
        foreach (var (property, member) in properties)
            if (reader.Version >= member.Since)
                property.SetValue(made, member.Form.Load(reader), BindingFlags.DoNotWrapExceptions, null, null, null);
        return made;
    }

    private static ConstructorInfo ConstructorOf(Type type)
    {
        if (type.IsAbstract) throw new ArgumentException(
            $"{type.Name} cannot be a component: it is abstract. Register the classes that derive from it.");
        // A record's copy constructor takes the record itself.
        var all = type.GetConstructors(Own).Where(one => one.GetParameters() is not [var only] || only.ParameterType != type).ToList();
        return all.SingleOrDefault(one => one.IsDefined(typeof(SavedAttribute)))
            ?? (all is [var sole] ? sole : all.Where(one => one.IsPublic).ToList() is [var open] ? open
            : throw new ArgumentException(
                $"{type.Name} has {all.Count} constructors, and none is marked as the one that reads it; mark that one with [Saved]."));
    }

    private Member Of(ParameterInfo parameter)
    {
        if (parameter.ParameterType == typeof(DataAssimilationContext)) return Member.Unwritten(reader => reader.Context);
        if (parameter.ParameterType == typeof(Device)) return Member.Unwritten(reader => reader.Context.Device);
        if (!parameter.HasDefaultValue && (parameter.IsDefined(typeof(NotSavedAttribute))
            || parameter.GetCustomAttribute<SavedAttribute>()?.Since > 1))
            throw new ArgumentException(
                $"{type.Name} cannot be a component: its constructor's parameter '{parameter.Name}' has no default value, and not " +
                "every file has a value for it. Give it a default.");
        if (parameter.IsDefined(typeof(NotSavedAttribute))) return Member.Unwritten(_ => parameter.DefaultValue);
        // The compiler keeps a primary constructor's parameter in a field of this name if the class uses it later.
        string captured = $"<{parameter.Name}>P";
        foreach (string? name in (string?[])[parameter.Name, parameter.GetCustomAttribute<SavedAttribute>()?.Name])
            foreach (var ancestor in Ancestry(type))
            {
                foreach (var property in ancestor.GetProperties(Own))
                    if (property.CanRead && property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)
                        && Fits(property.PropertyType, parameter.ParameterType))
                        return Of(parameter, parameter.Name, parameter.ParameterType, ValueOf(property), nullability.Create(property),
                            parameter.DefaultValue);
                foreach (var field in ancestor.GetFields(Own))
                    if ((field.Name == name || field.Name == captured) && Fits(field.FieldType, parameter.ParameterType))
                        return Of(parameter, parameter.Name, parameter.ParameterType, field.GetValue,
                            field.Name == captured ? nullability.Create(parameter) : nullability.Create(field), parameter.DefaultValue);
            }
        throw new ArgumentException(
            $"{type.Name} cannot be a component: its constructor's parameter '{parameter.Name}' ({parameter.ParameterType.Name}) has " +
            $"no property or field of the same name and type, so its value cannot be saved. Add one, or implement {nameof(IComponent)}.");
    }

    private static Func<object, object?> ValueOf(PropertyInfo property) =>
        owner => property.GetValue(owner, BindingFlags.DoNotWrapExceptions, null, null, null);

    private Member Of(PropertyInfo property) => property.CanWrite
        ? Of(property, property.Name, property.PropertyType, ValueOf(property), nullability.Create(property))
        : throw new ArgumentException(
            $"{type.Name} cannot be a component: its property '{property.Name}' is marked with [Saved] but cannot be set. Give it an " +
                "init accessor.");

    private Member Of(ICustomAttributeProvider declared, string? name, Type type, Func<object, object?> valueOf,
        NullabilityInfo nullability, object? otherwise = null)
    {
        var saved = declared.GetCustomAttributes(typeof(SavedAttribute), false).Cast<SavedAttribute>().SingleOrDefault();
        bool isOptional = nullability.ReadState == NullabilityState.Nullable;
        string written = saved?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(name!);
        var form = declared.IsDefined(typeof(InlinedAttribute), false)
            ? Inlined(type, isOptional ? written : null) : FormOf(written, type, isOptional);
        return new(valueOf, form, Math.Min(saved?.Since ?? 1, version), otherwise);
    }

    // A record that may be absent has a setting that says whether it is present.
    private Form Inlined(Type type, string? flag)
    {
        var record = new ComponentMembers(type, version, isInlined: true);
        names.AddRange(record.names);
        return new((value, writer) =>
        {
            if (flag is not null) writer.Set(flag, value is not null);
            if (value is not null) record.Save(value, writer);
        }, reader => flag is null || reader.Get<bool>(flag) ? record.Make(reader) : null);
    }

    private Form FormOf(string name, Type type, bool isOptional)
    {
        if (type == typeof(Tensor) || IsPart(type)) names.Add(name);
        if (type == typeof(Tensor)) return isOptional ? OptionalTensor(name)
            : new((value, writer) => writer.Tensor(name, (Tensor)value!), reader => reader.Loan(name));
        if (IsPart(type)) return new((value, writer) =>
        {
            if (value is not null || !isOptional) writer.Part(name, value!);
        }, reader => isOptional && !reader.HasPart(name) ? null : reader.Part(name, type));
        if (ElementOf(type) is { } element && IsPart(element)) return ListOfParts(name, element);
        // By reflection: third parties' types are settings too, and a source-generated context would list DaML's own a second time.
        return new((value, writer) =>
        {
            if (value is not null || !isOptional) writer.Set(name, value, type);
        }, reader => isOptional && !reader.Has(name) ? null : reader.Get(name, type));
    }

    private static Form OptionalTensor(string name)
    {
        string flag = "has" + char.ToUpperInvariant(name[0]) + name[1..];
        return new((value, writer) =>
        {
            writer.Set(flag, value is not null);
            if (value is Tensor tensor) writer.Tensor(name, tensor);
        }, reader => reader.Get<bool>(flag) ? reader.Loan(name) : null);
    }

    private static Form ListOfParts(string name, Type element)
    {
        string each = name.EndsWith('s') ? name[..^1] : name;
        return new((value, writer) =>
        {
            object[] all = [.. ((IEnumerable)value!).Cast<object>()];
            writer.Set(name, all.Length);
            for (int i = 0; i < all.Length; i++) writer.Part($"{each}{i}", all[i]);
        }, reader =>
        {
            var all = Array.CreateInstance(element, reader.Count(name, MostParts));
            for (int i = 0; i < all.Length; i++) all.SetValue(reader.Part($"{each}{i}", element), i);
            return all;
        });
    }

    private static bool IsPart(Type type) => type.IsAssignableTo(typeof(IComponent)) || type.IsDefined(typeof(ComponentAttribute), false)
        || (type.IsAbstract && ElementOf(type) is null);   // interfaces are abstract too

    private static Type? ElementOf(Type type) => type == typeof(string) ? null
        : type.GetInterfaces().Prepend(type)
            .FirstOrDefault(one => one.IsGenericType && one.GetGenericTypeDefinition() == typeof(IEnumerable<>))
            ?.GetGenericArguments()[0];

    private static bool Fits(Type given, Type needed) => given.IsAssignableTo(needed) || Nullable.GetUnderlyingType(needed) == given
        || (ElementOf(needed) is { } element && ElementOf(given) == element);

    private static IEnumerable<Type> Ancestry(Type type)
    {
        for (var ancestor = type; ancestor is not null; ancestor = ancestor.BaseType) yield return ancestor;
    }

    /// <summary>The way a value is written and read.</summary>
    private sealed record Form(Action<object?, ComponentWriter> Save, Func<ComponentReader, object?> Load);

    /// <summary>
    /// A member: how its value is obtained, how it is written, the version that first wrote it, and its value in older files.
    /// </summary>
    private sealed record Member(Func<object, object?> ValueOf, Form Form, int Since, object? Default)
    {
        public static Member Unwritten(Func<ComponentReader, object?> load) => new(_ => null, new((_, _) => { }, load), 1, null);
    }
}
