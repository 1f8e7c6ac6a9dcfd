using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The memory H of a sequential method (Boudier et al. section 3): everything it carries from cycle to cycle, as tensors whose first
/// dimension is the batch.
/// </summary>
/// <typeparam name="TSelf">The memory's own type.</typeparam>
public interface IMemory<TSelf> where TSelf : IMemory<TSelf>
{
    /// <summary>The tensors of the memory.</summary>
    IEnumerable<Tensor> Tensors { get; }

    /// <summary>Applies a function to each tensor: detach, move, convert.</summary>
    TSelf Map(Func<Tensor, Tensor> function);
}

/// <summary>
/// A mean and a covariance, kept as its square root: the Kalman filter's memory. The root needs half of the covariance's range of digits,
/// and the covariance cannot become indefinite.
/// </summary>
public sealed record GaussianMemory : IMemory<GaussianMemory>
{
    /// <summary>Makes a memory from a mean and a covariance, which may be singular.</summary>
    /// <param name="mean"><c>[batch, n]</c></param>
    /// <param name="covariance"><c>[batch, n, n]</c>, positive semidefinite; it remains the caller's.</param>
    /// <exception cref="ArgumentException">The covariance has a negative eigenvalue beyond round-off.</exception>
    public GaussianMemory(Tensor mean, Tensor covariance) => (Mean, Root) = (mean, CovarianceRoot.Of(covariance));

    private GaussianMemory((Tensor Mean, Tensor Root) parts) => (Mean, Root) = parts;

    /// <summary>Makes a memory from a mean and a square root of the covariance.</summary>
    /// <param name="mean"><c>[batch, n]</c></param>
    /// <param name="root">W with P = W^T W, <c>[batch, n, n]</c>.</param>
    public static GaussianMemory OfRoot(Tensor mean, Tensor root) => new((mean, root));

    /// <summary>The mean, <c>[batch, n]</c>.</summary>
    public Tensor Mean { get; }

    /// <summary>W with P = W^T W, <c>[batch, n, n]</c>; its rows are deviations from the mean.</summary>
    public Tensor Root { get; }

    /// <summary>P, <c>[batch, n, n]</c>, computed at each call.</summary>
    public Tensor Covariance
    {
        get
        {
            using var scope = NewDisposeScope();
            return Root.mT.matmul(Root).MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    public IEnumerable<Tensor> Tensors => [Mean, Root];

    /// <inheritdoc/>
    public GaussianMemory Map(Func<Tensor, Tensor> function) => new((function(Mean), function(Root)));
}

/// <summary>An ensemble of states.</summary>
/// <param name="Members"><c>[batch, members, n]</c></param>
public sealed record EnsembleMemory(Tensor Members) : IMemory<EnsembleMemory>
{
    /// <inheritdoc/>
    public IEnumerable<Tensor> Tensors => [Members];

    /// <inheritdoc/>
    public EnsembleMemory Map(Func<Tensor, Tensor> function) => new(function(Members));
}

/// <summary>An ensemble of weighted states: the memory of a particle filter.</summary>
/// <param name="Members"><c>[batch, members, n]</c></param>
/// <param name="LogWeights">The logarithms of weights that sum to one, <c>[batch, members]</c>, finite.</param>
public sealed record ParticleMemory(Tensor Members, Tensor LogWeights) : IMemory<ParticleMemory>
{
    /// <inheritdoc/>
    public IEnumerable<Tensor> Tensors => [Members, LogWeights];

    /// <inheritdoc/>
    public ParticleMemory Map(Func<Tensor, Tensor> function) => new(function(Members), function(LogWeights));
}

/// <summary>One state: the memory of 3D-Var and of the ensemble-free analysis.</summary>
/// <param name="State"><c>[batch, n]</c></param>
public sealed record StateMemory(Tensor State) : IMemory<StateMemory>
{
    /// <inheritdoc/>
    public IEnumerable<Tensor> Tensors => [State];

    /// <inheritdoc/>
    public StateMemory Map(Func<Tensor, Tensor> function) => new(function(State));
}

/// <summary>A learned memory, H = R^m, or hidden channels <c>[batch, channels, n]</c> beside a state.</summary>
/// <param name="Vector"><c>[batch, ...]</c></param>
public sealed record VectorMemory(Tensor Vector) : IMemory<VectorMemory>
{
    /// <inheritdoc/>
    public IEnumerable<Tensor> Tensors => [Vector];

    /// <inheritdoc/>
    public VectorMemory Map(Func<Tensor, Tensor> function) => new(function(Vector));
}

/// <summary>Two memories side by side, for instance a state with hidden channels that the analyzer writes and reads.</summary>
public sealed record ProductMemory<TFirst, TSecond>(TFirst First, TSecond Second) : IMemory<ProductMemory<TFirst, TSecond>>
    where TFirst : IMemory<TFirst>
    where TSecond : IMemory<TSecond>
{
    /// <inheritdoc/>
    public IEnumerable<Tensor> Tensors => First.Tensors.Concat(Second.Tensors);

    /// <inheritdoc/>
    public ProductMemory<TFirst, TSecond> Map(Func<Tensor, Tensor> function) => new(First.Map(function), Second.Map(function));
}

/// <summary>Extensions of memories.</summary>
public static class MemoryExtensions
{
    /// <summary>The same values, detached from the autograd graph.</summary>
    public static TMemory Detach<TMemory>(this TMemory memory) where TMemory : IMemory<TMemory> => memory.Map(tensor => tensor.detach());

    /// <summary>Takes the memory out of every dispose scope; the caller disposes it with <see cref="Release"/>.</summary>
    public static TMemory Keep<TMemory>(this TMemory memory) where TMemory : IMemory<TMemory> =>
        memory.Map(tensor => tensor.DetachFromDisposeScope());

    /// <summary>Disposes the memory's tensors.</summary>
    public static void Release<TMemory>(this TMemory memory) where TMemory : IMemory<TMemory>
    {
        foreach (var tensor in memory.Tensors) tensor.Dispose();
    }
}
