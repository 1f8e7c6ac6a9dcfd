using System.Text;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

/// <summary>
/// Tensors in TorchSharp's stream format: the number of the element type, the rank and the sizes, each in the variable-length
/// form of <see cref="BinaryWriter.Write7BitEncodedInt64"/>, then the elements, little-endian, in row-major order.
/// </summary>
public static partial class TensorExtensionMethods
{
    public static Parameter AsParameter(this Tensor tensor) => tensor as Parameter ?? new Parameter(tensor);

    public static void Save(this Tensor tensor, BinaryWriter writer)
    {
        writer.Write7BitEncodedInt64((long)tensor.dtype);
        var shape = tensor.shape;
        writer.Write7BitEncodedInt64(shape.Length);
        foreach (var n in shape) writer.Write7BitEncodedInt64(n);
        writer.Flush();
        using var unrecorded = no_grad();
        using var plain = tensor.detach();
        plain.WriteBytesToStream(writer.BaseStream);
    }

    public static void Save(this Tensor tensor, Stream stream)
    {
        using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        tensor.Save(writer);
    }

    public static void Save(this Tensor tensor, string location)
    {
        using var stream = File.Create(location);
        tensor.Save(stream);
    }

    /// <summary>Reads into <paramref name="tensor"/>, which must have the element type and the shape that were saved; with <paramref name="skip"/> reads past it.</summary>
    public static void Load(this Tensor tensor, BinaryReader reader, bool skip = false)
    {
        var (type, shape) = Header(reader);
        if (skip)
        {
            SkipBytes(reader.BaseStream, ByteCount(type, shape));
            return;
        }
        if (type != tensor.dtype)
        {
            throw new ArgumentException($"Mismatched tensor data types while loading: the stream has {type}, the tensor is {tensor.dtype}. Make sure that the model you are loading into is exactly the same as the origin.");
        }
        if (!shape.AsSpan().SequenceEqual(tensor.shape))
        {
            throw new ArgumentException($"Mismatched tensor shape while loading: the stream has [{string.Join(", ", shape)}], the tensor is [{string.Join(", ", tensor.shape)}]. Make sure that the model you are loading into is exactly the same as the origin.");
        }
        using var unrecorded = no_grad();
        using var plain = tensor.detach();
        plain.ReadBytesFromStream(reader.BaseStream);
    }

    /// <summary>A new tensor from the stream, or null where it was to be skipped.</summary>
    public static Tensor Load(BinaryReader reader, bool skip = false)
    {
        Tensor? loaded = null;
        Load(ref loaded, reader, skip);
        return loaded!;
    }

    /// <summary>Reads into <paramref name="tensor"/>, or makes it where it is null.</summary>
    public static void Load(ref Tensor? tensor, BinaryReader reader, bool skip = false)
    {
        if (tensor is not null)
        {
            tensor.Load(reader, skip);
            return;
        }
        var (type, shape) = Header(reader);
        var bytes = ByteCount(type, shape);
        if (skip)
        {
            SkipBytes(reader.BaseStream, bytes);
            return;
        }
        // A damaged header may declare any size: memory is not asked for before the stream is known to hold it.
        var source = reader.BaseStream;
        if (source.CanSeek && bytes > source.Length - source.Position)
        {
            throw new EndOfStreamException($"The stream declares a tensor {type}[{string.Join(", ", shape)}] of {bytes} bytes and has {source.Length - source.Position} left.");
        }
        tensor = empty(shape, dtype: type);
        try
        {
            tensor.ReadBytesFromStream(source);
        }
        catch
        {
            tensor.Dispose();
            tensor = null;
            throw;
        }
    }

    private static (ScalarType Type, long[] Shape) Header(BinaryReader reader)
    {
        var type = reader.Read7BitEncodedInt64();
        if (type is < 0 or > 15 || !Enum.IsDefined((ScalarType)type)) throw new InvalidDataException($"The stream has no tensor here: {type} is no element type.");
        var rank = reader.Read7BitEncodedInt64();
        if (rank is < 0 or > 64) throw new InvalidDataException($"The stream has no tensor here: {rank} is no number of dimensions.");
        var shape = new long[rank];
        for (var i = 0; i < rank; i++)
        {
            shape[i] = reader.Read7BitEncodedInt64();
            if (shape[i] < 0) throw new InvalidDataException($"The stream has no tensor here: dimension {i} has size {shape[i]}.");
        }
        return ((ScalarType)type, shape);
    }

    private static long ByteCount(ScalarType type, long[] shape)
    {
        try
        {
            return shape.Aggregate((long)type.ElementSize(), (n, size) => checked(n * size));
        }
        catch (OverflowException)
        {
            throw new InvalidDataException($"The stream declares a tensor of shape [{string.Join(", ", shape)}], which no memory holds.");
        }
    }

    private static void SkipBytes(Stream stream, long count)
    {
        if (stream.CanSeek)
        {
            if (count > stream.Length - stream.Position) throw new EndOfStreamException($"The stream declares {count} bytes and has {stream.Length - stream.Position} left.");
            stream.Seek(count, SeekOrigin.Current);
            return;
        }
        var buffer = new byte[(int)Math.Min(count, 1 << 16)];
        while (count > 0)
        {
            var n = (int)Math.Min(count, buffer.Length);
            stream.ReadExactly(buffer, 0, n);
            count -= n;
        }
    }
}

public static partial class torch
{
    public partial class Tensor
    {
        /// <summary>A new tensor from TorchSharp's stream format.</summary>
        public static Tensor Load(BinaryReader reader) => TensorExtensionMethods.Load(reader);

        /// <summary>A new tensor from TorchSharp's stream format.</summary>
        public static Tensor Load(Stream stream)
        {
            using var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
            return Load(reader);
        }

        /// <summary>A new tensor from a file in TorchSharp's stream format.</summary>
        public static Tensor Load(string location)
        {
            using var stream = File.OpenRead(location);
            return Load(stream);
        }
    }
}
