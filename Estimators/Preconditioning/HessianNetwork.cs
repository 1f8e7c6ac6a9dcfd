using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A network that maps a state to an approximate Hessian A_theta(x), symmetric positive definite and of low rank plus a multiple of the
/// identity, known by its products and its eigenpairs. Derive from it for a network of your own; <see cref="SpectralHessianNetwork"/>,
/// <see cref="TransportedHessianNetwork"/> and <see cref="ObservedHessianNetwork"/> are built in.
/// </summary>
/// <param name="name">The module's name.</param>
public abstract class HessianNetwork(string name) : nn.Module<Tensor, Tensor, Tensor>(name)
{
    /// <summary>r, the number of eigenpairs.</summary>
    public abstract int Rank { get; }

    /// <summary>Computes A_theta(x) Z, differentiable with respect to the weights.</summary>
    /// <param name="inputs">x as channels, <c>[batch, channels, grid...]</c>; see <see cref="HessianInputs"/>.</param>
    /// <param name="vectors">Z, <c>[batch, k, m]</c></param>
    /// <returns><c>[batch, k, m]</c></returns>
    public abstract override Tensor forward(Tensor inputs, Tensor vectors);

    /// <summary>Computes P Y with P = A_theta(x)^-1, and log det A_theta(x), both differentiable with respect to the weights.</summary>
    /// <param name="inputs">x as channels, <c>[batch, channels, grid...]</c></param>
    /// <param name="vectors">Y, <c>[batch, k, m]</c></param>
    /// <returns>P Y of the same shape, and <c>[batch]</c>.</returns>
    public abstract (Tensor Solved, Tensor LogDeterminant) Invert(Tensor inputs, Tensor vectors);

    /// <summary>Computes the leading eigenpairs of A_theta(x), the largest first.</summary>
    /// <param name="inputs">x as channels, <c>[batch, channels, grid...]</c></param>
    /// <returns>Values <c>[batch, r]</c> and orthonormal vectors <c>[batch, r, m]</c>; they belong to the caller.</returns>
    public abstract (Tensor Values, Tensor Vectors) Eigenpairs(Tensor inputs);

    // What the trunk makes of the inputs, [batch, features, grid...].
    private protected static Tensor Features(nn.Module<Tensor, Tensor> trunk, long features, Tensor inputs) => Require.Shape(
        trunk.call(inputs), $"The output of {trunk.GetName()} for {features} features", [inputs.size(0), features, .. inputs.Sizes()[2..]]);
}
