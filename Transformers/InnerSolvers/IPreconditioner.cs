namespace DaML.Components;

/// <summary>
/// A symmetric positive definite P, close to the inverse of a Hessian A and cheap to apply, so that P A is well conditioned (Trappler and
/// Vidard, section 1.5).
/// </summary>
public interface IPreconditioner
{
    /// <summary>The preconditioner's name.</summary>
    string Name { get; }

    /// <summary>P v; the result is the caller's (an alias of v if P v is v).</summary>
    ControlVector Apply(ControlVector vector);
}
