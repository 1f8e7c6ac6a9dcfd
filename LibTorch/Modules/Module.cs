using System.Text;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

public static partial class torch
{
    /// <summary>Neural networks: modules, layers, losses.</summary>
    public static partial class nn
    {
        /// <summary>
        /// The base of every neural network and layer: a tree of modules, each with named parameters (learned) and
        /// buffers (kept, not learned).
        /// </summary>
        /// <remarks>
        /// A module's constructor assigns its parts to fields and calls <see cref="RegisterComponents"/>, which finds
        /// them by reflection; a list of modules belongs in a <c>ModuleList</c>, an array is not looked into.
        /// </remarks>
        public class Module : IDisposable
        {
            protected DeviceType _deviceType = DeviceType.CPU;
            protected int _deviceIndex = -1;
            protected OrderedDict<string, Module> _internal_submodules = new();
            protected OrderedDict<string, (Tensor, bool)> _internal_buffers = new();
            protected OrderedDict<string, Parameter> _internal_params = new();
            protected string? name;

            private bool _training = true;
            private bool _componentsRegistered;
            private bool _disposed;

            /// <summary>A module that is called <paramref name="name"/>, with no parts yet.</summary>
            /// <param name="name">The name <see cref="GetName"/> reports.</param>
            protected Module(string name) => this.name = name;

            // ---- names and mode ----

            public virtual string GetName() => name ?? GetType().Name;

            /// <summary>Whether the module behaves as in training (dropout active, batch norm of the batch's own statistics).</summary>
            public virtual bool training => _training;

            public virtual void train(bool train = true)
            {
                _training = train;
                foreach (var (_, child) in named_children()) child.train(train);
            }

            public virtual void eval() => train(false);

            public virtual Module apply(Action<Module> fn)
            {
                foreach (var (_, child) in named_children()) child.apply(fn);
                fn(this);
                return this;
            }

            public virtual void zero_grad(bool set_to_none = true)
            {
                foreach (var p in parameters())
                {
                    using var grad = p.grad;
                    if (grad is null) continue;
                    if (set_to_none) p.grad = null;
                    else
                    {
                        using var detached = grad.detach();
                        using var zeroed = detached.zero_();
                    }
                }
            }

            // ---- registration ----

            /// <summary>Registers what the fields of this module hold, base classes included: modules, parameters, and other tensors as buffers.</summary>
            /// <remarks>Runs once. Names already registered are left as they are.</remarks>
            protected virtual void RegisterComponents()
            {
                if (_componentsRegistered) return;
                _componentsRegistered = true;
                foreach (var (field, component) in ModuleFields.Of(GetType()))
                {
                    if (_internal_submodules.ContainsKey(component) || _internal_params.ContainsKey(component) || _internal_buffers.ContainsKey(component)) continue;
                    switch (field.GetValue(this))
                    {
                        case Module m:
                            register_module(component, m);
                            break;
                        case Modules.Parameter p:
                            register_parameter(component, p);
                            break;
                        case Tensor t:
                            register_buffer(component, t);
                            break;
                    }
                }
            }

            public virtual void register_module(string name, Module submodule)
            {
                if (submodule is null)
                {
                    _internal_submodules.Remove(name);
                    return;
                }
                CheckName("module", name);
                if (_internal_submodules.ContainsKey(name)) throw new InvalidOperationException($"Sub-module {name} is already registered.");
                submodule.RegisterComponents();
                _internal_submodules.Add(name, submodule);
            }

            public void add_module(string name, Module module) => register_module(name, module);

            public virtual void register_parameter(string name, Parameter param)
            {
                ArgumentNullException.ThrowIfNull(param);
                CheckName("parameter", name);
                if (_internal_params.ContainsKey(name)) throw new InvalidOperationException($"Parameter {name} is already registered.");
                _internal_params.Add(name, param);
            }

            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                ArgumentNullException.ThrowIfNull(tensor);
                CheckName("buffer", name);
                if (_internal_buffers.ContainsKey(name)) throw new InvalidOperationException($"Tensor {name} is already registered.");
                _internal_buffers.Add(name, (tensor, persistent));
            }

            private static void CheckName(string kind, string name)
            {
                if (string.IsNullOrEmpty(name)) throw new ArgumentException($"{kind} name can't be empty string \"\"");
                if (name.Contains('.')) throw new ArgumentException($"{kind} name can't contain \".\", got: {name}");
            }

            protected void ClearModules() => _internal_submodules.Clear();

            protected void ConditionallyRegisterParameter(string name, Tensor value) =>
                ConditionallyRegisterParameter(name, value as Parameter);

