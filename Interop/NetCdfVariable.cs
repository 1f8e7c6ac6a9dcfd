namespace DaML;

/// <summary>A dimension of a NetCDF file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Length">Its length now.</param>
/// <param name="IsUnlimited">Whether it can grow (the record dimension).</param>
public sealed record NetCdfDimension(string Name, long Length, bool IsUnlimited);

/// <summary>An attribute of a NetCDF file or variable.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Text">Its value where it is text, otherwise null.</param>
/// <param name="Numbers">Its values where it is numbers, otherwise empty.</param>
public sealed record NetCdfAttribute(string Name, string? Text, IReadOnlyList<double> Numbers);

/// <summary>How a NetCDF file stores a variable's values.</summary>
public enum NetCdfType
{
    /// <summary>Signed, 1 byte.</summary>
    Int8 = 1,
    /// <summary>Text, 1 byte a character.</summary>
    Character = 2,
    /// <summary>Signed, 2 bytes.</summary>
    Int16 = 3,
    /// <summary>Signed, 4 bytes.</summary>
    Int32 = 4,
    /// <summary>Floating point, 4 bytes.</summary>
    Float32 = 5,
    /// <summary>Floating point, 8 bytes.</summary>
    Float64 = 6,
    /// <summary>Unsigned, 1 byte.</summary>
    UInt8 = 7,
    /// <summary>Unsigned, 2 bytes.</summary>
    UInt16 = 8,
    /// <summary>Unsigned, 4 bytes.</summary>
    UInt32 = 9,
    /// <summary>Signed, 8 bytes.</summary>
    Int64 = 10,
    /// <summary>Unsigned, 8 bytes.</summary>
    UInt64 = 11,
    /// <summary>Text of any length.</summary>
    Text = 12,
    /// <summary>A type that the file defines itself.</summary>
    UserDefined = 13,
}

/// <summary>A variable of a NetCDF file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">How its values are stored.</param>
/// <param name="Dimensions">Its dimensions, slowest first.</param>
/// <param name="Attributes">Its attributes by name.</param>
public sealed record NetCdfVariable(string Name, NetCdfType Type, IReadOnlyList<NetCdfDimension> Dimensions,
    IReadOnlyDictionary<string, NetCdfAttribute> Attributes)
{
    internal int Number { get; init; }

    /// <summary>The sizes, slowest first.</summary>
    public long[] Shape => [.. Dimensions.Select(dimension => dimension.Length)];

    /// <summary>A text attribute, or null where there is none.</summary>
    public string? Text(string attribute) => Attributes.GetValueOrDefault(attribute)?.Text;

    /// <summary>The first number of a numeric attribute, or null where there is none.</summary>
    public double? FirstNumber(string attribute) => Attributes.GetValueOrDefault(attribute)?.Numbers is [var first, ..] ? first : null;

    /// <inheritdoc/>
    public override string ToString() => $"{Name}({string.Join(", ", Dimensions.Select(dimension => $"{dimension.Name} = {dimension.Length}"))})";
}
