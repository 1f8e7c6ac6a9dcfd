using System.Collections.Concurrent;
using System.Reflection;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The way the components of one class with a <see cref="ComponentAttribute"/> are written and read, determined once.</summary>
internal sealed class ComponentLayout
{
    private static readonly ConcurrentDictionary<Type, ComponentLayout> Layouts = new();

    private readonly ComponentMembers members;
    private readonly bool isModule;

    private ComponentLayout(Type type)
    {
        var declared = type.GetCustomAttributes<ComponentAttribute>(inherit: false)
            .SingleOrDefault(one => one.Memory is null || type.GenericTypeArguments.Contains(one.Memory))
            ?? throw new ArgumentException($"{type.Name} is not a component: the class has no [Component].", nameof(type));
        members = new ComponentMembers(type, declared.Version);
        isModule = type.IsAssignableTo(typeof(nn.Module));
        Type = new(type.IsGenericType && declared.Memory is null ? $"{declared.Name}({Arguments(type)})" : declared.Name,
            declared.Version, Load);
    }

    /// <summary>The name and version these components are written with, and the way they are read.</summary>
    public ComponentType Type { get; }

    /// <exception cref="ArgumentException">
    /// The class has no <see cref="ComponentAttribute"/>, or has a parameter without a matching member.
    /// </exception>
    public static ComponentLayout Of(Type type) => Layouts.GetOrAdd(type, type => new ComponentLayout(type));

    /// <summary>Writes a component of this class.</summary>
    public void Save(object component, ComponentWriter writer)
    {
        members.Save(component, writer);
        if (isModule) writer.Module((nn.Module)component, members.Names);
        if (component is IComponentState state) state.Save(writer);
    }

    private object Load(ComponentReader reader)
    {
        object component;
        try { component = members.Make(reader); }
        finally { reader.EndLoans(); }
        if (isModule) reader.LoadInto((nn.Module)component, members.Names);
        if (component is IComponentState state) state.Load(reader);
        return component;
    }

    private static string Arguments(Type type) => string.Join(", ", type.GetGenericArguments()
        .Select(argument => argument.IsGenericType
            ? $"{argument.Name[..argument.Name.IndexOf('`')]}({Arguments(argument)})" : argument.Name));
}

