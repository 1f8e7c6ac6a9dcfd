using System.Text.Json;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A component that writes itself into model archives by hand: settings, parts and tensors. Most components do not need this: a
/// <see cref="ComponentAttribute"/> on the class is enough.
/// </summary>
public interface IComponent
{
    /// <summary>The name and version the component is written with, and the way it is read.</summary>
    ComponentType ComponentType { get; }

    /// <summary>Writes everything that <see cref="ComponentType.Load"/> needs to make an equal component.</summary>
    void Save(ComponentWriter writer);
}

/// <summary>
/// A kind of component, as named in model files. Only registered kinds are read: a file never causes code to be looked up by name.
/// </summary>
/// <param name="Name">A name that lasts, for instance <c>lorenz-96</c>.</param>
/// <param name="Version">The version this code writes; it reads this one and older ones.</param>
/// <param name="Load">Makes the component from the saved data.</param>
public sealed record ComponentType(string Name, int Version, Func<ComponentReader, object> Load)
{
    /// <summary>
    /// Turns the JSON of an older version (kind, version, settings, parts) into this version's; null if <see cref="Load"/> reads it as it
    /// is.
    /// </summary>
    public Action<JsonObject>? Upgrade { get; init; }

    /// <summary>The kind of a class that has a <see cref="ComponentAttribute"/>.</summary>
    /// <typeparam name="T">The class.</typeparam>
    /// <exception cref="ArgumentException">
    /// The class has no such attribute, or its constructor has a parameter without a matching member to write.
    /// </exception>
    public static ComponentType Of<T>() where T : class => ComponentLayout.Of(typeof(T)).Type;

    /// <summary>The kinds of classes that have a <see cref="ComponentAttribute"/>.</summary>
    /// <param name="classes">The classes.</param>
    /// <exception cref="ArgumentException">
    /// A class has no such attribute, or its constructor has a parameter without a matching member to write.
    /// </exception>
    public static IReadOnlyList<ComponentType> Of(params IEnumerable<Type> classes) =>
        [.. classes.Select(type => ComponentLayout.Of(type).Type)];

    /// <summary>The kind of a component; null for an object that is not a component.</summary>
    public static ComponentType? Find(object part) => part is IComponent component ? component.ComponentType
        : part.GetType().IsDefined(typeof(ComponentAttribute), false) ? ComponentLayout.Of(part.GetType()).Type : null;
}

/// <summary>The kinds of component that may be read.</summary>
public sealed class ComponentRegistry
{
    private readonly Dictionary<string, ComponentType> types = new(StringComparer.Ordinal);

    /// <summary>Creates a registry of these kinds.</summary>
    /// <exception cref="ArgumentException">Two kinds have the same name.</exception>
    public ComponentRegistry(params IEnumerable<ComponentType> types)
    {
        foreach (var type in types.Prepend(ComponentType.Of<TransformerChain>()))
            if (!this.types.TryAdd(type.Name, type) && this.types[type.Name] != type)
                throw new ArgumentException($"Two kinds of component are called '{type.Name}'.", nameof(types));
    }

    /// <summary>The kinds, by name.</summary>
    public IEnumerable<ComponentType> Types => types.Values;

    internal ComponentType Find(string name, string where) => types.TryGetValue(name, out var type) ? type
        : throw new ModelArchiveException(
            $"The model holds a component of kind '{name}' at {where}, which is not registered; registered are: " +
                $"{string.Join(", ", types.Keys.Order())}. " +
                                          "A third party's kind is registered through DataAssimilationOptions.Components.");
}

/// <summary>Records one component: settings as JSON, its parts below it, tensors by name.</summary>
public sealed class ComponentWriter
{
    private readonly string path;
    private readonly IDictionary<string, Tensor>? tensors;    // null if a component is only described
    private readonly JsonObject settings = [];
    private readonly JsonObject parts = [];

    private ComponentWriter(string path, IDictionary<string, Tensor>? tensors)
    {
        this.path = path;
        this.tensors = tensors;
    }

    /// <summary>Writes a setting: a number, a text, a truth value, a list or a record of these.</summary>
    public void Set<T>(string name, T value) => Set(name, value, typeof(T));

    internal void Set(string name, object? value, Type type) =>
        settings.Add(name, JsonSerializer.SerializeToNode(value, type, ModelArchive.SettingsFormat));

    /// <summary>Writes a tensor.</summary>
    public void Tensor(string name, Tensor value) => tensors?.Add(path + "/" + name, value);

