using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using DaML.Components;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A stream of random numbers, named by a path. Its numbers depend only on the context's seed and on its name, never on the order in
/// which streams were created. Adding a stream therefore changes no number of another. One stream serves one thread at a time.
/// </summary>
public sealed class RandomStream : IDisposable
{
    private readonly Generator generator;
    private NormalsAhead? ahead;
    private (long[] Shape, ScalarType Type)? last;
    private bool lent;

    /// <summary>Opens the stream with the given name.</summary>
    /// <param name="seed">The seed it belongs to.</param>
    /// <param name="name">Its name, a path such as <c>twin/test/truth</c>.</param>
    /// <param name="device">The device its numbers are drawn on.</param>
    public RandomStream(long seed, string name, Device device)
    {
        Seed = seed;
        Name = name;
        Device = device;
        generator = new Generator(Key(seed, name), device);
    }

    /// <summary>The seed this stream was derived from.</summary>
    public long Seed { get; }

    /// <summary>The stream's name.</summary>
    public string Name { get; }

    /// <summary>The device its numbers are drawn on.</summary>
    public Device Device { get; }

    /// <summary>The generator underneath, for operators that take one.</summary>
    public Generator Generator
    {
        get
        {
            lent = true;
            Withdraw();
            return generator;
        }
    }

    /// <summary>Opens another stream, named below this one.</summary>
    public RandomStream Derive(string name) => new(Seed, Name + "/" + name, Device);

    /// <summary>Draws standard normal numbers. If the same shape is asked for again and again, and is large, the next ones are drawn by
    /// another thread meanwhile; which numbers come does not depend on it.</summary>
    public Tensor Normal(long[] shape, ScalarType dtype)
    {
        bool again = last is { } usual && usual.Type == dtype && usual.Shape.AsSpan().SequenceEqual(shape);
        Tensor numbers;
        if (again && ahead is { } ready)    // what is drawn ahead has the shape that was asked for last
        {
            ahead = null;
            numbers = ready.Take();
        }
        else
        {
            Withdraw();
            numbers = randn(shape, dtype: dtype, device: Device, generator: generator);
        }
        if (!again) last = ([.. shape], dtype);
        else if (!lent && NormalsAhead.Pays(shape, Device)) ahead = NormalsAhead.Begin(generator, shape, dtype);
        return numbers;
    }

    /// <summary>Draws uniform numbers from [0, 1).</summary>
    public Tensor Uniform(long[] shape, ScalarType dtype)
    {
        Withdraw();
        return rand(shape, dtype: dtype, device: Device, generator: generator);
    }

    /// <summary>Copies the state of the generator; with <see cref="Restore"/> a stream continues exactly from there.</summary>
    public Tensor Capture()
    {
        Withdraw();
        return generator.get_state();
    }

    /// <summary>Sets a state that <see cref="Capture"/> returned.</summary>
    public void Restore(Tensor state)
    {
        Withdraw();
        generator.set_state(state);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Withdraw();
        generator.Dispose();
    }

    private void Withdraw()
    {
        ahead?.Withdraw();
        ahead = null;
    }

    // 63 bits, so that every generator takes it; SHA-256, so that close seeds and names give unrelated streams.
    private static ulong Key(long seed, string name)
    {
        Span<byte> seedBytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(seedBytes, seed);
        byte[] hash = SHA256.HashData([.. seedBytes, .. Encoding.UTF8.GetBytes(name)]);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash) >> 1;
    }
}
