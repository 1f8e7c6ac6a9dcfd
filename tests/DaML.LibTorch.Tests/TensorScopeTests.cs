using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Who disposes what, as TorchSharp has it.</summary>
public class TensorScopeTests
{
    [Fact]
    public void A_scope_disposes_what_was_made_in_it_and_not_what_was_moved_out()
    {
        Tensor inside, moved, detached;
        using (var outer = NewDisposeScope())
        {
            using (var scope = NewDisposeScope())
            {
                Assert.Same(scope, CurrentDisposeScope);
                inside = ones(3);
                moved = (inside + 1).MoveToOuterDisposeScope();
                detached = (inside + 2).DetachFromDisposeScope();
                Assert.Equal(1, scope.DisposablesCount);
                Assert.True(scope.Contains(inside));
                Assert.True(outer.Contains(moved));
            }
            Assert.True(inside.IsInvalid);
            Assert.False(moved.IsInvalid);
        }
        Assert.True(moved.IsInvalid);
        Assert.False(detached.IsInvalid);
        detached.Dispose();
        Assert.Null(CurrentDisposeScope);
    }

    [Fact]
    public void Moving_out_of_the_outermost_scope_detaches()
    {
        Tensor t;
        using (NewDisposeScope()) t = ones(2).MoveToOuterDisposeScope();
        Assert.False(t.IsInvalid);
        Assert.Same(t, t.MoveToOuterDisposeScope());
        t.Dispose();
        t.Dispose();
        Assert.True(t.IsInvalid);
        Assert.Throws<InvalidOperationException>(() => t.shape);
    }

    [Fact]
    public void Scopes_may_be_disposed_out_of_order()
    {
        var outer = NewDisposeScope();
        var inner = NewDisposeScope();
        var a = ones(1);
        outer.Dispose();
        Assert.Same(inner, CurrentDisposeScope);
        Assert.False(a.IsInvalid);
        inner.Dispose();
        Assert.True(a.IsInvalid);
        Assert.Null(CurrentDisposeScope);
    }

    [Fact]
    public void Everything_but_what_is_kept()
    {
        using var scope = NewDisposeScope();
        var a = ones(1);
        var b = ones(1);
        var c = ones(1);
        Assert.Same(b, scope.DisposeEverythingBut(b));
        Assert.True(a.IsInvalid && c.IsInvalid && !b.IsInvalid);
        Assert.Equal([b], scope.DisposablesView);
        scope.Detach(b);
        scope.DisposeEverything();
        Assert.False(b.IsInvalid);
        scope.Attach(b);
    }

    [Fact]
    public void A_tensor_disposed_by_hand_leaves_its_scope()
    {
        using var scope = NewDisposeScope();
        var list = Enumerable.Range(0, 100).Select(_ => ones(1)).ToList();
        for (var i = 0; i < 100; i += 3) list[i].Dispose();
        Assert.Equal(66, scope.DisposablesCount);
        foreach (var t in list) t.Dispose();
        Assert.Equal(0, scope.DisposablesCount);
    }

    [Fact]
    public void Moving_to_the_scope_of_another_tensor()
    {
        using var outer = NewDisposeScope();
        var anchor = ones(1);
        Tensor t;
        using (NewDisposeScope()) t = ones(2).MoveToOtherDisposeScope(anchor);
        Assert.True(outer.Contains(t));
    }

    [Fact]
    public void An_expression_wrapped_in_a_scope_keeps_its_value_only()
    {
        using var scope = NewDisposeScope();
        var t = WrappedTensorDisposeScope(() => (ones(3) + 1) * 2);
        Assert.Equal(1, scope.DisposablesCount);
        Assert.Equal(12f, t.sum().item<float>());
    }

    [Fact]
    public void Scopes_belong_to_their_thread()
    {
        using var scope = NewDisposeScope();
        Tensor? other = null;
        var seen = new Thread(() =>
        {
            Assert.Null(CurrentDisposeScope);
            using var mine = NewDisposeScope();
            other = ones(4).DetachFromDisposeScope();
            Assert.Same(mine, CurrentDisposeScope);
        });
        seen.Start();
        seen.Join();
        Assert.Equal(0, scope.DisposablesCount);
        Assert.False(other!.IsInvalid);
        other.Dispose();
    }

    [Fact]
    public void The_statistics_count()
    {
        var s = DisposeScopeManager.Statistics;
        s.Reset();
        using (NewDisposeScope())
        {
            var a = ones(1);
            a.DetachFromDisposeScope().Dispose();
            _ = ones(1);
        }
        Assert.Equal(2, s.CreatedInScopeCount);
        Assert.Equal(1, s.DetachedFromScopeCount);
        Assert.Equal(0, s.ThreadTotalLiveCount);
    }

    [Fact]
    public void A_handle_given_away_is_no_longer_ours()
    {
        using var scope = NewDisposeScope();
        var t = tensor([1.0, 2.0]);
        var handle = t.DecoupleFromNativeHandle();
        Assert.True(t.IsInvalid);
        Assert.Equal(0, scope.DisposablesCount);
        using var again = Tensor.UnsafeCreateTensor(handle);
        Assert.Equal([1.0, 2.0], again.data<double>().ToArray());
    }
}
