namespace DaML.Components;

/// <summary>A dimension of a NetCDF file.</summary>
/// <param name="Name">The name.</param>
/// <param name="Length">The current length.</param>
/// <param name="IsUnlimited">Whether the dimension can grow.</param>
public sealed record NetCdfDimension(string Name, long Length, bool IsUnlimited)
{
    /// <summary>The number that the library uses for it; dimensions of different groups may have the same name.</summary>
    internal int Number { get; init; }
}

/// <summary>An attribute of a NetCDF file or variable.</summary>
/// <param name="Name">The name.</param>
/// <param name="Text">The value if it is text, otherwise null.</param>
/// <param name="Numbers">The values if they are numbers, otherwise empty; whole numbers of 64 bits beyond 2^53 are rounded.</param>
public sealed record NetCdfAttribute(string Name, string? Text, IReadOnlyList<double> Numbers)
{
    /// <summary>The stored type of the values.</summary>
    public NetCdfType Type { get; init; }

    /// <summary>The values to the last digit if they are whole numbers of 64 bits, otherwise empty.</summary>
    internal IReadOnlyList<Int128> WholeNumbers { get; init; } = [];
}

/// <summary>The stored type of a variable's values in a NetCDF file.</summary>
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
/// <param name="Name">The name; in a group with the group's path, for instance <c>ObsValue/airTemperature</c>.</param>
/// <param name="Type">The stored type of the values.</param>
/// <param name="Dimensions">The dimensions, slowest first.</param>
/// <param name="Attributes">The attributes by name.</param>
public sealed record NetCdfVariable(string Name, NetCdfType Type, IReadOnlyList<NetCdfDimension> Dimensions,
    IReadOnlyDictionary<string, NetCdfAttribute> Attributes)
{
    /// <summary>The numbers that the library uses for its group, and for the variable within the group.</summary>
    internal (int Group, int Number) Place { get; init; }

    /// <summary>The path of its group, with a slash at its end; empty in the root group.</summary>
    internal string GroupPath => Name[..(Name.LastIndexOf('/') + 1)];

    /// <summary>The sizes, slowest first.</summary>
    public long[] Shape => [.. Dimensions.Select(dimension => dimension.Length)];

    /// <summary>A text attribute; null if there is none.</summary>
    public string? Text(string attribute) => Attributes.GetValueOrDefault(attribute)?.Text;

    /// <summary>The first number of a numeric attribute; null if there is none.</summary>
    public double? FirstNumber(string attribute) => Attributes.GetValueOrDefault(attribute)?.Numbers is [var first, ..] ? first : null;

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Name}({string.Join(", ", Dimensions.Select(dimension => $"{dimension.Name} = {dimension.Length}"))})";
}
