using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Reads and writes tensors as NumPy's files (<c>.npy</c>), in single or double precision.</summary>
public static class NumpyArray
{
    // The bytes that are copied at once.
    private const int Portion = 1 << 20;

    /// <summary>Writes a file atomically: a reader, and a crash, finds the old file or the new one and never a part.</summary>
    /// <param name="path">The file; its folder is created if it is missing.</param>
    /// <param name="values">The tensor, of any shape and layout.</param>
    /// <exception cref="ArgumentException">The tensor is neither of single nor of double precision.</exception>
    public static void Write(string path, Tensor values)
    {
        if (values.dtype is not (ScalarType.Float32 or ScalarType.Float64))
            throw new ArgumentException($"A NumPy file is written in single or double precision; given: {values.dtype}.", nameof(values));
        AtomicFile.Write(path, stream =>
        {
            using var scope = NewDisposeScope();
            stream.Write(NumpyFile.Header(values.dtype, values.Sizes()));
            values.detach().cpu().contiguous().WriteBytesToStream(stream, Portion);
        });
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The tensor, on the processor, which belongs to the caller's dispose scope.</returns>
    /// <exception cref="InvalidDataException">The file is not a NumPy file, is damaged, or holds other numbers; the message says
    /// what.</exception>
    public static Tensor Read(string path)
    {
        using var file = NumpyFile.Open(path);
        var values = empty([.. file.Shape], dtype: file.Type);
        try
        {
            using var stream = file.Elements();
            if (file.Count > 0) values.ReadBytesFromStream(stream, Portion);
            return values;
        }
        catch
        {
            values.Dispose();
            throw;
        }
    }
}
