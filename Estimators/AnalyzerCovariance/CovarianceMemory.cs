using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A memory with an error covariance of the state it stands for; the inner method ignores the covariance.</summary>
/// <param name="Inner">The memory of the method itself.</param>
/// <param name="Covariance">P, symmetric and positive definite, in double precision, <c>[batch, n, n]</c></param>
/// <param name="Asymmetry">The relative size of the asymmetry that was removed from P: |J - J^T| / 2 |J| in the Frobenius norm,
/// <c>[batch]</c>; for a forecast, that of its analysis.</param>
/// <param name="Lifted">The amount added to eigenvalues to make P positive definite, relative to the sum of their sizes, <c>[batch]</c>;
/// for a forecast, that of its analysis.</param>
/// <typeparam name="TMemory">The inner memory.</typeparam>
public sealed record CovarianceMemory<TMemory>(TMemory Inner, Tensor Covariance, Tensor Asymmetry, Tensor Lifted)
    : IMemory<CovarianceMemory<TMemory>> where TMemory : IMemory<TMemory>
{
    /// <inheritdoc/>
    public IEnumerable<Tensor> Tensors => Inner.Tensors.Concat([Covariance, Asymmetry, Lifted]);

    /// <inheritdoc/>
    public CovarianceMemory<TMemory> Map(Func<Tensor, Tensor> function) =>
        new(Inner.Map(function), function(Covariance), function(Asymmetry), function(Lifted));
}

/// <summary>
/// Propagates the inner memory unchanged and the covariance by the model's tangent linear at its state, P -> M P M^T + Q
/// (<see cref="GaussianPropagater"/>): n additional model steps.
/// </summary>
/// <param name="inner">The inner memory's propagater.</param>
/// <param name="procoder">Gives the state that the memory stands for.</param>
/// <param name="dynamics">The model.</param>
/// <typeparam name="TMemory">The inner memory.</typeparam>
[Component("covariance-propagater")]
public sealed class CovariancePropagater<TMemory>(IPropagater<TMemory> inner, IProcoder<TMemory> procoder, IDynamics dynamics)
    : IPropagater<CovarianceMemory<TMemory>> where TMemory : IMemory<TMemory>
{
    private readonly GaussianPropagater gaussian = new(dynamics);

    /// <inheritdoc/>
    public double? TimeStep => dynamics.TimeStep;

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public CovarianceMemory<TMemory> Propagate(CovarianceMemory<TMemory> analysis, TimeInterval interval, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var mean = procoder.Decode(analysis.Inner).Mean.to(analysis.Covariance.dtype);
        var covariance = gaussian.Propagate(new(mean, analysis.Covariance), interval, random).Covariance;
        return new CovarianceMemory<TMemory>(inner.Propagate(analysis.Inner, interval, random), covariance, analysis.Asymmetry.alias(),
            analysis.Lifted.alias())
            .Map(tensor => tensor.MoveToOuterDisposeScope());
    }
}

/// <summary>Decodes state and covariance as their normal density.</summary>
/// <param name="inner">Gives the state that the inner memory stands for.</param>
/// <typeparam name="TMemory">The inner memory.</typeparam>
[Component("covariance-procoder")]
public sealed class CovarianceProcoder<TMemory>(IProcoder<TMemory> inner) : IProcoder<CovarianceMemory<TMemory>>
    where TMemory : IMemory<TMemory>
{
    /// <inheritdoc/>
    public IDensity Decode(CovarianceMemory<TMemory> memory) =>
        new GaussianDensity(inner.Decode(memory.Inner).Mean.to(memory.Covariance.dtype), memory.Covariance);
}

/// <summary>Starts the inner memory unchanged, with independent errors of one variance.</summary>
/// <param name="inner">The source of the inner memory.</param>
/// <param name="procoder">Gives the state that the memory stands for.</param>
/// <param name="variance">The variance of each component's error, in the state's unit squared.</param>
/// <typeparam name="TMemory">The inner memory.</typeparam>
[Component("covariance-source")]
public sealed class CovarianceSource<TMemory>(IMemorySource<TMemory> inner, IProcoder<TMemory> procoder, double variance)
    : IMemorySource<CovarianceMemory<TMemory>> where TMemory : IMemory<TMemory>
{
    private readonly double variance = Require.Positive(variance);

    /// <inheritdoc/>
    public CovarianceMemory<TMemory> Start(long batch, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var started = inner.Start(batch, random);
        var state = procoder.Decode(started).Mean;
        long n = state.size(1);
        Tensor None() => zeros([batch], dtype: ScalarType.Float64, device: state.device);
        return new CovarianceMemory<TMemory>(started,
            (variance * eye(n, dtype: ScalarType.Float64, device: state.device)).repeat(batch, 1, 1), None(), None())
            .Map(tensor => tensor.MoveToOuterDisposeScope());
    }
}
