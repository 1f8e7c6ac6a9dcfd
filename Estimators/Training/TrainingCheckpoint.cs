using System.Text.RegularExpressions;

namespace DaML.Components;

/// <summary>An interrupted training as a file: the setting it belongs to and everything that the training writes.</summary>
internal static partial class TrainingCheckpoint
{
    private static readonly Checkpoint Files = new("training-checkpoint", 2, "training", "setting");

    public static void Write(string path, string setting, Action<ComponentWriter> save) => Files.Write(path, setting, save);

    /// <exception cref="ModelArchiveException">The file is damaged, is no checkpoint, or belongs to another training.</exception>
    public static void Read(string path, string setting, DataAssimilationContext context, Action<ComponentReader> load) =>
        Files.Read(path, setting, context, load, saved => FormerSetting().Replace(saved, ""));

    // Checkpoints of version 0.1.0 also record which of two numerically equal methods made the optimiser steps.
    [GeneratedRegex(", Execution = [A-Za-z]+")]
    private static partial Regex FormerSetting();
}
