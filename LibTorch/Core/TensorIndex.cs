#pragma warning disable CS1591 // the names are TorchSharp's and PyTorch's, and are documented there

using DaML.LibTorch;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>One entry of an index expression: a number, a range, a mask, an index tensor, None or the ellipsis.</summary>
    public struct TensorIndex
    {
        internal Tag Kind;
        internal long Number;
        internal long? Start, Stop, Step;
        internal Tensor? Indices;

        public static TensorIndex Ellipsis = new() { Kind = Tag.Ellipsis };
        public static TensorIndex None = new() { Kind = Tag.None };
        public static TensorIndex Null = None;
        public static TensorIndex Colon = Slice();

        public static TensorIndex Bool(bool value) => new() { Kind = Tag.Bool, Number = value ? 1 : 0 };
        public static TensorIndex Single(long? index) => index is null ? None : new() { Kind = Tag.Int, Number = index.Value };

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new() { Kind = Tag.Slice, Start = start, Stop = stop, Step = step };

        public static TensorIndex Slice((int? start, int? end) range) => Slice(range.start, range.end);

        public static TensorIndex Slice(Range range) => Slice(
            range.Start.IsFromEnd ? -range.Start.Value : range.Start.Value,
            range.End.IsFromEnd ? (range.End.Value == 0 ? null : -range.End.Value) : range.End.Value);

        public static TensorIndex Tensor(Tensor tensor) => new() { Kind = Tag.Tensor, Indices = tensor };

        public static implicit operator TensorIndex(long value) => Single(value);
        public static implicit operator Tensor(TensorIndex value) => value.Indices
            ?? throw new InvalidCastException("this index is no tensor");
        public static implicit operator TensorIndex((int? start, int? end) range) => Slice(range);
        public static implicit operator TensorIndex(Range range) => Slice(range);
        public static implicit operator TensorIndex(Index index) => Single(index.IsFromEnd ? -index.Value : index.Value);
    }
}
