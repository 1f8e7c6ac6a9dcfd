namespace DaML.Components;

/// <summary>
/// A preconditioner with a factor at hand, P = L L^T, so that A v = b can be solved as (L^T A L) u = L^T b with v = L u: the split form
/// (Trappler and Vidard, section 1.5). It is needed for a first level, and by a <see cref="SplitSolver"/>.
/// </summary>
public interface ISplitPreconditioner : IPreconditioner
{
    /// <summary>L u; the result is the caller's (an alias where it is u).</summary>
    ControlVector ApplyFactor(ControlVector vector);

    /// <summary>L^T v; the result is the caller's (an alias where it is v).</summary>
    ControlVector ApplyFactorTranspose(ControlVector vector);
}
