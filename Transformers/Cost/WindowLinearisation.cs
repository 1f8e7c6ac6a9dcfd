using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A model linearised along a window's trajectory, from one step that matters to the next, once for any number of products, so the
/// nonlinear model is not run again. A step matters if something is added or read there; increments and sensitivities exist at these
/// steps and are null at others. They are <c>[batch, n]</c>, or <c>[batch, k, n]</c> for k vectors at once.
/// </summary>
internal sealed class WindowLinearisation : IDisposable
{
    private readonly IReadOnlyList<int> marks;
    private readonly List<ILinearisation> segments = []; // each from one mark to the next

    /// <param name="dynamics">M</param>
    /// <param name="at">x at every step; it must live as long as this object, because products of the cost's terms need it too.</param>
    /// <param name="marks">The steps that matter, in order of time, the first one 0. The model is not linearised after the last.</param>
    public WindowLinearisation(IDynamics dynamics, WindowTrajectory<State> at, IReadOnlyList<int> marks)
    {
        At = at;
        this.marks = marks;
        foreach (var (first, last) in marks.Zip(marks.Skip(1)))
            segments.Add(dynamics.Linearise(at[first].Values, new TimeInterval(at.Window.TimeOf(first), at.Window.TimeOf(last)), new()
            {
                // No bound: it keeps as many as a linearisation of each step would.
                KeptStates = int.MaxValue, States = [.. Enumerable.Range(first, last - first).Select(step => at[step].Values)],
            }));
    }

    /// <summary>x at every step.</summary>
    public WindowTrajectory<State> At { get; }

    /// <summary>
    /// The memory that a product takes per vector, in states: increments and sensitivities at the steps that matter. A model that steps
    /// several vectors as several states needs more at a time; for it the figure counts every step of the window.
    /// </summary>
    public int StatesPerVector => 2 * (segments.Exists(segment => segment is StepwiseLinearisation) ? At.Window.Steps + 1 : marks.Count);

    /// <summary>dx_0 = f_0, dx_k = M' dx_{k-1} + f_k.</summary>
    /// <param name="forcing">f, at steps that matter.</param>
    /// <param name="vectors">k; null for vectors without this dimension.</param>
    public Increment?[] TangentLinear(WindowContributions<Increment> forcing, long? vectors = null)
    {
        var increments = new Increment?[At.Window.Steps + 1];
        var last = forcing[0] ?? new(Zeros(vectors));
        increments[0] = last;
        for (int i = 0; i < segments.Count; i++)
        {
            using var scope = NewDisposeScope();
            var next = new Increment(segments[i].TangentLinear(last.Values));
            if (forcing[marks[i + 1]] is { } force) next += force;
            increments[marks[i + 1]] = last = new(next.Values.MoveToOuterDisposeScope());
        }
        return increments;
    }

    /// <summary>
    /// The sensitivity to the state at each step that matters, including its effect on all later steps: a_K = s_K, a_k = M'^T a_{k+1} +
    /// s_k.
    /// </summary>
    /// <param name="contributions">s, at steps that matter.</param>
    /// <param name="vectors">k; null for vectors without this dimension.</param>
    public Sensitivity?[] Adjoint(WindowContributions<Sensitivity> contributions, long? vectors = null)
    {
        var sensitivities = new Sensitivity?[At.Window.Steps + 1];
        var zero = new Sensitivity(Zeros(vectors));
        Sensitivity? later = null; // none if nothing later depends on the state
        for (int i = segments.Count; i >= 0; i--)
        {
            using var scope = NewDisposeScope();
            var here = contributions[marks[i]];
            if (later is { } known)
            {
                var back = new Sensitivity(segments[i].Adjoint(known.Values));
                if (here is { } added) back += added;
                later = new(back.Values.MoveToOuterDisposeScope());
            }
            else later = here;
            sensitivities[marks[i]] = later ?? zero;
        }
        return sensitivities;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var segment in segments) segment.Dispose();
    }

    private Tensor Zeros(long? vectors)
    {
        var window = At.Window;
        var zeros = window.Zeros(window.Dimension);
        return vectors is { } count ? zeros.unsqueeze(1).expand(window.Batch, count, window.Dimension) : zeros;
    }
}
