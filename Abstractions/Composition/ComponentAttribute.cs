namespace DaML.Components;

/// <summary>
/// Declares a class as a component that model archives hold. Its constructor determines what is written: the one marked with
/// <see cref="SavedAttribute"/>, or else the only one, or else the only public one. Each parameter has a property or field of its name
/// (case aside), or of its name in files, which gives the value to write. The declared type determines the form:
/// <list type="bullet">
/// <item>a tensor is written as a tensor; the constructor copies what it keeps, because the given tensor is disposed afterwards;</item>
/// <item>an interface, an abstract class or a component is written as a part, itself a component;</item>
/// <item>a list of these is written as their number and the parts, numbered from zero;</item>
/// <item>anything else is written as a setting, in JSON;</item>
/// <item>a context or a device is not written: the reader's is used.</item>
/// </list>
/// A property or field that may be null is left out if it is null; for a tensor, a setting <c>hasName</c> says so. Properties marked with
/// <see cref="SavedAttribute"/> are set after the constructor has run; for a record whose constructor takes nothing, these are all its
/// public init properties. A module of TorchSharp also keeps its parameters and buffers,
/// except for those of its parts. A class that keeps more implements <see cref="IComponentState"/>; one that cannot be declared this way
/// implements <see cref="IComponent"/> instead.
/// </summary>
/// <param name="name">A name that lasts, for instance <c>lorenz-96</c>. Generic classes add their memory's name in parentheses.</param>
/// <param name="version">The version this code writes; it reads this one and older ones.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false, AllowMultiple = true)]
public sealed class ComponentAttribute(string name, int version = 1) : Attribute
{
    /// <summary>The name of the kind in files.</summary>
    public string Name => name;

    /// <summary>The version this code writes.</summary>
    public int Version => version;

    /// <summary>
    /// The memory for which a generic class has this name, as it stands: such a class declares a name for each memory it may have
    /// (default: null, any memory).
    /// </summary>
    public Type? Memory { get; init; }
}

/// <summary>
/// Marks the constructor by which a component is read, or a property that is written and set in addition; or names a parameter or
/// property in files.
/// </summary>
/// <param name="name">The name in files (default: the member's own, in camel case).</param>
[AttributeUsage(AttributeTargets.Constructor | AttributeTargets.Parameter | AttributeTargets.Property)]
public sealed class SavedAttribute(string? name = null) : Attribute
{
    /// <summary>The name in files; null for the member's own.</summary>
    public string? Name => name;

    /// <summary>
    /// The version of the component that first wrote the member; for files of older versions it gets its default value (default: 1).
    /// </summary>
    public int Since { get; init; } = 1;
}

/// <summary>
/// Marks a parameter that is a record whose members are written among the component's own, instead of as one setting: the parameters of
/// the record's constructor or, if that has none, its init properties. If the record may be null, a setting of its name says whether it
/// is present.
/// </summary>
[AttributeUsage(AttributeTargets.Parameter | AttributeTargets.Property)]
public sealed class InlinedAttribute : Attribute;

/// <summary>Marks a parameter, or a record's property, that is not written; when a component is read, it has its default value.</summary>
[AttributeUsage(AttributeTargets.Parameter | AttributeTargets.Property)]
public sealed class NotSavedAttribute : Attribute;

/// <summary>A component that keeps state which its constructor does not take, or that needs preparation after it was read.</summary>
public interface IComponentState
{
    /// <summary>Writes the state, after everything that follows from the constructor (default: nothing).</summary>
    void Save(ComponentWriter writer) { }

    /// <summary>Reads the state, after the constructor has run and a module has its weights (default: nothing).</summary>
    void Load(ComponentReader reader) { }
}
