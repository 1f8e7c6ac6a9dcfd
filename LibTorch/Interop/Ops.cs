using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.LibTorch;

/// <summary>
/// Calls libtorch's operators by schema name ("add.Tensor": the name, a dot, the overload; no dot where the
/// overload has no name). Arguments are positional as in the schema; those left out take the schema's defaults.
/// </summary>
[SkipLocalsInit]
internal static unsafe class Ops
{
    private sealed class Entry(string name, nint handle)
    {
        internal readonly string Name = name;
        internal readonly nint Handle = handle;
    }

    // Open addressing keyed by the identity of the string literal, replaced as a whole when it grows: no lock to read.
    private static volatile Entry?[] table = new Entry?[1024];
    private static int filled;
    private static readonly Lock tableLock = new();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint Find(string name)
    {
        var t = table;
        var mask = t.Length - 1;
        for (var i = RuntimeHelpers.GetHashCode(name) & mask; ; i = (i + 1) & mask)
        {
            var e = t[i];
            if (e is null) return Resolve(name);
            if (ReferenceEquals(e.Name, name)) return e.Handle;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint Resolve(string name)
    {
        nint handle;
        WithNames(name, (n, o) =>
        {
            nint h;
            if (Native.daml_operator(n, o, &h) != 0) Throw.Now($"operator {name} is not in this libtorch ({Version})", name);
            return h;
        }, out handle);
        lock (tableLock)
        {
            var t = table;
            if (2 * ++filled > t.Length)
            {
                var larger = new Entry?[2 * t.Length];
                foreach (var e in t) if (e is not null) Insert(larger, e);
                t = larger;
            }
            Insert(t, new Entry(name, handle));
            table = t;
        }
        return handle;

        static void Insert(Entry?[] t, Entry e)
        {
            var mask = t.Length - 1;
            var i = RuntimeHelpers.GetHashCode(e.Name) & mask;
            while (t[i] is not null) i = (i + 1) & mask;
            Volatile.Write(ref t[i], e);
        }
    }

    private delegate nint WithNamesBody(byte* name, byte* overload);

    private static void WithNames(string name, WithNamesBody body, out nint result)
    {
        if (!name.Contains("::")) name = "aten::" + name;
        var dot = name.IndexOf('.');
        var n = Encoding.UTF8.GetBytes((dot < 0 ? name : name[..dot]) + "\0");
        var o = Encoding.UTF8.GetBytes((dot < 0 ? "" : name[(dot + 1)..]) + "\0");
        fixed (byte* pn = n, po = o) result = body(pn, po);
    }

    internal static bool Exists(string name)
    {
        WithNames(name, (n, o) => Native.daml_operator_exists(n, o), out var result);
        return result != 0;
    }

    internal static string Version => Marshal.PtrToStringUTF8((nint)Native.daml_version())!;

    // ------------------------------------------------------------ marshalling

    private const int ScratchWords = 64;
    private const int MaxArguments = 16;
    private const int MaxResults = 8;

    /// <summary>Room for the lists among the arguments: on the stack while they are short.</summary>
    private ref struct Scratch(long* words)
    {
        private readonly long* words = words;
        private int used;
        private List<nint>? overflow;

        internal long* Take(int count)
        {
            if (used + count <= ScratchWords)
            {
                var p = words + used;
                used += count;
                return p;
            }
            var q = (long*)NativeMemory.Alloc((nuint)count, sizeof(long));
            (overflow ??= []).Add((nint)q);
            return q;
        }

        internal readonly void Free()
        {
            if (overflow is null) return;
            foreach (var p in overflow) NativeMemory.Free((void*)p);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(in Arg a, Value* v, ref Scratch scratch)
    {
        v->Tag = a.Tag;
        v->Count = 0;
        v->Payload = a.Payload;
        v->Extra = a.Extra;
        if (a.Tag >= Tag.IntList && a.Tag <= Tag.String) PutList(a, v, ref scratch);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void PutList(in Arg a, Value* v, ref Scratch scratch)
    {
        switch (a.Tag)
        {
            case Tag.IntList or Tag.DoubleList:
            {
                v->Count = a.Numbers.Length;
                var p = scratch.Take(v->Count);
                a.Numbers.CopyTo(new Span<long>(p, v->Count));
                v->Payload = (long)p;
                break;
            }
            case Tag.TensorList:
            {
                var list = (Tensor?[])a.Reference!;
                v->Count = list.Length;
                var p = scratch.Take(v->Count);
                for (var i = 0; i < list.Length; i++) p[i] = list[i] is { } t ? t.Handle : 0;
                v->Payload = (long)p;
                break;
            }
            case Tag.String:
            {
                var s = (string)a.Reference!;
                var bytes = Encoding.UTF8.GetMaxByteCount(s.Length);
                var p = (byte*)scratch.Take(bytes / sizeof(long) + 1);
                v->Count = Encoding.UTF8.GetBytes(s, new Span<byte>(p, bytes));
                v->Payload = (long)p;
                break;
            }
        }
    }

    private static int Invoke(string name, Value* arguments, int count, Value* results)
    {
        int resultCount;
        var op = Find(name);
        if (Native.daml_call(op, arguments, count, results, MaxResults, &resultCount) != 0)
            resultCount = Failed(name, op, arguments, count, results);
        return resultCount;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Failed(string name, nint op, Value* arguments, int count, Value* results)
    {
        // Tensors the program forgot may still hold the memory this call lacks.
        if (Throw.LastMessage().Contains("out of memory", StringComparison.OrdinalIgnoreCase))
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            int resultCount;
            if (Native.daml_call(op, arguments, count, results, MaxResults, &resultCount) == 0) return resultCount;
        }
        Throw.Now($"{name}({Describe(arguments, count)})", name);
        return 0;
    }

    private static string Describe(Value* arguments, int count)
    {
        var text = new StringBuilder();
        for (var i = 0; i < count; i++)
        {
            if (i > 0) text.Append(", ");
            var v = arguments[i];
            switch (v.Tag)
            {
                case Tag.None: text.Append("none"); break;
                case Tag.Bool: text.Append(v.Payload != 0 ? "true" : "false"); break;
                case Tag.Int: text.Append(v.Payload); break;
                case Tag.Double: text.Append(v.AsDouble); break;
                case Tag.Complex: text.Append(v.AsDouble).Append('+').Append(BitConverter.Int64BitsToDouble(v.Extra)).Append('i'); break;
                case Tag.Tensor: DescribeTensor(text, (nint)v.Payload); break;
                case Tag.IntList: text.Append('[').AppendJoin(", ", new Span<long>((long*)v.Payload, v.Count).ToArray()).Append(']'); break;
                case Tag.DoubleList: text.Append('[').AppendJoin(", ", new Span<double>((double*)v.Payload, v.Count).ToArray()).Append(']'); break;
                case Tag.TensorList:
                    text.Append('[');
                    for (var j = 0; j < v.Count; j++)
                    {
                        if (j > 0) text.Append(", ");
                        DescribeTensor(text, ((nint*)v.Payload)[j]);
                    }
                    text.Append(']');
                    break;
                case Tag.String: text.Append('\'').Append(Encoding.UTF8.GetString((byte*)v.Payload, v.Count)).Append('\''); break;
                case Tag.Device: text.Append((DeviceType)v.Payload); break;
                case Tag.Generator: text.Append("generator"); break;
                default: text.Append(v.Tag); break;
            }
        }
        return text.ToString();
    }

    internal static void DescribeTensor(StringBuilder text, nint handle)
    {
        if (handle == 0) { text.Append("none"); return; }
        var dims = (int)Native.daml_tensor_dim(handle);
        var sizes = stackalloc long[Math.Max(dims, 1)];
        _ = Native.daml_tensor_sizes(handle, sizes);
        int type, index;
        Native.daml_tensor_device(handle, &type, &index);
        text.Append((ScalarType)Native.daml_tensor_dtype(handle)).Append('[');
        for (var i = 0; i < dims; i++) text.Append(i > 0 ? ", " : "").Append(sizes[i]);
        text.Append(']');
        if (type != 0) text.Append('@').Append(((DeviceType)type).ToString().ToLowerInvariant());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Tensor Wrap(in Value v)
    {
        if (v.Tag != Tag.Tensor) return NotATensor(v);
        return new Tensor((nint)v.Payload, v.Extra);
    }

    private static Tensor NotATensor(in Value v) => v.Tag switch
    {
        Tag.Bool => torch.tensor(v.Payload != 0),
        Tag.Int => torch.tensor(v.Payload),
        Tag.Double => torch.tensor(v.AsDouble),
        _ => throw new InvalidOperationException($"the operator returned {v.Tag}, not a tensor"),
    };

    private static Tensor[] WrapList(in Value v)
    {
        var list = new Tensor[v.Count];
        var p = (nint*)v.Payload;
        for (var i = 0; i < list.Length; i++) list[i] = new Tensor(p[i]);
        Native.daml_free(p);
        return list;
    }

    // ------------------------------------------------------------ one tensor back

    internal static Tensor Call(string op, in Arg a)
    {
        var v = stackalloc Value[1];
        var r = stackalloc Value[MaxResults];
        var words = stackalloc long[ScratchWords];
        var scratch = new Scratch(words);
        try
        {
            Put(a, v, ref scratch);
            _ = Invoke(op, v, 1, r);
        }
        finally { scratch.Free(); }
        GC.KeepAlive(a.Reference);
        return Wrap(r[0]);
    }

    internal static Tensor Call(string op, in Arg a, in Arg b)
    {
        var v = stackalloc Value[2];
        var r = stackalloc Value[MaxResults];
        var words = stackalloc long[ScratchWords];
        var scratch = new Scratch(words);
        try
        {
            Put(a, v, ref scratch);
            Put(b, v + 1, ref scratch);
            _ = Invoke(op, v, 2, r);
        }
        finally { scratch.Free(); }
        GC.KeepAlive(a.Reference);
        GC.KeepAlive(b.Reference);
        return Wrap(r[0]);
    }

    internal static Tensor Call(string op, in Arg a, in Arg b, in Arg c)
    {
        var v = stackalloc Value[3];
        var r = stackalloc Value[MaxResults];
        var words = stackalloc long[ScratchWords];
        var scratch = new Scratch(words);
        try
        {
            Put(a, v, ref scratch);
            Put(b, v + 1, ref scratch);
            Put(c, v + 2, ref scratch);
            _ = Invoke(op, v, 3, r);
        }
        finally { scratch.Free(); }
        GC.KeepAlive(a.Reference);
        GC.KeepAlive(b.Reference);
        GC.KeepAlive(c.Reference);
        return Wrap(r[0]);
    }

    internal static Tensor Call(string op, in Arg a, in Arg b, in Arg c, in Arg d, in Arg e = default, in Arg f = default,
        in Arg g = default, in Arg h = default, in Arg i = default, in Arg j = default, in Arg k = default, in Arg l = default,
        in Arg m = default, in Arg n = default)
    {
        var r = stackalloc Value[MaxResults];
        _ = Invoke(op, r, a, b, c, d, e, f, g, h, i, j, k, l, m, n);
        return Wrap(r[0]);
    }

    // Trailing absent arguments are not sent, so that they take the schema's defaults.
    private static int Invoke(string op, Value* r, in Arg a, in Arg b, in Arg c, in Arg d, in Arg e, in Arg f, in Arg g,
        in Arg h, in Arg i, in Arg j, in Arg k, in Arg l, in Arg m, in Arg n)
    {
        var v = stackalloc Value[MaxArguments];
        var words = stackalloc long[ScratchWords];
        var scratch = new Scratch(words);
        int results;
        try
        {
            Put(a, v, ref scratch);
            Put(b, v + 1, ref scratch);
            Put(c, v + 2, ref scratch);
            Put(d, v + 3, ref scratch);
            Put(e, v + 4, ref scratch);
            Put(f, v + 5, ref scratch);
            Put(g, v + 6, ref scratch);
            Put(h, v + 7, ref scratch);
            Put(i, v + 8, ref scratch);
            Put(j, v + 9, ref scratch);
            Put(k, v + 10, ref scratch);
            Put(l, v + 11, ref scratch);
            Put(m, v + 12, ref scratch);
            Put(n, v + 13, ref scratch);
            var count = 14;
            while (count > 0 && v[count - 1].Tag == Tag.None) count--;
            results = Invoke(op, v, count, r);
        }
        finally { scratch.Free(); }
        GC.KeepAlive(a.Reference);
        GC.KeepAlive(b.Reference);
        GC.KeepAlive(c.Reference);
        GC.KeepAlive(d.Reference);
        GC.KeepAlive(e.Reference);
        GC.KeepAlive(f.Reference);
        GC.KeepAlive(g.Reference);
        GC.KeepAlive(h.Reference);
        GC.KeepAlive(i.Reference);
        GC.KeepAlive(j.Reference);
        GC.KeepAlive(k.Reference);
        GC.KeepAlive(l.Reference);
        GC.KeepAlive(m.Reference);
        GC.KeepAlive(n.Reference);
        return results;
    }

    // ------------------------------------------------------------ several tensors, a list, a number

    internal static (Tensor, Tensor) Call2(string op, in Arg a, in Arg b = default, in Arg c = default, in Arg d = default,
        in Arg e = default, in Arg f = default, in Arg g = default, in Arg h = default, in Arg i = default, in Arg j = default,
        in Arg k = default)
    {
        var r = stackalloc Value[MaxResults];
        _ = Invoke(op, r, a, b, c, d, e, f, g, h, i, j, k, default, default, default);
        return (Wrap(r[0]), Wrap(r[1]));
    }

    internal static (Tensor, Tensor, Tensor) Call3(string op, in Arg a, in Arg b = default, in Arg c = default, in Arg d = default,
        in Arg e = default, in Arg f = default, in Arg g = default, in Arg h = default, in Arg i = default, in Arg j = default,
        in Arg k = default)
    {
        var r = stackalloc Value[MaxResults];
        _ = Invoke(op, r, a, b, c, d, e, f, g, h, i, j, k, default, default, default);
        return (Wrap(r[0]), Wrap(r[1]), Wrap(r[2]));
    }

    internal static (Tensor, Tensor, Tensor, Tensor) Call4(string op, in Arg a, in Arg b = default, in Arg c = default,
        in Arg d = default, in Arg e = default, in Arg f = default, in Arg g = default, in Arg h = default)
    {
        var r = stackalloc Value[MaxResults];
        _ = Invoke(op, r, a, b, c, d, e, f, g, h, default, default, default, default, default, default);
        return (Wrap(r[0]), Wrap(r[1]), Wrap(r[2]), Wrap(r[3]));
    }

    internal static Tensor[] CallList(string op, in Arg a, in Arg b = default, in Arg c = default, in Arg d = default, in Arg e = default)
    {
        var r = stackalloc Value[MaxResults];
        _ = Invoke(op, r, a, b, c, d, e, default, default, default, default, default, default, default, default, default);
        return WrapList(r[0]);
    }

    internal static bool CallBool(string op, in Arg a, in Arg b = default, in Arg c = default, in Arg d = default, in Arg e = default)
    {
        var r = stackalloc Value[MaxResults];
        _ = Invoke(op, r, a, b, c, d, e, default, default, default, default, default, default, default, default, default);
        return r[0].Payload != 0;
    }

    internal static long CallLong(string op, in Arg a, in Arg b = default, in Arg c = default, in Arg d = default, in Arg e = default)
    {
        var r = stackalloc Value[MaxResults];
        _ = Invoke(op, r, a, b, c, d, e, default, default, default, default, default, default, default, default, default);
        return r[0].Payload;
    }

    internal static void CallVoid(string op, in Arg a, in Arg b = default, in Arg c = default, in Arg d = default, in Arg e = default,
        in Arg f = default, in Arg g = default)
    {
        var r = stackalloc Value[MaxResults];
        _ = Invoke(op, r, a, b, c, d, e, f, g, default, default, default, default, default, default, default);
    }
}
