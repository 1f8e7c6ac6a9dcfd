using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class NumpyArrayTests
{
    [Fact]
    public void Written_and_read_back_to_the_bit_in_any_shape()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var random = new RandomStream(1, "numpy", CPU);
        string path = folder.File("a.npy");
        foreach (var dtype in new[] { ScalarType.Float32, ScalarType.Float64 })
            foreach (long[] shape in (long[][])[[], [1], [5], [3, 4], [2, 0], [2, 3, 4]])
            {
                var values = random.Normal(shape, dtype);
                NumpyArray.Write(path, values);
                var read = NumpyArray.Read(path);
                Assert.Equal(shape, read.shape);
                Assert.Equal(dtype, read.dtype);
                Assert.True(values.Equals(read));
            }
        var turned = random.Normal([3, 4], ScalarType.Float64).t();
        NumpyArray.Write(path, turned);
        Assert.True(turned.Equals(NumpyArray.Read(path)));
        Assert.Contains("Int64", Assert.Throws<ArgumentException>(() => NumpyArray.Write(path, ones(2, dtype: ScalarType.Int64))).Message);
        Assert.Single(Directory.GetFiles(folder.FullName));
    }

    /// <summary>The bytes of <c>numpy.save</c> (NumPy 1.24) of <c>numpy.array([[1.0, -2.5]])</c>.</summary>
    [Fact]
    public void The_bytes_are_those_of_NumPy()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        string path = folder.File("a.npy");
        byte[] expected =
        [
            0x93, .. "NUMPY"u8, 1, 0, 0x76, 0, .. "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }"u8,
            .. Enumerable.Repeat((byte)' ', 128 - 10 - 59 - 1), (byte)'\n',
            .. BitConverter.GetBytes(1.0), .. BitConverter.GetBytes(-2.5),
        ];
        NumpyArray.Write(path, tensor(new[] { 1.0, -2.5 }, 1, 2));
        Assert.Equal(expected, File.ReadAllBytes(path));
    }
}