            protected void ConditionallyRegisterParameter(string name, Parameter? value)
            {
                if (value is null) _internal_params.Remove(name);
                else _internal_params[name] = value;
            }

            protected void ConditionallyRegisterBuffer(string name, Tensor? value, bool persistent = true)
            {
                if (value is null)
                {
                    _internal_buffers.Remove(name);
                    return;
                }
                if (_internal_buffers.TryGetValue(name, out var old)) persistent = old.Item2;
                _internal_buffers[name] = (value, persistent);
            }

            // ---- walking the tree ----

            public virtual IEnumerable<(string name, Module module)> named_children()
            {
                foreach (var (n, m) in _internal_submodules) yield return (n, m);
            }

            public virtual IEnumerable<Module> children()
            {
                foreach (var (_, m) in named_children()) yield return m;
            }

            public virtual IEnumerable<(string name, Module module)> named_modules()
            {
                foreach (var (n, m) in named_children()) yield return (n, m);
                foreach (var (n, m) in named_children())
                {
                    foreach (var (sub, sm) in m.named_modules()) yield return ($"{n}.{sub}", sm);
                }
            }

            public virtual IEnumerable<Module> modules()
            {
                foreach (var (_, m) in named_modules()) yield return m;
            }

            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                var seen = new HashSet<nint>();
                foreach (var (n, p) in _internal_params)
                {
                    if (!p.IsInvalid && seen.Add(p.Handle)) yield return (n, p);
                }
                if (!recurse) yield break;
                foreach (var (prefix, child) in named_children())
                {
                    foreach (var (n, p) in child.named_parameters(true))
                    {
                        if (seen.Add(p.Handle)) yield return ($"{prefix}.{n}", p);
                    }
                }
            }

            public virtual IEnumerable<Parameter> parameters(bool recurse = true)
            {
                foreach (var (_, p) in named_parameters(recurse)) yield return p;
            }

            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
            {
                var seen = new HashSet<nint>();
                foreach (var (n, (buffer, persistent)) in _internal_buffers)
                {
                    if (!buffer.IsInvalid && (persistent || include_nonpersistent) && seen.Add(buffer.Handle)) yield return (n, buffer);
                }
                if (!recurse) yield break;
                foreach (var (prefix, child) in named_children())
                {
                    foreach (var (n, buffer) in child.named_buffers(true, include_nonpersistent))
                    {
                        if (seen.Add(buffer.Handle)) yield return ($"{prefix}.{n}", buffer);
                    }
                }
            }

            public virtual IEnumerable<Tensor> buffers(bool recurse = true, bool include_nonpersistent = true)
            {
                foreach (var (_, b) in named_buffers(recurse, include_nonpersistent)) yield return b;
            }

            protected virtual Parameter[] _parameters(bool recurse = true) => [.. parameters(recurse)];
            protected virtual (string name, Parameter parameter)[] _named_parameters() => [.. named_parameters()];
            protected virtual (string name, Tensor buffer)[] _named_buffers() => [.. named_buffers()];

            public virtual bool has_parameter(string target) => Descend(target, out var m, out var leaf) && m._internal_params.ContainsKey(leaf);

            public virtual Parameter? get_parameter(string target) =>
                Descend(target, out var m, out var leaf) && m._internal_params.TryGetValue(leaf, out var p) ? p : null;

            public virtual bool has_buffer(string target) => Descend(target, out var m, out var leaf) && m._internal_buffers.ContainsKey(leaf);

            public virtual Tensor? get_buffer(string target) =>
                Descend(target, out var m, out var leaf) && m._internal_buffers.TryGetValue(leaf, out var b) ? b.Item1 : null;

            private bool Descend(string target, out Module owner, out string leaf)
            {
                ArgumentNullException.ThrowIfNull(target);
                owner = this;
                var path = target.Split('.');
                leaf = path[^1];
                foreach (var step in path.AsSpan(0, path.Length - 1))
                {
                    var next = owner.named_children().FirstOrDefault(c => c.name == step).module;
                    if (next is null) return false;
                    owner = next;
                }
                return true;
            }

            // ---- device and element type ----

            protected internal virtual Module _to(Device device, ScalarType dtype, bool non_blocking)
            {
                CheckTarget(dtype);
                CheckTarget(device.type);
                _toEpilog(device, dtype, non_blocking);
                return this;
            }

