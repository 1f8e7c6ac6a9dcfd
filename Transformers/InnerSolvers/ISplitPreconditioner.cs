namespace DaML.Components;

/// <summary>
/// A preconditioner with a known factor, P = L L^T, so that A v = b can be solved as (L^T A L) u = L^T b with v = L u: the split form
/// (Trappler and Vidard, section 1.5). A first level and a <see cref="SplitSolver"/> need it.
/// </summary>
public interface ISplitPreconditioner : IPreconditioner
{
    /// <summary>L u; the result is the caller's (an alias of u if L u is u).</summary>
    ControlVector ApplyFactor(ControlVector vector);

    /// <summary>L^T v; the result is the caller's (an alias of v if L^T v is v).</summary>
    ControlVector ApplyFactorTranspose(ControlVector vector);
}
