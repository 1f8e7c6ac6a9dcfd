using System.Runtime.InteropServices;

namespace DaML.Tests;

/// <summary>Writes HDF5 files without dimension scales, by the HDF5 library that the netcdf library brings.</summary>
public static class Hdf5Dataset
{
    /// <summary>Writes a file with one data set of doubles.</summary>
    public static unsafe void Write(string path, string name, long[] shape, double[] values)
    {
        nint library = NetCdfLibrary.Load(NetCdfLibrary.Names);
        Assert.SkipUnless(NativeLibrary.TryGetExport(library, "H5Fcreate", out nint create),
            "the HDF5 library's functions are not visible");
        nint Export(string function) => NativeLibrary.GetExport(library, function);
        using var gate = NetCdfLibrary.Enter();
        Assert.True(((delegate* unmanaged<int>)Export("H5open"))() >= 0);
        long type = *(long*)Export("H5T_IEEE_F64LE_g");
        fixed (byte* at = Utf8(path), called = Utf8(name))
        fixed (long* dimensions = shape)
        fixed (double* data = values)
        {
            long file = ((delegate* unmanaged<byte*, uint, long, long, long>)create)(at, 2, 0, 0);
            long space = ((delegate* unmanaged<int, long*, long*, long>)Export("H5Screate_simple"))(shape.Length, dimensions, null);
            long set = ((delegate* unmanaged<long, byte*, long, long, long, long, long, long>)Export("H5Dcreate2"))(file, called, type,
                space, 0, 0, 0);
            Assert.True(
                ((delegate* unmanaged<long, long, long, long, long, double*, int>)Export("H5Dwrite"))(set, type, 0, 0, 0, data) >= 0);
            ((delegate* unmanaged<long, int>)Export("H5Dclose"))(set);
            ((delegate* unmanaged<long, int>)Export("H5Sclose"))(space);
            Assert.True(((delegate* unmanaged<long, int>)Export("H5Fclose"))(file) >= 0);
        }
    }

    private static byte[] Utf8(string text) => [.. System.Text.Encoding.UTF8.GetBytes(text), 0];
}
