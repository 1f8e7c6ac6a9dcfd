using System.Buffers.Binary;
using System.Text;

namespace DaML.Tests;

/// <summary>
/// Writes CDF-1 files byte by byte from the format's specification, so that the reader is tested against something that
/// is not the library it calls.
/// </summary>
public sealed class ClassicNetCdfWriter
{
    private readonly List<(string Name, int Length)> dimensions = [];
    private readonly List<(string Name, int Type, int[] Dimensions, List<(string, object)> Attributes, double[] Values)> variables = [];
    private readonly List<(string, object)> attributes = [];

    /// <summary>The number of records; a dimension of length 0 is the record dimension.</summary>
    public int Records { get; init; }

    public ClassicNetCdfWriter Dimension(string name, int length)
    {
        dimensions.Add((name, length));
        return this;
    }

    public ClassicNetCdfWriter Attribute(string name, object value)
    {
        attributes.Add((name, value));
        return this;
    }

    /// <summary>Type 1 byte, 2 char, 3 short, 4 int, 5 float, 6 double.</summary>
    public ClassicNetCdfWriter Variable(string name, int type, string[] dims, double[] values, params (string, object)[] attributes)
    {
        variables.Add((name, type, [.. dims.Select(dim => dimensions.FindIndex(known => known.Name == dim))], [.. attributes], values));
        return this;
    }

    public string Write(string path)
    {
        byte[] header = Header(new int[variables.Count]);
        var begins = new int[variables.Count];
        int at = header.Length;
        for (int pass = 0; pass < 2; pass++) // fixed variables first, then records
            for (int i = 0; i < variables.Count; i++)
                if (IsRecord(i) == (pass == 1)) (begins[i], at) = (at, at + Padded(Size(i)));
        using var file = new MemoryStream();
        file.Write(Header(begins));
        for (int i = 0; i < variables.Count; i++)
            if (!IsRecord(i)) Data(file, i, 0, variables[i].Values.Length);
        for (int record = 0; record < Records; record++)
            for (int i = 0; i < variables.Count; i++)
                if (IsRecord(i)) Data(file, i, record * variables[i].Values.Length / Records, variables[i].Values.Length / Records);
        File.WriteAllBytes(path, file.ToArray());
        return path;
    }

    private bool IsRecord(int i) => variables[i].Dimensions.Any(dim => dimensions[dim].Length == 0);

    private int Size(int i) =>
        Element(variables[i].Type) * (IsRecord(i) ? variables[i].Values.Length / Math.Max(1, Records) : variables[i].Values.Length);

    private void Data(Stream file, int i, int from, int count)
    {
        long before = file.Position;
        for (int k = from; k < from + count; k++) Number(file, variables[i].Type, variables[i].Values[k]);
        while ((file.Position - before) % 4 != 0) file.WriteByte(0);
    }

    private byte[] Header(int[] begins)
    {
        var header = new MemoryStream();
        header.Write([(byte)'C', (byte)'D', (byte)'F', 1]);
        Int(header, Records);
        List(header, 10, dimensions.Count);
        foreach (var (name, length) in dimensions)
        {
            Name(header, name);
            Int(header, length);
        }
        Attributes(header, attributes);
        List(header, 11, variables.Count);
        for (int i = 0; i < variables.Count; i++)
        {
            Name(header, variables[i].Name);
            Int(header, variables[i].Dimensions.Length);
            foreach (int dim in variables[i].Dimensions) Int(header, dim);
            Attributes(header, variables[i].Attributes);
            Int(header, variables[i].Type);
            Int(header, Padded(Size(i)));
            Int(header, begins[i]);
        }
        return header.ToArray();
    }

    private static void Attributes(Stream header, List<(string Name, object Value)> attributes)
    {
        List(header, 12, attributes.Count);
        foreach (var (name, value) in attributes)
        {
            Name(header, name);
            if (value is string text)
            {
                Int(header, 2);
                Name(header, text);
            }
            else
            {
                double[] numbers = value is double[] many ? many : [Convert.ToDouble(value)];
                int type = value switch { short => 3, int => 4, float => 5, _ => 6 };
                Int(header, type);
                Int(header, numbers.Length);
                foreach (double number in numbers) Number(header, type, number);
                while (header.Position % 4 != 0) header.WriteByte(0);
            }
        }
    }

    private static void Number(Stream file, int type, double value)
    {
        var bytes = new byte[8];
        switch (type)
        {
            case 1 or 2: bytes[0] = (byte)(sbyte)value; break;
            case 3: BinaryPrimitives.WriteInt16BigEndian(bytes, (short)value); break;
            case 4: BinaryPrimitives.WriteInt32BigEndian(bytes, (int)value); break;
            case 5: BinaryPrimitives.WriteSingleBigEndian(bytes, (float)value); break;
            default: BinaryPrimitives.WriteDoubleBigEndian(bytes, value); break;
        }
        file.Write(bytes, 0, Element(type));
    }

    private static void List(Stream header, int tag, int count)
    {
        Int(header, count == 0 ? 0 : tag);
        Int(header, count);
    }

    private static void Name(Stream header, string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        Int(header, bytes.Length);
        header.Write(bytes);
        while (header.Position % 4 != 0) header.WriteByte(0);
    }

    private static void Int(Stream stream, int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        stream.Write(bytes);
    }

    private static int Padded(int size) => (size + 3) & ~3;

    private static int Element(int type) => type switch { 1 or 2 => 1, 3 => 2, 4 or 5 => 4, _ => 8 };
}
