using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A NetCDF-4 file that is being written: first definitions, then values.</summary>
internal sealed class NetCdfOutput : IDisposable
{
    private readonly Dictionary<string, int> dimensions = [];
    private readonly string name;
    private readonly int file;
    private bool closed;

    /// <summary>Begins a file.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="name">The name of the file in messages.</param>
    public NetCdfOutput(string path, string name)
    {
        this.name = name;
        using var gate = NetCdfLibrary.Enter();
        NetCdfLibrary.Check(NetCdfLibrary.Create(path, NetCdfLibrary.NetCdf4, out file), "Creating the NetCDF file", name);
    }

    /// <summary>The dimension with the given name, which is created if it does not exist yet.</summary>
    public int Dimension(string dimension, long size)
    {
        if (dimensions.TryGetValue(dimension, out int known)) return known;
        Locked(() => NetCdfLibrary.DefineDimension(file, dimension, (nuint)size, out known));
        return dimensions[dimension] = known;
    }

    /// <summary>Defines a variable.</summary>
    public int Variable(string variable, NetCdfType type, int[] of, params (string Name, string? Text)[] attributes)
    {
        int number = 0;
        Locked(() => NetCdfLibrary.DefineVariable(file, variable, (int)type, of.Length, of, out number));
        foreach (var (attribute, text) in attributes)
            if (text is not null) Attribute(number, attribute, text);
        return number;
    }

    /// <summary>Adds an attribute to a variable or to the file.</summary>
    public void Attribute(int variable, string attribute, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Locked(() => NetCdfLibrary.PutText(file, variable, attribute, (nuint)bytes.Length, bytes));
    }

    /// <summary>Adds a number as an attribute to a variable.</summary>
    public void Attribute(int variable, string attribute, NetCdfType type, double number) =>
        Locked(() => NetCdfLibrary.PutNumber(file, variable, attribute, (int)type, 1, number));

    /// <summary>Ends the definitions, so that values can be written.</summary>
    public void EndDefinitions() => Locked(() => NetCdfLibrary.EndDefinitions(file));

    /// <summary>Writes all values of a variable of one dimension in double precision.</summary>
    public void Write(int variable, IReadOnlyList<double> values)
    {
        using var all = tensor(values.ToArray());
        Write(variable, [0], [values.Count], all);
    }

    /// <summary>Writes a cycle of a variable.</summary>
    /// <param name="variable">The variable, whose first dimension counts cycles.</param>
    /// <param name="cycle">The cycle.</param>
    /// <param name="shape">The other dimensions.</param>
    /// <param name="values">The values, row-major in these dimensions.</param>
    public void Write(int variable, long cycle, long[] shape, Tensor values) =>
        Write(variable, [cycle, .. new long[shape.Length]], [1, .. shape], values);

    /// <summary>Writes the data that are still in memory, and closes the file.</summary>
    public void Close()
    {
        closed = true;
        Locked(() => NetCdfLibrary.Close(file));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (closed) return;
        using var gate = NetCdfLibrary.Enter();
        NetCdfLibrary.Close(file);   // after an error; the file is deleted
    }

    private unsafe void Write(int variable, long[] start, long[] count, Tensor values)
    {
        nuint[] from = Array.ConvertAll(start, at => (nuint)at), counts = Array.ConvertAll(count, at => (nuint)at);
        using var gate = NetCdfLibrary.Enter();
        fixed (nuint* fromPointer = from, countPointer = counts)
        fixed (byte* pointer = values.bytes)
            NetCdfLibrary.Check(NetCdfLibrary.PutValues(file, variable, fromPointer, countPointer, pointer),
                "Writing the NetCDF file", name);
    }

    private void Locked(Func<int> call)
    {
        using var gate = NetCdfLibrary.Enter();
        NetCdfLibrary.Check(call(), "Writing the NetCDF file", name);
    }
}
