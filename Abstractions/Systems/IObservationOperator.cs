using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// An observation operator, y = H(x) (Boudier et al. eq. 2.1b). States are <c>[..., n]</c>, observations <c>[..., p]</c>.
/// </summary>
public interface IObservationOperator
{
    /// <summary>The name in messages and tables.</summary>
    string Name { get; }

    /// <summary>The state's dimension n.</summary>
    long StateDimension { get; }

    /// <summary>The number of observations p.</summary>
    long ObservationDimension { get; }

    /// <summary>Whether H is linear, H(x) = H'x, so that one gain or one linearisation serves all states (default: false).</summary>
    bool IsLinear => false;

    /// <summary>H(x), <c>[..., p]</c>.</summary>
    Tensor Apply(Tensor state);

    /// <summary>H'(x) dx, <c>[..., p]</c>.</summary>
    Tensor TangentLinear(Tensor state, Tensor perturbation);

    /// <summary>H'(x)^T dy, <c>[..., n]</c>.</summary>
    Tensor Adjoint(Tensor state, Tensor sensitivity);
}
