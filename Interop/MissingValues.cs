namespace DaML;

/// <summary>The treatment of missing values by a reader of a file.</summary>
public enum MissingValues
{
    /// <summary>A missing value is an error that names its place: for data that must be complete.</summary>
    Refuse,

    /// <summary>
    /// The view has a mask beside the column (<see cref="Columns.MaskOf"/>), false for a missing value; the value itself is zero.
    /// </summary>
    Mask,
}
