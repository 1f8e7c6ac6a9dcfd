using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Writes an ensemble into NumPy files, block by block: one file <c>[N, n]</c>, or a file <c>[n]</c> for each member. None of them has its
/// name before all are complete.
/// </summary>
internal sealed class EnsembleOutput
{
    private readonly List<Stream> streams;
    private readonly long members, dimension;
    private readonly int header, size;

    private EnsembleOutput(List<Stream> streams, long members, long dimension, ScalarType type)
    {
        (this.streams, this.members, this.dimension, size) = (streams, members, dimension, NumpyFile.Size(type));
        byte[] beginning = streams.Count == 1 ? NumpyFile.Header(type, members, dimension) : NumpyFile.Header(type, dimension);
        header = beginning.Length;
        foreach (var stream in streams) stream.Write(beginning);
    }

    /// <summary>Writes files; a failure leaves none of them, and files of these names as they were.</summary>
    /// <param name="paths">One file for all members, or one for each.</param>
    /// <param name="members">The number of members N.</param>
    /// <param name="dimension">The number of components n.</param>
    /// <param name="type">The type of the numbers.</param>
    /// <param name="write">Writes all blocks.</param>
    /// <exception cref="ArgumentException">The number of files is neither one nor that of the members, or two are the same.</exception>
    /// <exception cref="IOException">The disk has too little room, or writing failed.</exception>
    public static void Write(IReadOnlyList<string> paths, int members, long dimension, ScalarType type, Action<EnsembleOutput> write)
    {
        if (paths.Count != 1 && paths.Count != members)
            throw new ArgumentException($"The analysis of {members} members needs one file, or {members}; given: {paths.Count}.");
        var full = paths.Select(Path.GetFullPath).ToList();
        if (full.GroupBy(path => path).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new ArgumentException($"Every member of the analysis needs a file of its own; '{twice.Key}' was given twice.");
        string folder = Path.GetDirectoryName(full[0])!;
        Directory.CreateDirectory(folder);
        long needed = members * dimension * NumpyFile.Size(type), free = new DriveInfo(folder).AvailableFreeSpace;
        if (free < needed)
            throw new IOException($"The analysis takes {needed} bytes until it replaces what is there; the disk of '{folder}' has {free} " +
                "free. Free some, or write to another disk.");
        var streams = new List<Stream>();
        Next();

        // A file's name is given when all files opened after it are complete.
        void Next()
        {
            if (streams.Count == full.Count) write(new(streams, members, dimension, type));
            else AtomicFile.Write(full[streams.Count], stream =>
            {
                streams.Add(stream);
                Next();
            });
        }
    }

    /// <summary>Writes components of a member that follow each other.</summary>
    /// <param name="member">The member.</param>
    /// <param name="first">The first component.</param>
    /// <param name="values">Their values.</param>
    public void Write<T>(int member, long first, ReadOnlySpan<T> values) where T : unmanaged
    {
        var stream = streams.Count == 1 ? streams[0] : streams[member];
        stream.Position = header + size * (streams.Count == 1 ? member * dimension + first : first);
        stream.Write(MemoryMarshal.AsBytes(values));
    }
}