            protected internal virtual Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking)
            {
                CheckTarget(deviceType);
                _toEpilog(deviceType, deviceIndex, non_blocking);
                return this;
            }

            protected internal virtual Module _to(ScalarType dtype, bool non_blocking)
            {
                CheckTarget(dtype);
                _toEpilog(dtype, non_blocking);
                return this;
            }

            protected internal Module _to(Tensor other, bool non_blocking) => _to(other.device, other.dtype, non_blocking);

            private static void CheckTarget(ScalarType dtype)
            {
                if (!is_floating_point(dtype) && !is_complex(dtype))
                {
                    throw new ArgumentException($"nn.Module.to only accepts floating point or complex types, but got desired dtype={dtype}");
                }
            }

            private static void CheckTarget(DeviceType deviceType)
            {
                if (deviceType == DeviceType.CUDA && !cuda.is_available()) throw new InvalidOperationException("CUDA is not available.");
            }

            protected void _toEpilog(ScalarType dtype, bool non_blocking) => _toEpilog(dtype, null, non_blocking);
            protected void _toEpilog(Device device, ScalarType dtype, bool non_blocking) => _toEpilog(dtype, device, non_blocking);
            protected void _toEpilog(DeviceType deviceType, int deviceIndex, bool non_blocking) =>
                _toEpilog(null, new Device(deviceType, deviceIndex), non_blocking);

            protected virtual void _toEpilog(ScalarType? dtype, Device? device, bool non_blocking)
            {
                foreach (var (_, child) in named_children())
                {
                    if (device is null) child._to(dtype!.Value, non_blocking);
                    else if (dtype is null) child._to(device.type, device.index, non_blocking);
                    else child._to(device, dtype.Value, non_blocking);
                }
                foreach (var (n, before) in named_parameters(false).ToList())
                {
                    if (!ReplaceParameter(dtype, device, before, out var after)) continue;
                    ConditionallyRegisterParameter(n, after!);
                    ModuleFields.Replace(this, before, after!);
                    before.Dispose();
                }
                foreach (var (n, before) in named_buffers(false).ToList())
                {
                    if (!ReplaceBuffer(dtype, device, before, out var after)) continue;
                    ConditionallyRegisterBuffer(n, after!);
                    ModuleFields.Replace(this, before, after!);
                    before.Dispose();
                }
                if (device is not null)
                {
                    _deviceType = device.type;
                    _deviceIndex = device.index;
                }
            }

            /// <summary>The parameter as it must be for the target, and whether it differs from what it is; the gradient travels along.</summary>
            protected static bool ReplaceParameter(ScalarType? dtype, Device? device, Parameter param, out Parameter? p)
            {
                p = null;
                if (!Differs(dtype, device, param, out var type, out var place)) return false;
                using (no_grad())
                {
                    p = new Parameter(Copied(param, type, place), param.requires_grad);
                    p.DetachFromDisposeScope();
                    using var grad = param.grad;
                    if (grad is not null)
                    {
                        using var moved = Copied(grad, type, place);
                        p.grad = moved;
                    }
                }
                return true;
            }

            protected static bool ReplaceBuffer(ScalarType? dtype, Device? device, Tensor buffer, out Tensor? result)
            {
                result = null;
                if (!Differs(dtype, device, buffer, out var type, out var place)) return false;
                using (no_grad())
                {
                    result = Copied(buffer, type, place);
                    result.DetachFromDisposeScope();
                }
                return true;
            }

            private static Tensor Copied(Tensor t, ScalarType type, Device place) => t.to(type, place);

            private static bool Differs(ScalarType? dtype, Device? device, Tensor t, out ScalarType type, out Device place)
            {
                type = dtype is { } asked && (is_floating_point(t.dtype) || is_complex(t.dtype)) ? asked : t.dtype;
                place = device ?? t.device;
                var samePlace = place.type == t.device_type && (place.index == t.device_index || place.index == -1 || place.type == DeviceType.CPU);
                return type != t.dtype || !samePlace;
            }

            protected static (Device device, ScalarType dtype) GetDefaultDeviceAndType(Device? device = null, ScalarType? dtype = null) =>
                (device ?? get_default_device(), dtype ?? get_default_dtype());

            // ---- state, saving, loading ----

            public virtual Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
            {
                destination ??= [];
                string Key(string n) => string.IsNullOrEmpty(prefix) ? n : $"{prefix}.{n}";
                foreach (var (n, p) in named_parameters()) destination.TryAdd(Key(n), p);
                foreach (var (n, b) in named_buffers(include_nonpersistent: false)) destination.TryAdd(Key(n), b);
                return destination;
            }

            public virtual (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(Dictionary<string, Tensor> source, bool strict = true, IList<string>? skip = null)
            {
                ArgumentNullException.ThrowIfNull(source);
                var target = state_dict();
                bool Skipped(string key) => skip is not null && skip.Contains(key);
                var missing = target.Keys.Where(k => !source.ContainsKey(k) && !Skipped(k)).ToList();
                var unexpected = source.Keys.Where(k => !target.ContainsKey(k) && !Skipped(k)).ToList();
                if (strict && (missing.Count > 0 || unexpected.Count > 0))
                {
                    throw new InvalidOperationException(
                        "The loaded state_dict is not identical to the target dictionary." + Listed(" Missing: ", missing) + Listed(" Unexpected: ", unexpected));
                }
                foreach (var (key, value) in source)
                {
                    if (Skipped(key) || !target.TryGetValue(key, out var mine)) continue;
                    if (!mine.shape.AsSpan().SequenceEqual(value.shape))
                    {
                        throw new InvalidOperationException(
                            $"state_dict entry '{key}' has shape [{string.Join(", ", value.shape)}]; the module's is [{string.Join(", ", mine.shape)}].");
                    }
                }
                using var unrecorded = no_grad();
                foreach (var (key, value) in source)
                {
                    if (Skipped(key) || !target.TryGetValue(key, out var mine)) continue;
                    using var copied = mine.copy_(value);
                }
                return (missing, unexpected);
            }

            private static string Listed(string head, List<string> keys) => keys.Count == 0 ? "" : head + string.Join(", ", keys) + ".";

            public Module save(string location, IList<string>? skip = null)
            {
                WholeFile.Write(location, stream => save(stream, skip));
                return this;
            }

            public Module save(Stream stream, IList<string>? skip = null)
            {
                using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
                return save(writer, skip);
            }

            public Module save(BinaryWriter writer, IList<string>? skip = null)
            {
                save_state_dict(writer, state_dict(), skip);
                return this;
            }

            public static void save_state_dict(BinaryWriter writer, Dictionary<string, Tensor> sd, IList<string>? skip = null)
            {
                var entries = skip is { Count: > 0 } ? sd.Where(e => !skip.Contains(e.Key)).ToList() : [.. sd];
                writer.Write7BitEncodedInt64(entries.Count);
                foreach (var (key, value) in entries)
                {
                    writer.Write(key);
                    value.Save(writer);
                }
            }

            public virtual Module load(string location, bool strict = true, IList<string>? skip = null, Dictionary<string, bool>? loadedParameters = null)
            {
                if (!File.Exists(location)) throw new FileNotFoundException(location);
                using var stream = File.OpenRead(location);
                return load(stream, strict, skip, loadedParameters);
            }

            public Module load(Stream stream, bool strict = true, IList<string>? skip = null, Dictionary<string, bool>? loadedParameters = null)
            {
                using var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
                return load(reader, strict, skip, loadedParameters);
            }

            public virtual Module load(BinaryReader reader, bool strict = true, IList<string>? skip = null, Dictionary<string, bool>? loadedParameters = null)
            {
                var target = state_dict();
                var entries = reader.Read7BitEncodedInt64();
                var expected = skip is { Count: > 0 } ? target.Keys.Count(k => !skip.Contains(k)) : target.Count;
                if (strict && entries != target.Count && entries != expected)
                {
                    throw new ArgumentException($"Mismatched state_dict sizes: expected {target.Count}, but found {entries} entries.");
                }
                for (long i = 0; i < entries; i++)
                {
                    var key = reader.ReadString();
                    var found = target.TryGetValue(key, out var mine);
                    if (strict && !found && skip?.Contains(key) != true)
                    {
                        throw new ArgumentException($"Mismatched module state names: the target modules does not have a submodule or buffer named '{key}'");
                    }
                    var taken = found && skip?.Contains(key) != true;
                    try
                    {
                        if (taken) mine!.Load(reader);
                        else TensorExtensionMethods.Load(reader, skip: true)?.Dispose();
                    }
                    catch (Exception e) when (e is ArgumentException or InvalidDataException or EndOfStreamException)
                    {
                        throw new InvalidDataException($"Entry '{key}' ({i + 1} of {entries}) cannot be loaded: {e.Message}", e);
                    }
                    if (loadedParameters is not null) loadedParameters[key] = taken;
                }
                if (loadedParameters is not null)
                {
                    foreach (var key in target.Keys) loadedParameters.TryAdd(key, false);
                }
                return this;
            }

            /// <summary>A new <typeparamref name="T"/> with the weights that <see cref="save(string, IList{string}?)"/> wrote to <paramref name="path"/>.</summary>
            public static Module Create<T>(string path) where T : Module, new() => new T().load(path);

            // ---- end of life ----

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing || _disposed) return;
                _disposed = true;
                foreach (var (_, (b, _)) in _internal_buffers) b.Dispose();
                foreach (var (_, p) in _internal_params) p.Dispose();
                foreach (var (_, m) in _internal_submodules) m.Dispose();
            }
        }
    }
}
