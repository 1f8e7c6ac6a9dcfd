using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The shallow-water model linearised along its runs, one for each state of a batch, with the states at all stages of their steps if
/// there is space.
/// </summary>
internal sealed class ShallowWaterLinearisation<T> : ILinearisation where T : unmanaged, INumber<T>
{
    private readonly ShallowWater model;
    private readonly ShallowWaterKernel<T> kernel;
    private readonly Trajectory<T>[] runs;

    public ShallowWaterLinearisation(ShallowWater model, ShallowWaterKernel<T> kernel, Tensor state, TimeInterval interval, long steps,
        int keptStates, bool wantsEnd)
    {
        (this.model, this.kernel, Interval) = (model, kernel, interval);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        Start = state.detach().clone().contiguous().DetachFromDisposeScope();
        End = empty_like(Start).DetachFromDisposeScope();
        runs = new Trajectory<T>[Start.numel() / model.Dimension];
        Tensor from = Start.reshape(-1, model.Dimension), to = End.view(-1, model.Dimension);
        for (int row = 0; row < runs.Length; row++)
        {
            runs[row] = kernel.Run(from.select(0, row), steps, keptStates, wantsEnd ? to.select(0, row) : null, out var unsound);
            if (unsound is not { } found) continue;
            Dispose();
            throw model.Unsound(found with { Row = row }, interval);
        }
    }

    public TimeInterval Interval { get; }

    public Tensor Start { get; }

    public Tensor End { get; }

    public Tensor TangentLinear(Tensor perturbations) => Carry(perturbations, kernel.StepTangentLinear);

    public Tensor Adjoint(Tensor sensitivities) => Carry(sensitivities, kernel.StepAdjoint);

    public void Dispose()
    {
        Start.Dispose();
        End.Dispose();
    }

    private Tensor Carry(Tensor vectors, Action<Trajectory<T>, Tensor, Tensor> step)
    {
        StepwiseLinearisation.CheckShape(model, Start, vectors);
        if (is_grad_enabled() && vectors.requires_grad)
            throw new ArgumentException(
                $"The products of a linearisation of {model.Name} cannot be differentiated; detach the vectors, or use " +
                    $"{nameof(IDynamics.TangentLinear)} and {nameof(IDynamics.Adjoint)} of the model.", nameof(vectors));
        using var scope = NewDisposeScope();
        long perState = vectors.numel() / Start.numel();
        Tensor from = vectors.detach().contiguous(), result = empty(vectors.Sizes(), dtype: vectors.dtype);
        if (from.numel() == 0) return result.MoveToOuterDisposeScope();
        Tensor rows = from.view(runs.Length, perState, model.Dimension), results = result.view(runs.Length, perState, model.Dimension);
        if (perState > 1) for (int row = 0; row < runs.Length; row++) Row(row);
        else kernel.ForEachRow(runs.Length, runs[0].Steps, Row);
        return result.MoveToOuterDisposeScope();

        void Row(long row)
        {
            using var inner = NewDisposeScope();
            step(runs[row], rows.select(0, row), results.select(0, row));
        }
    }
}
