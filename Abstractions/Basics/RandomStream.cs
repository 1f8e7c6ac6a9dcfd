using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
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
    public Generator Generator => generator;

    /// <summary>Opens another stream, named below this one.</summary>
    public RandomStream Derive(string name) => new(Seed, Name + "/" + name, Device);

    /// <summary>Draws standard normal numbers.</summary>
    public Tensor Normal(long[] shape, ScalarType dtype) => randn(shape, dtype: dtype, device: Device, generator: generator);

    /// <summary>Draws uniform numbers from [0, 1).</summary>
    public Tensor Uniform(long[] shape, ScalarType dtype) => rand(shape, dtype: dtype, device: Device, generator: generator);

    /// <summary>Copies the state of the generator; with <see cref="Restore"/> a stream continues exactly from there.</summary>
    public Tensor Capture() => generator.get_state();

    /// <summary>Sets a state that <see cref="Capture"/> returned.</summary>
    public void Restore(Tensor state) => generator.set_state(state);

    /// <inheritdoc/>
    public void Dispose() => generator.Dispose();

    // 63 bits, so that every generator takes it; SHA-256, so that close seeds and names give unrelated streams.
    private static ulong Key(long seed, string name)
    {
        Span<byte> seedBytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(seedBytes, seed);
        byte[] hash = SHA256.HashData([.. seedBytes, .. Encoding.UTF8.GetBytes(name)]);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash) >> 1;
    }
}
