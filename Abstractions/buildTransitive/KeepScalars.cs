using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Copies TorchSharp.dll and marks every method that hands a Scalar to native code "no optimisation": a bit each in the table of methods
/// (ECMA-335, partition II, 22.26 and 23.1.10). In an optimised method a Scalar, for instance the hidden 1 in a + b, is dead once its
/// handle has been read. A garbage collection then frees it while native code uses it, which throws, ends the process or reads another
/// number. A method that is not optimised keeps its arguments alive to its end.
/// </summary>
public sealed class KeepScalars : Task
{
    private const int TypeDef = 2, Field = 4, MethodDef = 6, Param = 8;
    private const ushort NoOptimization = 0x40;
    private byte[] file = Array.Empty<byte>();
    private int sections, sectionCount, strings;
    private int[] rows = new int[64];

    /// <summary>TorchSharp.dll as shipped.</summary>
    [Required]
    public string From { get; set; } = "";

    /// <summary>The path of the copy, which is written under another name and renamed.</summary>
    [Required]
    public string To { get; set; } = "";

    public override bool Execute()
    {
        file = File.ReadAllBytes(From);
        int marked = Mark();
        if (marked == 0)
        {
            Log.LogError(
                "No method of '{0}' passes a Scalar to native code, so it may be another version of TorchSharp. DaMLKeepsScalars=false " +
                    "uses it unchanged.", From);
            return false;
        }
        Directory.CreateDirectory(Path.GetDirectoryName(To)!);
        string own = To + "." + Guid.NewGuid().ToString("n");
        File.WriteAllBytes(own, file);
        try { File.Move(own, To); }
        catch (IOException) { File.Delete(own); }    // another project was first
        Log.LogMessage(MessageImportance.Low, "{0} methods of TorchSharp keep their scalars alive.", marked);
        return true;
    }

    private int Mark()
    {
        int pe = Int32(0x3c), optional = pe + 24;
        (sections, sectionCount) = (optional + Int16(pe + 20), Int16(pe + 6));
        int directories = optional + (Int16(optional) == 0x20b ? 112 : 96);
        int root = Offset(Int32(Offset(Int32(directories + 14 * 8)) + 8));        // the CLI header's metadata
        var streams = Streams(root);
        strings = streams["#Strings"];

        // The tables up to the methods, and how wide their rows are.
        int tables = streams["#~"], at = tables + 24, heaps = file[tables + 6];
        for (int table = 0; table < 64; table++)
            if ((BitConverter.ToUInt64(file, tables + 8) >> table & 1) != 0) { rows[table] = Int32(at); at += 4; }
        int name = (heaps & 1) != 0 ? 4 : 2, guid = (heaps & 2) != 0 ? 4 : 2, blob = (heaps & 4) != 0 ? 4 : 2;
        int typeRow = 4 + 2 * name + Coded(2, 2, 1, 0x1b) + Index(Field) + Index(MethodDef), methodRow = 8 + name + blob + Index(Param);
        int types = at + rows[0] * (2 + name + 3 * guid) + rows[1] * (Coded(2, 0, 0x1a, 0x23, 1) + 2 * name);
        int methods = types + rows[TypeDef] * typeRow + rows[3] * Index(Field) + rows[Field] * (2 + name + blob) +
            rows[5] * Index(MethodDef);

        // The token of Scalar.get_Handle, and the methods that call it.
        int type = Enumerable.Range(0, rows[TypeDef]).Single(i => Text(types + i * typeRow + 4, name) == "Scalar");
        int first = Number(types + (type + 1) * typeRow - Index(MethodDef), Index(MethodDef));
        int handle = Enumerable.Range(first, rows[MethodDef] - first + 1)
            .First(i => Text(methods + (i - 1) * methodRow + 8, name) == "get_Handle");
        byte[] token = BitConverter.GetBytes(MethodDef << 24 | handle);
        int marked = 0;
        for (int row = methods; row < methods + rows[MethodDef] * methodRow; row += methodRow)
        {
            if (Int32(row) == 0 || !Calls(Offset(Int32(row)), token)) continue;
            file[row + 4] |= (byte)NoOptimization;
            marked++;
        }
        return marked;
    }

    // Whether a body has "call" or "callvirt" and the token; a number that only looks like it costs no more than an optimisation.
    private bool Calls(int body, byte[] token)
    {
        bool tiny = (file[body] & 3) == 2;
        int start = body + (tiny ? 1 : 12), end = start + (tiny ? file[body] >> 2 : Int32(body + 4));
        for (int i = start; i + 5 <= end; i++)
            if ((file[i] == 0x28 || file[i] == 0x6f) && file[i + 1] == token[0] && file[i + 2] == token[1] && file[i + 3] == token[2]
                && file[i + 4] == token[3]) return true;
        return false;
    }

    private Dictionary<string, int> Streams(int root)
    {
        var found = new Dictionary<string, int>();
        int at = root + 16 + Int32(root + 12);
        int count = Int16(at + 2);
        at += 4;
        for (int i = 0; i < count; i++)
        {
            int end = Array.IndexOf(file, (byte)0, at + 8);
            found[Encoding.ASCII.GetString(file, at + 8, end - at - 8)] = root + Int32(at);
            at += 8 + (end - at - 8 + 4) / 4 * 4;
        }
        return found;
    }

    private int Offset(int address)
    {
        for (int section = sections; section < sections + 40 * sectionCount; section += 40)
            if (address >= Int32(section + 12) && address < Int32(section + 12) + Int32(section + 16))
                return address - Int32(section + 12) + Int32(section + 20);
        throw new InvalidDataException($"'{From}' has no section that holds address {address:x}.");
    }

    private int Index(int table) => rows[table] < 1 << 16 ? 2 : 4;

    private int Coded(int bits, params int[] tables) => tables.Max(table => rows[table]) < 1 << (16 - bits) ? 2 : 4;

    private int Number(int at, int width) => width == 2 ? Int16(at) : Int32(at);

    private string Text(int at, int width)
    {
        int start = strings + Number(at, width);
        return Encoding.UTF8.GetString(file, start, Array.IndexOf(file, (byte)0, start) - start);
    }

    private int Int16(int at) => BitConverter.ToUInt16(file, at);

    private int Int32(int at) => BitConverter.ToInt32(file, at);
}
