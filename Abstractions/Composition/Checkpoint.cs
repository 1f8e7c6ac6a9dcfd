namespace DaML.Components;

/// <summary>
/// Keeps the state of interrupted work: a model archive of one component, which says which run it belongs to and holds what its owner
/// writes. It is written atomically: the older file stays whole until the new one is complete.
/// </summary>
/// <param name="Kind">The component's kind in the file.</param>
/// <param name="Version">The version this code writes; it reads this one and older ones.</param>
/// <param name="Owner">The name of the owner in messages, for instance <c>training</c>.</param>
/// <param name="Identity">The name of the setting that identifies the owner.</param>
public sealed record Checkpoint(string Kind, int Version, string Owner, string Identity)
{
    /// <summary>Writes a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="identity">In words, everything the state depends on that is not in the file.</param>
    /// <param name="save">Writes the state.</param>
    public void Write(string path, string identity, Action<ComponentWriter> save) => ModelArchive.Write(Kind, Version, writer =>
    {
        writer.Set(Identity, identity);
        save(writer);
    }, path);

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="identity">The identity that was given to <see cref="Write"/>.</param>
    /// <param name="context">The context whose device the tensors are moved to.</param>
    /// <param name="load">Reads the state.</param>
    /// <param name="current">Translates the identity in an older file into today's; null = it is the same.</param>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="ModelArchiveException">The file is damaged, is not such a checkpoint, or has another identity.</exception>
    public void Read(string path, string identity, DataAssimilationContext context, Action<ComponentReader> load,
        Func<string, string>? current = null)
    {
        var type = new ComponentType(Kind, Version, reader =>
        {
            string saved = reader.Get<string>(Identity);
            saved = current?.Invoke(saved) ?? saved;
            if (saved != identity)
                throw new ModelArchiveException(
                    $"The checkpoint '{path}' was written by a different {Owner}, which this one cannot continue. Delete the file or " +
                        $"name another." +
                    $"\nThe file: {saved}\nThis {Owner}: {identity}");
            load(reader);
            return this;
        });
        ModelArchive.Read<Checkpoint>(path, new ComponentRegistry(type), context);
    }
}
