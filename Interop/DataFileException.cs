namespace DaML.Components;

/// <summary>
/// A data file that cannot be read as asked: damaged, truncated, foreign, or without what was asked for; the message names
/// the file and where. Or the library that reads such files is not installed; the message names its package.
/// </summary>
public sealed class DataFileException(string message, Exception? inner = null) : IOException(message, inner);