    /// <summary>Writes the state of a random stream.</summary>
    public void Stream(string name, RandomStream stream) => Tensor(name, stream.Capture());

    /// <summary>Writes a part, itself a component.</summary>
    /// <exception cref="NotSupportedException">The part cannot be saved.</exception>
    public void Part(string name, object part) => parts.Add(name, Write(part, path + "/" + name, tensors));

    /// <summary>Writes a part that may be absent.</summary>
    /// <exception cref="NotSupportedException">The part cannot be saved.</exception>
    public void OptionalPart(string name, object? part)
    {
        if (part is not null) Part(name, part);
    }

    /// <summary>Writes all parameters and persistent buffers of a network, to the bit.</summary>
    /// <param name="network">The network.</param>
    public void Module(nn.Module network) => Module(network, []);

    internal void Module(nn.Module network, IReadOnlyList<string> others)
    {
        foreach (var (name, tensor) in network.state_dict())
            if (!ModuleTensors.IsOf(name, others)) Tensor(name, tensor.detach());
    }

    internal static JsonObject Write(object part, string path, IDictionary<string, Tensor>? tensors)
    {
        var type = ComponentType.Find(part);
        if (type is null)
            return tensors is null ? new JsonObject { ["class"] = part.GetType().Name }
                : throw new NotSupportedException(
                    $"The part at {path}, a {part.GetType().Name}, cannot be saved: its class has no [Component] and does not implement " +
                        $"{nameof(IComponent)}.");
        return Write(type.Name, type.Version, writer =>
        {
            if (part is IComponent component) component.Save(writer);
            else ComponentLayout.Of(part.GetType()).Save(part, writer);
        }, path, tensors);
    }

    internal static JsonObject Write(string kind, int version, Action<ComponentWriter> save,
        string path, IDictionary<string, Tensor>? tensors)
    {
        var writer = new ComponentWriter(path, tensors);
        save(writer);
        return new JsonObject
        {
            ["kind"] = kind,
            ["version"] = version,
            ["settings"] = writer.settings,
            ["parts"] = writer.parts,
        };
    }
}

/// <summary>Returns what a <see cref="ComponentWriter"/> recorded; whatever is missing or of another kind is refused by name.</summary>
public sealed class ComponentReader
{
    private readonly JsonObject node;
    private readonly string path;
    private readonly ComponentRegistry registry;
    private readonly IReadOnlyDictionary<string, Tensor> tensors;
    private readonly List<Tensor> loans = [];

    private ComponentReader(JsonObject node, string path, ComponentRegistry registry, DataAssimilationContext context,
        IReadOnlyDictionary<string, Tensor> tensors)
    {
        this.node = node;
        this.path = path;
        this.registry = registry;
        this.tensors = tensors;
        Context = context;
    }

    /// <summary>The context in which the component is made: its device, seed and precision are not part of a model.</summary>
    public DataAssimilationContext Context { get; }

    /// <summary>The version the component was written with; never newer than the code.</summary>
    public int Version { get; private init; }

    /// <summary>Reads a setting.</summary>
    /// <exception cref="ModelArchiveException">It is missing or cannot be read as <typeparamref name="T"/>.</exception>
    public T Get<T>(string name) => (T)Get(name, typeof(T));

