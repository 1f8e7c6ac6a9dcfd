using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The model error term of the weak constraint in its forcing form (Tremolet 2006, Q. J. R. Meteorol. Soc. 132, 2483-2504): the model
/// errs by eta_k in every step, x_k = M(x_{k-1}) + eta_k, and J_q = 1/2 sum |eta_k|^2 in Q^-1. Its control variables are v_k with eta_k =
/// Q^(1/2) v_k, n for each step of the window.
/// </summary>
/// <param name="modelError">Q, the error covariance of one time step, of the state's dimension.</param>
[Component("model-error-term")]
public sealed class ModelErrorTerm([Saved("covariance")] IErrorCovariance modelError) : IPriorTerm
{
    /// <inheritdoc/>
    public string Name => "Jq";

    /// <summary>Q</summary>
    public IErrorCovariance Covariance => modelError;

    /// <inheritdoc/>
    public long ControlDimension(AssimilationWindow window) => modelError.Dimension == window.Dimension ? window.Steps * window.Dimension
        : throw new ArgumentException(
            $"The model error covariance must have the dimension of the state, {window.Dimension}; given: {modelError.Dimension}.");

    /// <inheritdoc/>
    public void AddIncrements(AssimilationWindow window, ControlVector control, WindowContributions<Increment> increments)
    {
        using var errors = modelError.Colour(control.Values.reshape(window.Batch, window.Steps, window.Dimension));
        for (int step = 1; step <= window.Steps; step++) increments.Add(step, new Increment(errors.select(1, step - 1)));
    }

    /// <inheritdoc/>
    public ControlVector Adjoint(AssimilationWindow window, WindowTrajectory<Sensitivity> sensitivities)
    {
        if (window.Steps == 0) return new(window.Zeros(0));
        using var scope = NewDisposeScope();
        var stacked = stack(sensitivities.Steps.Skip(1).Select(sensitivity => sensitivity.Values), 1);
        return new(modelError.ColourAdjoint(stacked).reshape(window.Batch, window.Steps * window.Dimension).MoveToOuterDisposeScope());
    }
}
