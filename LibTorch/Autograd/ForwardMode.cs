using DaML.LibTorch;
using static TorchSharp.torch;

namespace DaML.LibTorch;

/// <summary>
/// Forward-mode differentiation: tangents carried along with the values, as in PyTorch's torch.autograd.forward_ad.
/// TorchSharp has no counterpart; under the package provider the same products come from two reverse passes.
/// </summary>
public static class ForwardMode
{
    // libtorch holds one level for the whole process: threads share it, and the last one to leave closes it. Their
    // tangents do not meet, since each hangs on a tensor of its thread. But tangents live until the level is closed, also on
    // what a graph has saved, and a way back through that graph would carry them along: where a graph is recorded, the level
    // is held alone, so that it is closed when the product is there.
    private static readonly object gate = new();
    private static long sharedIndex;
    private static int holders, waitingAlone;
    private static bool heldAlone;

    [ThreadStatic]
    private static bool entered;

    /// <summary>Whether the current thread has a level open, so that tensors may carry tangents.</summary>
    public static bool IsActive => entered;

    /// <summary>Opens a level on the current thread; tangents live until it is disposed.</summary>
    /// <exception cref="InvalidOperationException">The thread has one open; libtorch does not nest forward mode.</exception>
    public static Level EnterLevel() => new(alone: false);

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

    /// <summary>
    /// The value of <paramref name="function"/> at <paramref name="x"/> and its Jacobian times <paramref name="tangent"/>. Where gradients are
    /// enabled, both can be differentiated in reverse; threads then take turns, otherwise they run side by side.
    /// </summary>
    public static (Tensor Value, Tensor Product) JacobianVectorProduct(Func<Tensor, Tensor> function, Tensor x, Tensor tangent)
    {
        using var scope = NewDisposeScope();
        using var level = new Level(alone: is_grad_enabled());
        var (value, product) = Unpack(function(MakeDual(x, tangent, level)), level);
        product ??= zeros_like(value);
        return (value.MoveToOuterDisposeScope(), product.MoveToOuterDisposeScope());
    }

    /// <summary>An open level of forward-mode differentiation; it belongs to the thread that opened it.</summary>
    public sealed class Level : IDisposable
    {
        private readonly bool alone;
        private bool closed;

        internal unsafe Level(bool alone)
        {
            if (entered) throw new InvalidOperationException("Forward-mode differentiation within forward-mode differentiation is not possible with libtorch; use reverse mode for one of the two.");
            this.alone = alone;
            lock (gate)
            {
                if (alone) waitingAlone++;
                while (heldAlone || (alone ? holders > 0 : waitingAlone > 0)) Monitor.Wait(gate);
                if (alone) waitingAlone--;
                if (holders == 0)
                {
                    long index;
                    Throw.IfFailed(Native.daml_forward_level_enter(&index));
                    sharedIndex = index;
                }
                holders++;
                heldAlone = alone;
                Index = sharedIndex;
            }
            entered = true;
        }

        internal long Index { get; }

        /// <summary>Closes the level; its tangents are gone.</summary>
        public void Dispose()
        {
            if (closed) return;
            closed = true;
            entered = false;
            lock (gate)
            {
                holders--;
                if (alone) heldAlone = false;
                Monitor.PulseAll(gate);
                if (holders == 0) Throw.IfFailed(Native.daml_forward_level_leave(Index));
            }
        }
    }
}
