using System.Collections.Concurrent;
using System.Reflection;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>The instance fields of a module type that can hold a component, its own before those of its base classes, found once per type.</summary>
internal static class ModuleFields
{
    internal readonly record struct Component(FieldInfo Field, string Name);

    private static readonly ConcurrentDictionary<Type, Component[]> Cache = new();

    internal static Component[] Of(Type type) => Cache.GetOrAdd(type, Find);

    private static Component[] Find(Type type)
    {
        var components = new List<Component>();
        for (var t = type; t is not null && t != typeof(nn.Module) && t != typeof(object); t = t.BaseType)
        {
            const BindingFlags declared =
                BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
            var here = t.GetFields(declared)
                .Where(f => CanHoldComponent(f.FieldType))
                .Select(f => new Component(f, f.GetCustomAttribute<ComponentNameAttribute>()?.Name ?? f.Name));
            components.AddRange(here);
        }
        return [.. components];
    }

    // A field typed as an interface or as object may hold a component too.
    private static bool CanHoldComponent(Type t) =>
        typeof(nn.Module).IsAssignableFrom(t) || typeof(Tensor).IsAssignableFrom(t) || t.IsInterface || t == typeof(object);

    /// <summary>Sets every field of <paramref name="module"/> that refers to <paramref name="before"/> to <paramref name="after"/>.</summary>
    internal static void Replace(nn.Module module, Tensor before, Tensor after)
    {
        foreach (var (field, _) in Of(module.GetType()))
        {
            if (ReferenceEquals(field.GetValue(module), before)) field.SetValue(module, after);
        }
    }
}
