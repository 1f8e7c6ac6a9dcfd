#pragma warning disable CS1591 // the names are TorchSharp's and PyTorch's, and are documented there

using System.Collections;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>The shape of a tensor.</summary>
    public struct Size : IEnumerable<long>, IEnumerable
    {
        private readonly long[]? shape;

        public static Size Empty = new(Array.Empty<long>());

        public Size(long[] shape) => this.shape = (long[])shape.Clone();
        public Size(IEnumerable<long> shape) => this.shape = shape.ToArray();
        public Size(int[] shape) => this.shape = Array.ConvertAll(shape, i => (long)i);
        public Size(long size) => shape = [size];
        public Size((long, long) size) => shape = [size.Item1, size.Item2];
        public Size((long, long, long) size) => shape = [size.Item1, size.Item2, size.Item3];
        public Size((long, long, long, long) size) => shape = [size.Item1, size.Item2, size.Item3, size.Item4];
        public Size((long, long, long, long, long) size) => shape = [size.Item1, size.Item2, size.Item3, size.Item4, size.Item5];
        public Size((long, long, long, long, long, long) size) => shape = [size.Item1, size.Item2, size.Item3, size.Item4, size.Item5, size.Item6];
        public Size(int size) => shape = [size];
        public Size((int, int) size) => shape = [size.Item1, size.Item2];
        public Size((int, int, int) size) => shape = [size.Item1, size.Item2, size.Item3];
        public Size((int, int, int, int) size) => shape = [size.Item1, size.Item2, size.Item3, size.Item4];
        public Size((int, int, int, int, int) size) => shape = [size.Item1, size.Item2, size.Item3, size.Item4, size.Item5];
        public Size((int, int, int, int, int, int) size) => shape = [size.Item1, size.Item2, size.Item3, size.Item4, size.Item5, size.Item6];

        public readonly long[] Shape => shape ?? [];
        public readonly bool IsEmpty => Shape.Length == 0;
        public readonly bool IsScalar => Shape.Length == 0;
        public readonly int Length => Shape.Length;
        public readonly long this[int idx] => Shape[idx < 0 ? idx + Length : idx];
        public readonly long this[long idx] => Shape[idx < 0 ? idx + Length : idx];

        public readonly long numel()
        {
            var n = 1L;
            foreach (var s in Shape) n *= s;
            return n;
        }

        public readonly Size Slice(int first, int next) => new(Shape.AsSpan(first, next - first).ToArray());
        public readonly IEnumerable<long> Take(int i) => Shape.Take(i);
        public readonly IEnumerator<long> GetEnumerator() => ((IEnumerable<long>)Shape).GetEnumerator();
        readonly IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        public override readonly bool Equals(object? obj) => obj is Size s && Shape.AsSpan().SequenceEqual(s.Shape);

        public override readonly int GetHashCode()
        {
            var hash = new HashCode();
            foreach (var s in Shape) hash.Add(s);
            return hash.ToHashCode();
        }

        public override readonly string ToString() => $"[{string.Join(", ", Shape)}]";

        public static Size operator +(Size left, Size right) => new(left.Shape.Concat(right.Shape));
        public static Size operator +(Size left, IEnumerable<long> right) => new(left.Shape.Concat(right));
        public static bool operator ==(Size left, Size right) => left.Equals(right);
        public static bool operator !=(Size left, Size right) => !left.Equals(right);

        public static implicit operator Size(long size) => new(size);
        public static implicit operator Size((long, long) size) => new(size);
        public static implicit operator Size((long, long, long) size) => new(size);
        public static implicit operator Size((long, long, long, long) size) => new(size);
        public static implicit operator Size((long, long, long, long, long) size) => new(size);
        public static implicit operator Size((long, long, long, long, long, long) size) => new(size);
        public static implicit operator Size(long[] size) => new(size);
    }
}
