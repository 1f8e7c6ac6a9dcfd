#pragma warning disable CS1591 // the names are TorchSharp's, and are documented there

using System.Text;

namespace TorchSharp;

/// <summary>Disposes, when it is disposed, every tensor made on its thread while it was the innermost scope.</summary>
public sealed class DisposeScope : IDisposable
{
    private DisposeScopeManager? manager;

    // Each tensor knows its place here, so that leaving costs no search; the last one moves into the gap.
    private List<torch.Tensor> tensors;

    internal DisposeScope(DisposeScopeManager manager)
    {
        this.manager = manager;
        tensors = manager.TakeList();
        OuterScope = manager.CurrentDisposeScope;
    }

    internal DisposeScope? OuterScope { get; set; }

    private DisposeScopeManager Manager
    {
        get
        {
            ObjectDisposedException.ThrowIf(manager is null, this);
            return manager;
        }
    }

    public IReadOnlyList<IDisposable> DisposablesView
    {
        get
        {
            _ = Manager;
            return [.. tensors];
        }
    }

    public int DisposablesCount
    {
        get
        {
            _ = Manager;
            return tensors.Count;
        }
    }

    public bool Contains(IDisposable disposable) => disposable is torch.Tensor t && ReferenceEquals(t.OwningDisposeScope, this);

    internal void Add(torch.Tensor t)
    {
        t.OwningDisposeScope = this;
        t.PlaceInScope = tensors.Count;
        tensors.Add(t);
    }

    internal bool Remove(IDisposable disposable)
    {
        if (disposable is not torch.Tensor t || !ReferenceEquals(t.OwningDisposeScope, this)) return false;
        var last = tensors[^1];
        tensors[t.PlaceInScope] = last;
        last.PlaceInScope = t.PlaceInScope;
        tensors.RemoveAt(tensors.Count - 1);
        t.OwningDisposeScope = null;
        return true;
    }

    public T MoveToOuter<T>(T disposable) where T : IDisposable
    {
        Move(OuterScope, disposable);
        return disposable;
    }

    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable =>
        (MoveToOuter(first), MoveToOuter(second));

    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable =>
        (MoveToOuter(first), MoveToOuter(second), MoveToOuter(third));

    public void MoveToOuter(params IDisposable[] disposables) => MoveToOther(OuterScope, disposables);
    public void MoveToOuter(IEnumerable<IDisposable> disposables) => MoveToOther(OuterScope, disposables);

    public T MoveToOther<T>(DisposeScope? scope, T disposable) where T : IDisposable
    {
        Move(scope, disposable);
        return disposable;
    }

    public (T1 first, T2 second) MoveToOther<T1, T2>(DisposeScope? scope, T1 first, T2 second)
        where T1 : IDisposable where T2 : IDisposable => (MoveToOther(scope, first), MoveToOther(scope, second));

    public (T1 first, T2 second, T3 third) MoveToOther<T1, T2, T3>(DisposeScope? scope, T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable =>
        (MoveToOther(scope, first), MoveToOther(scope, second), MoveToOther(scope, third));

    public void MoveToOther(DisposeScope? scope, params IDisposable[] disposables) =>
        MoveToOther(scope, (IEnumerable<IDisposable>)disposables);

    public void MoveToOther(DisposeScope? scope, IEnumerable<IDisposable> disposables)
    {
        foreach (var d in disposables) Move(scope, d);
    }

    private void Move(DisposeScope? scope, IDisposable disposable)
    {
        var m = Manager;
        if (!Remove(disposable)) return;
        if (scope is null) m.StatisticsInstance.TensorStatistics.DetachedFromScopeCount++;
        else scope.Add((torch.Tensor)disposable);
    }

    public T Detach<T>(T disposable) where T : IDisposable
    {
        Move(null, disposable);
        return disposable;
    }

    public (T1 first, T2 second) Detach<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable =>
        (Detach(first), Detach(second));

    public (T1 first, T2 second, T3 third) Detach<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable => (Detach(first), Detach(second), Detach(third));

    public void Detach(params IDisposable[] disposables) => MoveToOther(null, (IEnumerable<IDisposable>)disposables);
    public void Detach(IEnumerable<IDisposable> disposables) => MoveToOther(null, disposables);

    public void Attach(IDisposable disposable) => Attach((IEnumerable<IDisposable>)[disposable]);
    public void Attach(params IDisposable[] disposables) => Attach((IEnumerable<IDisposable>)disposables);

    public IReadOnlyList<IDisposable> Attach(IEnumerable<IDisposable> disposables)
    {
        var m = Manager;
        var attached = new List<IDisposable>();
        foreach (var d in disposables)
        {
            if (d is not torch.Tensor t) throw new InvalidOperationException("a DisposeScope manages tensors only");
            if (!Contains(t))
            {
                t.OwningDisposeScope?.Remove(t);
                Add(t);
                m.StatisticsInstance.TensorStatistics.AttachedToScopeCount++;
            }
            attached.Add(d);
        }
        return attached;
    }

    public void DisposeEverything()
    {
        _ = Manager;
        while (tensors.Count > 0)
        {
            var t = tensors[^1];
            t.Dispose();
            Remove(t);   // whatever its Dispose did
        }
    }

    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        _ = Manager;
        var keep = new HashSet<IDisposable>(inKeep, ReferenceEqualityComparer.Instance);
        foreach (var t in tensors.ToArray())
            if (!keep.Contains(t)) t.Dispose();
    }

    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    public T DisposeEverythingBut<T>(T keep) where T : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[keep]);
        return keep;
    }

    public (T1 first, T2 second) DisposeEverythingBut<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) DisposeEverythingBut<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[first, second, third]);
        return (first, second, third);
    }

    public void MarkAsDisposed(IDisposable disposable)
    {
        _ = Manager;
        Remove(disposable);
    }

    public void Dispose()
    {
        if (manager is null) return;
        DisposeEverything();
        manager.RemoveDisposeScope(this);
        manager.KeepList(tensors);
        tensors = [];
        manager = null;
    }
}

