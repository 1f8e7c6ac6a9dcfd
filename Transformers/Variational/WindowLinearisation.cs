using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A model linearised at each step of a window's trajectory, once for any number of products: they do not run the nonlinear model again.
/// Increments and sensitivities are <c>[batch, n]</c>, or <c>[batch, k, n]</c> for k vectors at once.
/// </summary>
internal sealed class WindowLinearisation : IDisposable
{
    private readonly List<ILinearisation> steps = [];

    /// <param name="dynamics">M</param>
    /// <param name="at">x at every step; products of the cost's terms need it too, so it must live as long as this object.</param>
    public WindowLinearisation(IDynamics dynamics, WindowTrajectory<State> at)
    {
        At = at;
        var window = at.Window;
        for (int step = 0; step < window.Steps; step++)
            steps.Add(dynamics.Linearise(at[step].Values, new TimeInterval(window.TimeOf(step), window.TimeOf(step + 1))));
    }

    /// <summary>x at every step.</summary>
    public WindowTrajectory<State> At { get; }

    /// <summary>dx_0 = f_0, dx_k = M' dx_{k-1} + f_k.</summary>
    /// <param name="forcing">f</param>
    /// <param name="vectors">k; null for vectors without that dimension.</param>
    public WindowTrajectory<Increment> TangentLinear(WindowContributions<Increment> forcing, long? vectors = null)
    {
        var increments = new List<Increment>(steps.Count + 1) { forcing[0] ?? new(Zeros(vectors)) };
        for (int step = 1; step <= steps.Count; step++)
        {
            using var scope = NewDisposeScope();
            var next = new Increment(steps[step - 1].TangentLinear(increments[^1].Values));
            if (forcing[step] is { } force) next += force;
            increments.Add(new(next.Values.MoveToOuterDisposeScope()));
        }
        return new(At.Window, increments);
    }

    /// <summary>The sensitivity to the state at each step, through all that the model makes of it: a_K = s_K, a_k = M'^T a_{k+1} + s_k.</summary>
    /// <param name="contributions">s</param>
    /// <param name="vectors">k; null for vectors without that dimension.</param>
    public WindowTrajectory<Sensitivity> Adjoint(WindowContributions<Sensitivity> contributions, long? vectors = null)
    {
        var sensitivities = new Sensitivity[steps.Count + 1];
        var zero = new Sensitivity(Zeros(vectors));
        Sensitivity? later = null; // none where nothing later depends on the state
        for (int step = steps.Count; step >= 0; step--)
        {
            using var scope = NewDisposeScope();
            if (later is { } known)
            {
                var back = new Sensitivity(steps[step].Adjoint(known.Values));
                if (contributions[step] is { } here) back += here;
                later = new(back.Values.MoveToOuterDisposeScope());
            }
            else later = contributions[step];
            sensitivities[step] = later ?? zero;
        }
        return new(At.Window, sensitivities);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var step in steps) step.Dispose();
    }

    private Tensor Zeros(long? vectors)
    {
        var window = At.Window;
        var zeros = window.Zeros(window.Dimension);
        return vectors is { } count ? zeros.unsqueeze(1).expand(window.Batch, count, window.Dimension) : zeros;
    }
}
