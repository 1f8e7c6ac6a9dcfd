using System.Globalization;

namespace DaML.Components;

/// <summary>
/// Converts stored numbers to values, value = stored * scale_factor + add_offset, and recognises the stored numbers that mean "missing"
/// (NetCDF Users Guide, appendix A; CF conventions 1.11, sections 2.5.1 and 8.1). Fill values, missing values and limits are compared as
/// the stored numbers are read: in the stored type, unsigned if <c>_Unsigned</c> says so. Limits of a wider type than the packed data are
/// in the units of the values.
/// </summary>
internal sealed class NetCdfPacking
{
    private readonly NetCdfVariable variable;
    private readonly string path;
    private readonly int bits;
    private readonly bool isUnsigned, isPacked;
    private readonly double scale, offset;
    private readonly double[] fills, unpackedFills;
    private readonly Int128[] wideFills;
    private readonly double lowest = double.NegativeInfinity, highest = double.PositiveInfinity;
    private readonly Int128 wideLowest = Int128.MinValue, wideHighest = Int128.MaxValue;
    private readonly double unpackedLowest = double.NegativeInfinity, unpackedHighest = double.PositiveInfinity;

    /// <summary>Reads the packing attributes of a variable.</summary>
    /// <exception cref="DataFileException">scale_factor or add_offset is not a finite number.</exception>
    public NetCdfPacking(NetCdfVariable variable, string path)
    {
        (this.variable, this.path) = (variable, path);
        bits = Bits(variable.Type);
        bool isUnsignedType = variable.Type is NetCdfType.UInt8 or NetCdfType.UInt16 or NetCdfType.UInt32 or NetCdfType.UInt64;
        string? said = variable.Text("_Unsigned")?.Trim().ToLowerInvariant();
        isUnsigned = bits > 0 && said switch { "true" => true, "false" => false, _ => isUnsignedType };
        isPacked = variable.Attributes.ContainsKey("scale_factor") || variable.Attributes.ContainsKey("add_offset");
        (scale, offset) = (Factor("scale_factor", 1), Factor("add_offset", 0));

        var explicitFill = Numbers("_FillValue");
        Limit[] missing = [.. explicitFill, .. Numbers("missing_value")];
        bool hasDefault = explicitFill.Length == 0 && isUnsigned == isUnsignedType;
        fills = [.. missing.Where(IsStorable).Select(limit => Stored(limit.Number)), .. hasDefault ? DefaultFill(variable.Type) : []];
        wideFills = [.. missing.Where(limit => limit.IsWhole).Select(limit => limit.Whole),
            .. hasDefault ? DefaultWideFill(variable.Type) : []];
        unpackedFills = [.. missing.Where(limit => isPacked && !IsStorable(limit) && double.IsFinite(limit.Number))
            .Select(limit => limit.Number)];

        Limit[] range = Numbers("valid_range"), minimum = Numbers("valid_min"), maximum = Numbers("valid_max");
        if (range is [var low, var high]) (minimum, maximum) = ([low], [high]);
        if (minimum is [var least, ..] && !double.IsNaN(least.Number))
        {
            if (IsInUnitsOfValues(least.Type)) unpackedLowest = least.Number - RoundOff(least);
            else (lowest, wideLowest) = (Stored(least.Number), least.IsWhole ? least.Whole : Saturated(Math.Ceiling(least.Number)));
        }
        if (maximum is [var most, ..] && !double.IsNaN(most.Number))
        {
            if (IsInUnitsOfValues(most.Type)) unpackedHighest = most.Number + RoundOff(most);
            else (highest, wideHighest) = (Stored(most.Number), most.IsWhole ? most.Whole : Saturated(Math.Floor(most.Number)));
        }
    }