/// <summary>The stack of dispose scopes of one thread.</summary>
public class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScopeManager? ofThisThread;

    internal static DisposeScopeManager ThreadSingleton => ofThisThread ??= new DisposeScopeManager();

    // Empty lists of scopes that are gone, for the next ones: a loop opens and closes the same few again and again.
    private const int MostKept = 16, LargestKept = 1024;
    private readonly Stack<List<torch.Tensor>> kept = new();

    internal List<torch.Tensor> TakeList() => kept.TryPop(out var list) ? list : [];

    // A scope may be disposed on another thread than its own; its list is then left to the collector.
    internal void KeepList(List<torch.Tensor> list)
    {
        if (ReferenceEquals(this, ofThisThread) && kept.Count < MostKept && list.Capacity <= LargestKept) kept.Push(list);
    }

    internal ThreadDisposeScopeStatistics StatisticsInstance { get; } = new();
    internal DisposeScope? CurrentDisposeScope { get; private set; }

    public static ThreadDisposeScopeStatistics Statistics => ThreadSingleton.StatisticsInstance;

    internal void Register(torch.Tensor tensor)
    {
        var scope = CurrentDisposeScope;
        if (scope is null) StatisticsInstance.TensorStatistics.CreatedOutsideScopeCount++;
        else
        {
            StatisticsInstance.TensorStatistics.CreatedInScopeCount++;
            scope.Add(tensor);
        }
    }

    internal void Disposing(torch.Tensor tensor)
    {
        if (tensor.OwningDisposeScope is null) StatisticsInstance.TensorStatistics.DisposedOutsideScopeCount++;
        else StatisticsInstance.TensorStatistics.DisposedInScopeCount++;
    }

    internal DisposeScope NewDisposeScope() => CurrentDisposeScope = new DisposeScope(this);

    // Scopes may be disposed out of order: the one that goes is unlinked wherever it stands.
    internal void RemoveDisposeScope(DisposeScope gone)
    {
        if (ReferenceEquals(CurrentDisposeScope, gone))
        {
            CurrentDisposeScope = gone.OuterScope;
            return;
        }
        for (var s = CurrentDisposeScope; s is not null; s = s.OuterScope)
        {
            if (!ReferenceEquals(s.OuterScope, gone)) continue;
            s.OuterScope = gone.OuterScope;
            return;
        }
    }
}

/// <summary>How many tensors a thread has made and disposed, in scopes and outside them.</summary>
public class ThreadDisposeScopeStatistics
{
    public long CreatedOutsideScopeCount => TensorStatistics.CreatedOutsideScopeCount;
    public long DisposedOutsideScopeCount => TensorStatistics.DisposedOutsideScopeCount;
    public long CreatedInScopeCount => TensorStatistics.CreatedInScopeCount;
    public long DisposedInScopeCount => TensorStatistics.DisposedInScopeCount;
    public long AttachedToScopeCount => TensorStatistics.AttachedToScopeCount;
    public long DetachedFromScopeCount => TensorStatistics.DetachedFromScopeCount;
    public long ThreadTotalLiveCount => TensorStatistics.ThreadTotalLiveCount;
    public LifetimeStatistics TensorStatistics { get; } = new();
    public LifetimeStatistics PackedSequenceStatistics { get; } = new();

    public void Reset()
    {
        TensorStatistics.Reset();
        PackedSequenceStatistics.Reset();
    }

    public override string ToString() => TensorStatistics.ToString();
}

/// <summary>Counts of one kind of disposable object.</summary>
public class LifetimeStatistics
{
    public long CreatedOutsideScopeCount { get; internal set; }
    public long DisposedOutsideScopeCount { get; internal set; }
    public long CreatedInScopeCount { get; internal set; }
    public long DisposedInScopeCount { get; internal set; }
    public long AttachedToScopeCount { get; internal set; }
    public long DetachedFromScopeCount { get; internal set; }
    public long ThreadTotalLiveCount =>
        CreatedInScopeCount - DisposedInScopeCount + CreatedOutsideScopeCount - DisposedOutsideScopeCount;

    public void Reset()
    {
        CreatedOutsideScopeCount = 0;
        DisposedOutsideScopeCount = 0;
        CreatedInScopeCount = 0;
        DisposedInScopeCount = 0;
        AttachedToScopeCount = 0;
        DetachedFromScopeCount = 0;
    }

    public override string ToString() => new StringBuilder()
        .Append("ThreadTotalLiveCount: ").Append(ThreadTotalLiveCount)
        .Append("; CreatedOutsideScopeCount: ").Append(CreatedOutsideScopeCount)
        .Append("; DisposedOutsideScopeCount: ").Append(DisposedOutsideScopeCount)
        .Append("; CreatedInScopeCount: ").Append(CreatedInScopeCount)
        .Append("; DisposedInScopeCount: ").Append(DisposedInScopeCount)
        .Append("; AttachedToScopeCount: ").Append(AttachedToScopeCount)
        .Append("; DetachedFromScopeCount: ").Append(DetachedFromScopeCount).ToString();
}

public static partial class torch
{
    public static DisposeScope NewDisposeScope() => DisposeScopeManager.ThreadSingleton.NewDisposeScope();

    public static DisposeScope? CurrentDisposeScope => DisposeScopeManager.ThreadSingleton.CurrentDisposeScope;

    public static Tensor WrappedTensorDisposeScope(Func<Tensor> expr)
    {
        using var scope = NewDisposeScope();
        return expr().MoveToOuterDisposeScope();
    }
}
