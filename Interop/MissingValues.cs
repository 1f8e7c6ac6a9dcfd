namespace DaML;

/// <summary>What a reader of a file does with values that are missing.</summary>
public enum MissingValues
{
    /// <summary>A missing value is an error that names where it is: for data that must be complete.</summary>
    Refuse,

    /// <summary>
    /// The view has a mask beside the column (<see cref="Columns.MaskOf"/>), false where a value is missing; the value itself is zero
    /// there.
    /// </summary>
    Mask,
}