    /// <summary>Converts stored numbers that double precision can hold to values, in place; missing ones become NaN.</summary>
    public void Unpack(Span<double> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            double stored = bits > 0 ? Read(values[i]) : values[i];
            bool isMissing = Array.IndexOf(fills, stored) >= 0 || !(stored >= lowest && stored <= highest);
            values[i] = isMissing ? double.NaN : Value(stored);
        }
    }

    /// <summary>Converts stored numbers of 64 bits to values; missing ones become NaN.</summary>
    public void Unpack(ReadOnlySpan<long> stored, Span<double> values)
    {
        for (int i = 0; i < stored.Length; i++)
        {
            Int128 read = isUnsigned ? (ulong)stored[i] : stored[i];
            bool isMissing = Array.IndexOf(wideFills, read) >= 0 || read < wideLowest || read > wideHighest;
            values[i] = isMissing ? double.NaN : Value((double)read);
        }
    }

    private double Value(double stored)
    {
        double value = isPacked ? stored * scale + offset : stored;
        if (!(value >= unpackedLowest && value <= unpackedHighest)) return double.NaN;
        foreach (double fill in unpackedFills)
            if (Math.Abs(value - fill) <= Math.Abs(scale) * 1e-3) return double.NaN;
        return value;
    }

    // Interprets the bits of a number of the stored type: signed or unsigned.
    private double Read(double number)
    {
        double span = Math.ScaleB(1, bits);
        return isUnsigned && number < 0 ? number + span : !isUnsigned && number >= span / 2 ? number - span : number;
    }

    // The guide: limits "of the same type as scale_factor ... wider than the external data" are in the units of the values, all others in
    // those of the stored numbers. A floating-point limit on whole numbers also counts as the first kind.
    private bool IsInUnitsOfValues(NetCdfType type)
    {
        int rank = Rank(type);
        int widest = Math.Max(RankOf("scale_factor"), RankOf("add_offset"));
        return isPacked && rank > Rank(variable.Type) && (rank == widest || (IsFloating(type) && bits > 0));
        int RankOf(string attribute) => variable.Attributes.TryGetValue(attribute, out var found) ? Rank(found.Type) : 0;
    }

    // The tolerance of a limit in the values' units: a thousandth of the step of packed whole numbers, and the limit's own precision.
    private double RoundOff(Limit limit)
    {
        double precision = limit.Type == NetCdfType.Float32 || bits == 0 ? 1.2e-7 : 4.5e-16;
        return Math.Max(bits > 0 ? Math.Abs(scale) * 1e-3 : 0, Math.Abs(limit.Number) * precision);
    }

    private double Stored(double number) => variable.Type == NetCdfType.Float32 ? (float)number : number;

    private bool IsStorable(Limit limit) => bits == 0 ||
        (double.IsInteger(limit.Number) && Read(limit.Number) == limit.Number && Math.Abs(limit.Number) <= Math.ScaleB(1, bits));

    private double Factor(string attribute, double otherwise)
    {
        if (!variable.Attributes.ContainsKey(attribute)) return otherwise;
        return Numbers(attribute) is [var number, ..] && double.IsFinite(number.Number) ? number.Number
            : throw new DataFileException($"The attribute '{attribute}' of the variable {variable} in '{path}' must be a finite " +
                $"number; without it the values cannot be unpacked.");
    }

    // The numbers of an attribute, interpreted like the stored ones if they have as many bits; text that holds numbers is accepted.
    private Limit[] Numbers(string attribute)
    {
        if (!variable.Attributes.TryGetValue(attribute, out var found)) return [];
        if (found.Text is { } text)
        {
            var parts = text.Split([' ', ',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            var numbers = new List<Limit>();
            foreach (string part in parts)
                if (double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double number))
                    numbers.Add(new(number, null, variable.Type));
                else return [];
            return [.. numbers];
        }
        bool sameBits = bits > 0 && Bits(found.Type) == bits;
        if (found.WholeNumbers.Count > 0)
            return [.. found.WholeNumbers.Select(number =>
            {
                var read = !sameBits ? number : isUnsigned && number < 0 ? number + (Int128.One << 64)
                    : !isUnsigned && number > long.MaxValue ? number - (Int128.One << 64) : number;
                return new Limit((double)read, read, found.Type);
            })];
        return [.. found.Numbers.Select(number => new Limit(sameBits ? Read(number) : number, null, found.Type))];
    }

    private static int Bits(NetCdfType type) => type switch
    {
        NetCdfType.Int8 or NetCdfType.UInt8 => 8,
        NetCdfType.Int16 or NetCdfType.UInt16 => 16,
        NetCdfType.Int32 or NetCdfType.UInt32 => 32,
        NetCdfType.Int64 or NetCdfType.UInt64 => 64,
        _ => 0,
    };

    private static int Rank(NetCdfType type) => type switch { NetCdfType.Float32 => 100, NetCdfType.Float64 => 101, _ => Bits(type) };

    private static bool IsFloating(NetCdfType type) => type is NetCdfType.Float32 or NetCdfType.Float64;

    private static Int128 Saturated(double number) => number <= -1e30 ? Int128.MinValue : number >= 1e30 ? Int128.MaxValue : (Int128)number;

    // The library's own fill values for data that were never written (netcdf.h, NC_FILL_*); bytes have no such value.
    private static double[] DefaultFill(NetCdfType type) => type switch
    {
        NetCdfType.Int16 => [-32767],
        NetCdfType.Int32 => [-2147483647],
        NetCdfType.Float32 or NetCdfType.Float64 => [9.9692099683868690e+36],
        NetCdfType.UInt16 => [65535],
        NetCdfType.UInt32 => [4294967295],
        _ => [],
    };

    private static Int128[] DefaultWideFill(NetCdfType type) => type switch
    {
        NetCdfType.Int64 => [-9223372036854775806],
        NetCdfType.UInt64 => [18446744073709551614],
        _ => [],
    };

    // A number of an attribute, to the last digit if it is whole.
    private readonly record struct Limit(double Number, Int128? Exact, NetCdfType Type)
    {
        public bool IsWhole => Exact is not null || (double.IsInteger(Number) && Math.Abs(Number) < 1e30);
        public Int128 Whole => Exact ?? (Int128)Number;
    }
}
