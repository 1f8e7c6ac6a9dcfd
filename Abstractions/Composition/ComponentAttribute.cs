namespace DaML.Components;

/// <summary>
/// Declares a class as a component that model archives hold. What is written follows from its constructor, the one marked with
/// <see cref="SavedAttribute"/>, or else the only one, or else the only public one. Each parameter has a property (case aside) or
/// field of its name, or of its name in files, which gives the value to write; the declared type says how:
/// <list type="bullet">
/// <item>a tensor as a tensor; the constructor copies what it keeps, since the one it is given is disposed afterwards;</item>
/// <item>an interface, an abstract class or a component as a part, itself a component;</item>
/// <item>a list of these as their number and the parts, numbered from zero;</item>
/// <item>anything else as a setting, in JSON;</item>
/// <item>a context or a device not at all: the reader's is used.</item>
/// </list>
/// A property or field that may be null is left out where it is null; for a tensor, a setting <c>hasName</c> tells. Properties marked
/// with <see cref="SavedAttribute"/> are set after the constructor has run. A module of TorchSharp also keeps its parameters and
/// buffers, except for those of its parts. What keeps more implements <see cref="IComponentState"/>; what cannot be said
/// so implements <see cref="IComponent"/> instead.
/// </summary>
/// <param name="name">A name that lasts, for instance <c>lorenz-96</c>. Generic classes add their memory's name in parentheses.</param>
/// <param name="version">The version this code writes; it reads this one and older.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ComponentAttribute(string name, int version = 1) : Attribute
{
    /// <summary>The name of the kind in files.</summary>
    public string Name => name;

    /// <summary>The version this code writes.</summary>
    public int Version => version;
}

/// <summary>
/// Marks the constructor by which a component is read, a property that is written and set beside it, or says how a parameter or
/// property is called in files.
/// </summary>
/// <param name="name">The name in files (default: the member's own, in camel case).</param>
[AttributeUsage(AttributeTargets.Constructor | AttributeTargets.Parameter | AttributeTargets.Property)]
public sealed class SavedAttribute(string? name = null) : Attribute
{
    /// <summary>The name in files; null for the member's own.</summary>
    public string? Name => name;

    /// <summary>The version of the component that first wrote it; files of older versions get the default value (default: 1).</summary>
    public int Since { get; init; } = 1;
}

/// <summary>
/// Says of a parameter that it is a record whose members are written among the component's own, instead of as one setting: the
/// parameters of its constructor, or, where that has none, its init properties. Of one that may be null, a setting of its name says
/// whether it is there.
/// </summary>
[AttributeUsage(AttributeTargets.Parameter | AttributeTargets.Property)]
public sealed class InlinedAttribute : Attribute;

/// <summary>Says of a parameter that it is not written; a component that is read gets the parameter's default value.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class NotSavedAttribute : Attribute;

/// <summary>A component that keeps something which its constructor does not take, or that is made ready after it was read.</summary>
public interface IComponentState
{
    /// <summary>Writes it, after all that follows from the constructor (default: nothing).</summary>
    void Save(ComponentWriter writer) { }

    /// <summary>Reads it, after the constructor has run and a module has its weights (default: nothing).</summary>
    void Load(ComponentReader reader) { }
}
