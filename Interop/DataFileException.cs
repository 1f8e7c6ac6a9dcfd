namespace DaML.Components;

/// <summary>
/// Thrown for a data file that cannot be read as requested: it is damaged, truncated, foreign, or lacks what was requested. The message
/// names the file and the place. Also thrown if the library that reads such files is not installed; the message names its package.
/// </summary>
public sealed class DataFileException(string message, Exception? inner = null) : IOException(message, inner);
