using System.Text.RegularExpressions;

namespace DaML;

/// <summary>
/// A training that was interrupted, as a file: a model archive of one component that holds the setting it belongs to and
/// whatever the training writes. Written atomically.
/// </summary>
internal static partial class TrainingCheckpoint
{
    private const string Kind = "training-checkpoint";

    public static void Write(string path, string setting, Action<ComponentWriter> save) =>
        ModelArchive.Write(new Content(TypeOf(path, setting, _ => { }), setting, save), path);

    /// <exception cref="ModelArchiveException">The file is damaged, no checkpoint, or one of another training.</exception>
    public static void Read(string path, string setting, DataAssimilationContext context, Action<ComponentReader> load) =>
        ModelArchive.Read<Content>(path, new ComponentRegistry(TypeOf(path, setting, load)), context);

    private static ComponentType TypeOf(string path, string setting, Action<ComponentReader> load)
    {
        ComponentType? type = null;
        return type = new ComponentType(Kind, 2, reader =>
        {
            string saved = FormerSetting().Replace(reader.Get<string>("setting"), "");
            if (saved != setting)
                throw new ModelArchiveException($"The checkpoint '{path}' belongs to another training, so it cannot be continued; delete it or name another file.\nIt was written for: {saved}\nThis training is: {setting}");
            load(reader);
            return new Content(type!, setting, _ => { });
        });
    }

    // Checkpoints of version 0.1.0 also say by which of two ways, equal in their numbers, the optimiser steps were carried out.
    [GeneratedRegex(", Execution = [A-Za-z]+")]
    private static partial Regex FormerSetting();

    private sealed class Content(ComponentType type, string setting, Action<ComponentWriter> save) : IComponent
    {
        public ComponentType ComponentType => type;

        public void Save(ComponentWriter writer)
        {
            writer.Set("setting", setting);
            save(writer);
        }
    }
}
