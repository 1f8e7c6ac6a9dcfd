namespace DaML.Samples;

/// <summary>How a <see cref="Finding"/> is to be taken.</summary>
internal enum FindingState
{
    /// <summary>It is there, or it works.</summary>
    Ok,

    /// <summary>It is not there, and only some things need it.</summary>
    Absent,

    /// <summary>It does not work, and the demo needs it.</summary>
    Failed,
}

/// <summary>One thing that <see cref="Doctor"/> looked at.</summary>
/// <param name="Subject">What it is, for instance <c>netcdf library</c>.</param>
/// <param name="State">How it is to be taken.</param>
/// <param name="Found">What was found: a version, a number, or the cause of a failure.</param>
/// <param name="Cure">What to install or set, and for what (default: null, nothing).</param>
internal sealed record Finding(string Subject, FindingState State, string Found, string? Cure = null);
