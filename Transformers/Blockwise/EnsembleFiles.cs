using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// An ensemble in NumPy files: one file <c>[N, n]</c>, or a file <c>[n]</c> for each member. The files stay open, so that they may be
/// replaced meanwhile.
/// </summary>
internal sealed class EnsembleFiles : IDisposable
{
    private readonly List<NumpyFile> files = [];
    private readonly bool together;

    /// <summary>Opens the files.</summary>
    /// <param name="paths">The file of all members, or the files of at least two members in their order.</param>
    /// <exception cref="InvalidDataException">A file is not a NumPy array of the right shape; the message says which and why.</exception>
    public EnsembleFiles(IReadOnlyList<string> paths)
    {
        try
        {
            foreach (string path in paths) files.Add(NumpyFile.Open(path));
            together = paths.Count == 1;
            foreach (var file in files)
            {
                if (file.Shape.Count != (together ? 2 : 1))
                    throw new InvalidDataException(together
                        ? $"One file of an ensemble must be [members, n]; '{file.Path}' is [{string.Join(", ", file.Shape)}]."
                        : $"Each of an ensemble's {paths.Count} files must be one member [n]; '{file.Path}' is " +
                            $"[{string.Join(", ", file.Shape)}].");
                if (!file.Shape.SequenceEqual(files[0].Shape) || file.Type != files[0].Type)
                    throw new InvalidDataException($"The members of an ensemble must be alike: '{files[0].Path}' is " +
                        $"[{files[0].Shape[0]}] of {files[0].Type}, and '{file.Path}' is [{file.Shape[0]}] of {file.Type}.");
            }
            if (Members < 2) throw new InvalidDataException($"An ensemble needs at least two members; '{files[0].Path}' has one.");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The number of members N.</summary>
    public int Members => together ? checked((int)files[0].Shape[0]) : files.Count;

    /// <summary>The number of components n.</summary>
    public long Dimension => files[0].Shape[^1];

    /// <summary>The type of its numbers.</summary>
    public ScalarType Type => files[0].Type;

    /// <summary>The file of a member.</summary>
    public string Path(int member) => files[together ? 0 : member].Path;

    /// <summary>Reads components of a member that follow each other.</summary>
    /// <param name="member">The member.</param>
    /// <param name="first">The first component.</param>
    /// <param name="values">Receives them.</param>
    public void Read<T>(int member, long first, Span<T> values) where T : unmanaged =>
        files[together ? 0 : member].Read(together ? member * Dimension + first : first, values);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in files) file.Dispose();
    }
}
