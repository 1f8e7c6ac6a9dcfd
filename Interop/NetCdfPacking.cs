namespace DaML;

/// <summary>
/// How stored numbers become values: value = stored * scale_factor + add_offset, and which stored numbers mean
/// "missing" (CF conventions 1.11, sections 2.5.1 and 8.1).
/// </summary>
internal sealed class NetCdfPacking
{
    private readonly double scale;
    private readonly double offset;
    private readonly double wrap;
    private readonly double[] fills;
    private readonly double lowest;
    private readonly double highest;

    /// <summary>Reads the packing attributes of a variable.</summary>
    public NetCdfPacking(NetCdfVariable variable)
    {
        scale = variable.FirstNumber("scale_factor") ?? 1;
        offset = variable.FirstNumber("add_offset") ?? 0;
        wrap = variable.Text("_Unsigned") == "true"
            ? variable.Type switch { NetCdfType.Int8 => 256, NetCdfType.Int16 => 65536, NetCdfType.Int32 => 4294967296, _ => 0 }
            : 0;
        fills = [.. Numbers(variable, "_FillValue") is { Count: > 0 } fill ? fill : DefaultFill(variable.Type), .. Numbers(variable, "missing_value")];
        var range = Numbers(variable, "valid_range");
        lowest = range is [var low, _] ? low : variable.FirstNumber("valid_min") ?? double.NegativeInfinity;
        highest = range is [_, var high] ? high : variable.FirstNumber("valid_max") ?? double.PositiveInfinity;
    }

    /// <summary>Turns stored numbers into values in place; missing ones become NaN.</summary>
    public void Unpack(Span<double> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            double stored = values[i];
            bool missing = Array.IndexOf(fills, stored) >= 0 || !(stored >= lowest && stored <= highest);
            if (stored < 0) stored += wrap;
            values[i] = missing ? double.NaN : stored * scale + offset;
        }
    }

    private static IReadOnlyList<double> Numbers(NetCdfVariable variable, string attribute) =>
        variable.Attributes.GetValueOrDefault(attribute)?.Numbers ?? [];

    // What the library itself writes where nothing was written (netcdf.h, NC_FILL_*); bytes have no such value.
    private static double[] DefaultFill(NetCdfType type) => type switch
    {
        NetCdfType.Int16 => [-32767],
        NetCdfType.Int32 => [-2147483647],
        NetCdfType.Float32 or NetCdfType.Float64 => [9.9692099683868690e+36],
        NetCdfType.UInt16 => [65535],
        NetCdfType.UInt32 => [4294967295],
        NetCdfType.Int64 => [-9223372036854775806.0],
        NetCdfType.UInt64 => [18446744073709551614.0],
        _ => [],
    };
}
