namespace DaML.Components;

/// <summary>
/// How the state of something interrupted is kept: a model archive of one component, which says to what it belongs and holds
/// whatever its owner writes. Written atomically: the older file stays whole until the new one is.
/// </summary>
/// <param name="Kind">The component's kind in the file.</param>
/// <param name="Version">The version this code writes; it reads this one and older.</param>
/// <param name="Owner">What it belongs to, in messages: for instance <c>training</c>.</param>
/// <param name="Identity">The name of the setting that identifies the owner.</param>
public sealed record Checkpoint(string Kind, int Version, string Owner, string Identity)
{
    /// <summary>Writes a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="identity">All that the state depends on and that is not in the file, in words.</param>
    /// <param name="save">Writes the state.</param>
    public void Write(string path, string identity, Action<ComponentWriter> save) => ModelArchive.Write(Kind, Version, writer =>
    {
        writer.Set(Identity, identity);
        save(writer);
    }, path);

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="identity">What <see cref="Write"/> was given.</param>
    /// <param name="context">Whose device the tensors go to.</param>
    /// <param name="load">Reads the state.</param>
    /// <param name="current">What the identity in an older file is called today; null = the same.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelArchiveException">The file is damaged, no such checkpoint, or one of another identity.</exception>
    public void Read(string path, string identity, DataAssimilationContext context, Action<ComponentReader> load,
        Func<string, string>? current = null)
    {
        var type = new ComponentType(Kind, Version, reader =>
        {
            string saved = reader.Get<string>(Identity);
            saved = current?.Invoke(saved) ?? saved;
            if (saved != identity)
                throw new ModelArchiveException(
                    $"The checkpoint '{path}' belongs to another {Owner}, so it cannot be continued; delete it or name another file." +
                    $"\nIt was written for: {saved}\nThis {Owner} is: {identity}");
            load(reader);
            return this;
        });
        ModelArchive.Read<Checkpoint>(path, new ComponentRegistry(type), context);
    }
}