    internal object Get(string name, Type type)
    {
        var value = Child("settings")[name] ?? throw Refuse($"the setting '{name}' is missing");
        try { return value.Deserialize(type, ModelArchive.SettingsFormat) ?? throw Refuse($"the setting '{name}' is empty"); }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException)
        {
            throw Refuse($"the setting '{name}' is {value.ToJsonString()}, which is not of type {type.Name}", e);
        }
    }

    /// <summary>Whether a setting of this name exists; older versions may not have written it.</summary>
    public bool Has(string name) => Child("settings").ContainsKey(name);

    /// <summary>Reads a count between 0 and a limit that protects the memory.</summary>
    public int Count(string name, int limit)
    {
        int value = Get<int>(name);
        return value >= 0 && value <= limit ? value : throw Refuse($"the count '{name}' is {value}; it must be between 0 and {limit}");
    }

    /// <summary>Reads a tensor to the context's device, as a copy that the caller owns.</summary>
    /// <exception cref="ModelArchiveException">It is missing.</exception>
    public Tensor Tensor(string name) =>
        tensors.TryGetValue(path + "/" + name, out var tensor) ? tensor.to(Context.Device, copy: true).DetachFromDisposeScope()
        : throw Refuse($"the tensor '{name}' is missing");

    /// <summary>Sets a random stream to the state that was written.</summary>
    /// <exception cref="ModelArchiveException">It is missing.</exception>
    public void Stream(string name, RandomStream stream)
    {
        using var state = Tensor(name);
        using var here = state.cpu();
        stream.Restore(here);
    }

    /// <summary>Reads a tensor for a constructor, which copies what it needs; <see cref="EndLoans"/> disposes it.</summary>
    internal Tensor Loan(string name)
    {
        var tensor = Tensor(name);
        loans.Add(tensor);
        return tensor;
    }

    internal void EndLoans()
    {
        foreach (var tensor in loans) tensor.Dispose();
        loans.Clear();
    }

    /// <summary>
    /// Gives a network the parameters and buffers that <see cref="ComponentWriter.Module(nn.Module)"/> wrote; they outlive the scope in
    /// which they are read.
    /// </summary>
    /// <param name="network">A network of the same architecture, on the context's device.</param>
    /// <param name="savedName">
    /// The name under which a tensor of the network was written, if an older version used another; null = its own.
    /// </param>
    /// <exception cref="ModelArchiveException">A tensor is missing.</exception>
    /// <exception cref="ArgumentException">A tensor has another shape or type than the network needs.</exception>
    public void LoadInto(nn.Module network, Func<string, string>? savedName = null) => LoadInto(network, [], savedName);

    internal void LoadInto(nn.Module network, IReadOnlyList<string> others, Func<string, string>? savedName = null)
    {
        ModuleTensors.Assign(network, name =>
        {
            EndLoans();
            return ModuleTensors.IsOf(name, others) ? null : Loan(savedName?.Invoke(name) ?? name);
        });
        EndLoans();
        ModuleTensors.Keep(network);
    }

    /// <summary>Reads a part.</summary>
    /// <exception cref="ModelArchiveException">It is missing, of an unregistered kind, or not a <typeparamref name="T"/>.</exception>
    public T Part<T>(string name) where T : class => (T)Part(name, typeof(T));

    internal object Part(string name, Type type)
    {
        if (Child("parts")[name] is not JsonObject part) throw Refuse($"the part '{name}' is missing");
        var component = Read(part, path + "/" + name, registry, Context, tensors);
        return component.GetType().IsAssignableTo(type)
            ? component : throw Refuse($"the part '{name}' is a {component.GetType().Name}, not a {type.Name}");
    }

    /// <summary>Reads a part; null if none of this name was written.</summary>
    /// <exception cref="ModelArchiveException">It is of an unregistered kind, or not a <typeparamref name="T"/>.</exception>
    public T? OptionalPart<T>(string name) where T : class => HasPart(name) ? Part<T>(name) : null;

    /// <summary>Whether a part of this name exists.</summary>
    public bool HasPart(string name) => Child("parts").ContainsKey(name);

    internal static object Read(JsonObject node, string path, ComponentRegistry registry, DataAssimilationContext context,
        IReadOnlyDictionary<string, Tensor> tensors)
    {
        if (path.Length > 4096) throw new ModelArchiveException("The model's parts are nested too deeply.");
        string kind = Field<string>(node, "kind", path);
        int version = Field<int>(node, "version", path);
        var type = registry.Find(kind, path);
        if (version < 1 || version > type.Version)
            throw new ModelArchiveException(
                $"The component '{kind}' at {path} was written in version {version}; this program reads versions 1 to {type.Version}. A " +
                    $"newer DaML is needed.");
        if (version < type.Version) type.Upgrade?.Invoke(node);
        var reader = new ComponentReader(node, path, registry, context, tensors) { Version = version };
        try { return type.Load(reader); }
        catch (Exception e) when (e is not (ModelArchiveException or OutOfMemoryException))
        {
            throw new ModelArchiveException($"The component '{kind}' at {path} cannot be made with its settings: {e.Message}", e);
        }
    }

    private JsonObject Child(string name) => node[name] as JsonObject ?? throw Refuse($"its '{name}' are missing");

    private static T Field<T>(JsonObject node, string name, string path)
    {
        if (node[name] is JsonValue value && value.TryGetValue(out T? result) && result is not null) return result;
        throw new ModelArchiveException($"The component at {path} has no '{name}', or one of another type.");
    }

    private ModelArchiveException Refuse(string why, Exception? inner = null) =>
        new($"The component at {path} cannot be read: {why}.", inner);
}
