using DaML.LibTorch;
using static TorchSharp.torch;

namespace DaML.LibTorch;

/// <summary>
/// Forward-mode differentiation: tangents carried along with the values, as in PyTorch's torch.autograd.forward_ad.
/// TorchSharp has no counterpart; under the package provider the same products come from two reverse passes.
/// </summary>
public static class ForwardMode
{
    /// <summary>Opens a level; tangents live until it is disposed. libtorch holds one level at a time.</summary>
    public static Level EnterLevel() => new();

    /// <summary>A tensor with the value of <paramref name="primal"/> and the given tangent, of the same shape and type.</summary>
    public static Tensor MakeDual(Tensor primal, Tensor tangent, Level level) => Ops.Call("_make_dual", primal, tangent, level.Index);

    /// <summary>Value and tangent. The tangent is null where none arrived.</summary>
    public static (Tensor Primal, Tensor? Tangent) Unpack(Tensor dual, Level level)
    {
        var (primal, tangent) = Ops.Call2("_unpack_dual", dual, level.Index);
        if (!tangent.IsInvalid) return (primal, tangent);
        tangent.Dispose();
        return (primal, null);
    }

    /// <summary>The value of <paramref name="function"/> at <paramref name="x"/> and its Jacobian times <paramref name="tangent"/>.</summary>
    public static (Tensor Value, Tensor Product) JacobianVectorProduct(Func<Tensor, Tensor> function, Tensor x, Tensor tangent)
    {
        using var scope = NewDisposeScope();
        using var level = EnterLevel();
        var (value, product) = Unpack(function(MakeDual(x, tangent, level)), level);
        product ??= zeros_like(value);
        return (value.MoveToOuterDisposeScope(), product.MoveToOuterDisposeScope());
    }

    /// <summary>An open level of forward-mode differentiation.</summary>
    public sealed class Level : IDisposable
    {
        private int done;

        internal unsafe Level()
        {
            long index;
            Throw.IfFailed(Native.daml_forward_level_enter(&index));
            Index = index;
        }

        internal long Index { get; }

        /// <summary>Closes the level; its tangents are gone.</summary>
        public void Dispose()
        {
            if (Interlocked.Exchange(ref done, 1) == 0) Throw.IfFailed(Native.daml_forward_level_leave(Index));
        }
    }
}
