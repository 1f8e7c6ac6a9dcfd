// Indexing, shape, joining and splitting.
#pragma warning disable CS1591 // the names are TorchSharp's and PyTorch's, and are documented there

using DaML.LibTorch;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor index(params TensorIndex[] indices) => GetIndex(indices);
        public Tensor index(params Tensor[] indices) => Ops.Call("index.Tensor", this, indices);
        public Tensor index_put_(Tensor value, params TensorIndex[] indices) => PutIndex(value, indices);
        public Tensor index_put_(Tensor value, TensorIndex[] indices, bool accumulate = false) => PutIndex(value, indices, accumulate);
        public Tensor index_put_(Tensor value, params Tensor[] indices) => Ops.Call("index_put_", this, indices, value);
        public Tensor index_put_(Tensor value, Tensor[] indices, bool accumulate = false) => Ops.Call("index_put_", this, indices, value, accumulate);
        public Tensor index_put_(Scalar value, params TensorIndex[] indices) => PutIndex(ScalarLikeThis(value), indices);
        public Tensor index_put_(Scalar value, params Tensor[] indices) => Ops.Call("index_put_", this, indices, ScalarLikeThis(value));
        public Tensor index_select(long dim, Tensor index) => Ops.Call("index_select", this, dim, index);
        public Tensor index_add(long dim, Tensor index, Tensor source, Scalar alpha) => Ops.Call("index_add", this, dim, index, source, alpha);
        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) => Ops.Call("index_add_", this, dim, index, source, alpha);
        public Tensor index_copy(long dim, Tensor index, Tensor source) => Ops.Call("index_copy", this, dim, index, source);
        public Tensor index_copy_(long dim, Tensor index, Tensor source) => Ops.Call("index_copy_", this, dim, index, source);
        public Tensor index_fill(long dim, Tensor index, Scalar value) => Ops.Call("index_fill.int_Scalar", this, dim, index, value);
        public Tensor index_fill_(long dim, Tensor index, Scalar value) => Ops.Call("index_fill_.int_Scalar", this, dim, index, value);
        public Tensor gather(long dim, Tensor index) => Ops.Call("gather", this, dim, index);
        public Tensor scatter(long dim, Tensor index, Tensor src) => Ops.Call("scatter.src", this, dim, index, src);
        public Tensor scatter_(long dim, Tensor index, Tensor src) => Ops.Call("scatter_.src", this, dim, index, src);
        public Tensor scatter_add(long dim, Tensor index, Tensor src) => Ops.Call("scatter_add", this, dim, index, src);
        public Tensor scatter_add_(long dim, Tensor index, Tensor src) => Ops.Call("scatter_add_", this, dim, index, src);
        public Tensor masked_fill(Tensor mask, Scalar value) => Ops.Call("masked_fill.Scalar", this, mask, value);
        public Tensor masked_fill_(Tensor mask, Scalar value) => Ops.Call("masked_fill_.Scalar", this, mask, value);
        public Tensor masked_select(Tensor mask) => Ops.Call("masked_select", this, mask);
        public Tensor masked_scatter(Tensor mask, Tensor value) => Ops.Call("masked_scatter", this, mask, value);
        public Tensor take(Tensor index) => Ops.Call("take", this, index);
        public Tensor take_along_dim(Tensor indices) => Ops.Call("take_along_dim", this, indices);
        public Tensor take_along_dim(IEnumerable<long> indices) => take_along_dim(torch.tensor(indices.ToArray(), device: device));
        public Tensor take_along_dim(Tensor indices, long dim) => Ops.Call("take_along_dim", this, indices, dim);
        public Tensor take_along_dim(IEnumerable<long> indices, long dim) => take_along_dim(torch.tensor(indices.ToArray(), device: device), dim);
        public Tensor select(long dim, long index) => Ops.Call("select.int", this, dim, index);
        public Tensor narrow(long dim, long start, long length) => Ops.Call("narrow", this, dim, start, length);
        public Tensor slice(long dim, long start, long finish, long step) => Ops.Call("slice.Tensor", this, dim, start, finish, step);
        public Tensor select_scatter(Tensor src, long dim, long index) => Ops.Call("select_scatter", this, src, dim, index);
        public Tensor slice_scatter(Tensor src, long dim = 0, long? start = null, long? end = null, long step = 1) =>
            Ops.Call("slice_scatter", this, src, dim, start, end, step);
        public Tensor diagonal_scatter(Tensor src, long offset = 0, long dim1 = 0, long dim2 = 1) =>
            Ops.Call("diagonal_scatter", this, src, offset, dim1, dim2);
        public Tensor where(Tensor condition, Tensor y) => Ops.Call("where.self", condition, this, y);
        public Tensor nonzero() => Ops.Call("nonzero", this);
        public Tensor argwhere() => Ops.Call("argwhere", this);
        public IList<Tensor> nonzero_as_list() => Ops.CallList("nonzero_numpy", this);
        public Tensor reshape(params long[] shape) => Ops.Call("reshape", this, shape);
        public Tensor view(params long[] shape) => Ops.Call("view", this, shape);
        public Tensor view_as(Tensor other) => Ops.Call("view_as", this, other);
        public Tensor flatten(long start_dim = 0, long end_dim = -1) => Ops.Call("flatten.using_ints", this, start_dim, end_dim);
        public Tensor flatten(IList<string?> dims, string out_dim) => throw new NotSupportedException("named dimensions are not supported");
        public Tensor unflatten(long dim, params long[] sizes) => Ops.Call("unflatten.int", this, dim, sizes);
        public Tensor unflatten(string dim, params (string, long)[] sizes) => throw new NotSupportedException("named dimensions are not supported");
        public Tensor unflatten(long dim, Size sizes) => Ops.Call("unflatten.int", this, dim, sizes);
        public Tensor ravel() => Ops.Call("ravel", this);
        public Tensor permute(params long[] permutation) => Ops.Call("permute", this, permutation);
        public Tensor permute(IEnumerable<long> permutation) => Ops.Call("permute", this, permutation.ToArray());
        public Tensor transpose(long dim0, long dim1) => Ops.Call("transpose.int", this, dim0, dim1);
        public Tensor transpose_(long dim0, long dim1) => Ops.Call("transpose_", this, dim0, dim1);
        public Tensor t() => Ops.Call("t", this);
        public Tensor swapaxes(long dim0, long dim1) => Ops.Call("swapaxes", this, dim0, dim1);
        public Tensor moveaxis(long[] source, long[] destination) => Ops.Call("moveaxis.intlist", this, source, destination);
        public Tensor movedim(long[] source, long[] destination) => Ops.Call("movedim.intlist", this, source, destination);
        public Tensor unsqueeze(long dim) => Ops.Call("unsqueeze", this, dim);
        public Tensor unsqueeze_(long dim) => Ops.Call("unsqueeze_", this, dim);
        public Tensor squeeze(long? dim = null) => dim is null ? Ops.Call("squeeze", this) : Ops.Call("squeeze.dim", this, dim.Value);
        public Tensor squeeze_(long? dim = null) => dim is null ? Ops.Call("squeeze_", this) : Ops.Call("squeeze_.dim", this, dim.Value);
        public Tensor expand(ReadOnlySpan<long> sizes, bool isImplicit = false) => Ops.Call("expand", this, sizes, isImplicit);
        public Tensor expand(Size sizes, bool isImplicit = false) => Ops.Call("expand", this, sizes, isImplicit);
        public Tensor expand(long[] sizes, bool isImplicit = false) => Ops.Call("expand", this, sizes, isImplicit);
        public Tensor expand(params long[] sizes) => Ops.Call("expand", this, sizes);
        public Tensor expand_as(Tensor other) => Ops.Call("expand_as", this, other);
        public Tensor broadcast_to(params long[] shape) => Ops.Call("broadcast_to", this, shape);
        public Tensor repeat(params long[] sizes) => Ops.Call("repeat", this, sizes);
        public Tensor repeat_interleave(Tensor repeats, long? dim = null, long? output_size = null) =>
            Ops.Call("repeat_interleave.self_Tensor", this, repeats, dim, output_size);
        public Tensor repeat_interleave(long repeats, long? dim = null, long? output_size = null) =>
            Ops.Call("repeat_interleave.self_int", this, repeats, dim, output_size);
        public Tensor tile(long[] reps) => Ops.Call("tile", this, reps);
        public Tensor as_strided(long[] size, long[] strides, long storageOffset = 0) => Ops.Call("as_strided", this, size, strides, storageOffset);
        public Tensor unfold(long dimension, long size, long step) => Ops.Call("unfold", this, dimension, size, step);
        public Tensor[] split(long size, int dim = 0) => Ops.CallList("split.Tensor", this, size, dim);
        public Tensor[] split(ReadOnlySpan<long> sizes, long dim = 0) => Ops.CallList("split_with_sizes", this, sizes, dim);
        public Tensor[] split(long[] sizes, long dim = 0) => Ops.CallList("split_with_sizes", this, sizes, dim);
        public Tensor[] split(params long[] sizes) => Ops.CallList("split_with_sizes", this, sizes);
        public Tensor[] chunk(long chunks, long dim = 0) => Ops.CallList("chunk", this, chunks, dim);
        public Tensor[] tensor_split(long size, long dim = 0) => Ops.CallList("tensor_split.sections", this, size, dim);
        public Tensor[] tensor_split(long[] sizes, long dim = 0) => Ops.CallList("tensor_split.indices", this, sizes, dim);
        public Tensor[] tensor_split(Tensor indices, long dim = 0) => Ops.CallList("tensor_split.tensor_indices_or_sections", this, indices, dim);
        public Tensor[] unbind(long dimension = 0) => Ops.CallList("unbind.int", this, dimension);
        public Tensor roll(long shifts, long? dims = null) =>
            dims is null ? Ops.Call("roll", this, shifts) : Ops.Call("roll", this, shifts, dims.Value);
        public Tensor roll((long, long) shifts, (long, long) dims) =>
            Ops.Call("roll", this, (ReadOnlySpan<long>)[shifts.Item1, shifts.Item2], (ReadOnlySpan<long>)[dims.Item1, dims.Item2]);
        public Tensor roll(long[] shifts, long[] dims) => Ops.Call("roll", this, shifts, dims);
        public Tensor roll(long[] shifts) => Ops.Call("roll", this, shifts);
        public Tensor roll((long, long, long) shifts, (long, long, long) dims) =>
            Ops.Call("roll", this, (ReadOnlySpan<long>)[shifts.Item1, shifts.Item2, shifts.Item3], (ReadOnlySpan<long>)[dims.Item1, dims.Item2, dims.Item3]);
        public Tensor roll(ReadOnlySpan<long> shifts, ReadOnlySpan<long> dims = default) => Ops.Call("roll", this, shifts, dims);
        public Tensor flip(params long[] dims) => Ops.Call("flip", this, dims);
        public Tensor fliplr() => Ops.Call("fliplr", this);
        public Tensor flipud() => Ops.Call("flipud", this);
        public Tensor rot90(long k = 1, (long, long)? dims = null) =>
            Ops.Call("rot90", this, k, (ReadOnlySpan<long>)(dims is { } d ? [d.Item1, d.Item2] : [0, 1]));
        public Tensor tril(long diagonal = 0) => Ops.Call("tril", this, diagonal);
        public Tensor triu(long diagonal = 0) => Ops.Call("triu", this, diagonal);
        public Tensor diag(long diagonal = 0) => Ops.Call("diag", this, diagonal);
        public Tensor diagonal(long offset = 0, long dim1 = 0, long dim2 = 1) => Ops.Call("diagonal", this, offset, dim1, dim2);
        public Tensor diag_embed(long offset = 0, long dim1 = -2, long dim2 = -1) => Ops.Call("diag_embed", this, offset, dim1, dim2);
        public Tensor diagflat(long offset = 0) => Ops.Call("diagflat", this, offset);
        public static Tensor block_diag(params Tensor[] tensors) => Ops.Call("block_diag", tensors);
        public Tensor view_as_complex() => Ops.Call("view_as_complex", this);
        public Tensor view_as_real() => Ops.Call("view_as_real", this);
        public Tensor atleast_1d() => Ops.Call("atleast_1d", this);
        public Tensor atleast_2d() => Ops.Call("atleast_2d", this);
    }

    public static Tensor index_select(Tensor input, long dim, Tensor index) => input.index_select(dim, index);
    public static Tensor index_add(Tensor input, long dim, Tensor index, Tensor source, Scalar alpha) => input.index_add(dim, index, source, alpha);
    public static Tensor index_add_(Tensor input, long dim, Tensor index, Tensor source, Scalar alpha) => input.index_add_(dim, index, source, alpha);
    public static Tensor index_copy(Tensor input, long dim, Tensor index, Tensor source) => input.index_copy(dim, index, source);
    public static Tensor index_copy_(Tensor input, long dim, Tensor index, Tensor source) => input.index_copy_(dim, index, source);
    public static Tensor index_fill(Tensor input, long dim, Tensor index, Scalar value) => input.index_fill(dim, index, value);
    public static Tensor index_fill_(Tensor input, long dim, Tensor index, Scalar value) => input.index_fill_(dim, index, value);
    public static Tensor gather(Tensor input, long dim, Tensor index) => input.gather(dim, index);
    public static Tensor gather(Tensor input, long dim, Tensor index, bool sparse_grad = false) => Ops.Call("gather", input, dim, index, sparse_grad);
    public static Tensor scatter(Tensor input, long dim, Tensor index, Tensor src) => input.scatter(dim, index, src);
    public static Tensor scatter_(Tensor input, long dim, Tensor index, Tensor src) => input.scatter_(dim, index, src);
    public static Tensor scatter_add(Tensor input, long dim, Tensor index, Tensor src) => input.scatter_add(dim, index, src);
    public static Tensor scatter_add_(Tensor input, long dim, Tensor index, Tensor src) => input.scatter_add_(dim, index, src);
    public static Tensor masked_select(Tensor input, Tensor mask) => input.masked_select(mask);
    public static Tensor take(Tensor input, Tensor index) => input.take(index);
    public static Tensor take_along_dim(Tensor input, Tensor indices, long dim = 0) => input.take_along_dim(indices, dim);
    public static Tensor take_along_dim(Tensor input, IEnumerable<long> indices, long dim = 0) => input.take_along_dim(indices, dim);
    public static Tensor select(Tensor input, long dim, long index) => input.select(dim, index);
    public static Tensor narrow(Tensor input, long dim, long start, long length) => input.narrow(dim, start, length);
    public static Tensor select_scatter(Tensor input, Tensor src, long dim, long index) => input.select_scatter(src, dim, index);
    public static Tensor slice_scatter(Tensor input, Tensor src, long dim = 0, long? start = null, long? end = null, long step = 1) =>
        input.slice_scatter(src, dim, start, end, step);
    public static Tensor diagonal_scatter(Tensor input, Tensor src, long offset = 0, long dim1 = 0, long dim2 = 1) =>
        input.diagonal_scatter(src, offset, dim1, dim2);
    public static Tensor where(Tensor condition, Tensor x, Tensor y) => Ops.Call("where.self", condition, x, y);
    public static Tensor[] where(Tensor condition) => Ops.CallList("where", condition);
    public static Tensor nonzero(Tensor input) => input.nonzero();
    public static Tensor argwhere(Tensor input) => input.argwhere();
    public static Tensor reshape(Tensor input, params long[] shape) => input.reshape(shape);
    public static Tensor flatten(Tensor input, long start_dim = 0, long end_dim = -1) => input.flatten(start_dim, end_dim);
    public static Tensor unflatten(Tensor input, long dim, params long[] sizes) => input.unflatten(dim, sizes);
    public static Tensor unflatten(Tensor input, long dim, Size sizes) => input.unflatten(dim, sizes);
    public static Tensor ravel(Tensor input) => input.ravel();
    public static Tensor permute(Tensor input, params long[] permutation) => input.permute(permutation);
    public static Tensor transpose(Tensor input, long dim0, long dim1) => input.transpose(dim0, dim1);
    public static Tensor t(Tensor input) => input.t();
    public static Tensor swapaxes(Tensor input, long axis0, long axis1) => input.swapaxes(axis0, axis1);
    public static Tensor moveaxis(Tensor input, long source, long destination) => Ops.Call("moveaxis.int", input, source, destination);
    public static Tensor moveaxis(Tensor input, (long, long) source, (long, long) destination) =>
        Ops.Call("moveaxis.intlist", input, (ReadOnlySpan<long>)[source.Item1, source.Item2], (ReadOnlySpan<long>)[destination.Item1, destination.Item2]);
    public static Tensor moveaxis(Tensor input, (long, long, long) source, (long, long, long) destination) =>
        Ops.Call("moveaxis.intlist", input, (ReadOnlySpan<long>)[source.Item1, source.Item2, source.Item3], (ReadOnlySpan<long>)[destination.Item1, destination.Item2, destination.Item3]);
    public static Tensor moveaxis(Tensor input, (long, long, long, long) source, (long, long, long, long) destination) =>
        Ops.Call("moveaxis.intlist", input, (ReadOnlySpan<long>)[source.Item1, source.Item2, source.Item3, source.Item4], (ReadOnlySpan<long>)[destination.Item1, destination.Item2, destination.Item3, destination.Item4]);
    public static Tensor moveaxis(Tensor input, long[] source, long[] destination) => input.moveaxis(source, destination);
    public static Tensor movedim(Tensor input, long source, long destination) => Ops.Call("movedim.int", input, source, destination);
    public static Tensor movedim(Tensor input, long[] source, long[] destination) => input.movedim(source, destination);
    public static Tensor unsqueeze(Tensor input, long dim) => input.unsqueeze(dim);
    public static Tensor unsqueeze_(Tensor input, long dim) => input.unsqueeze_(dim);
    public static Tensor squeeze(Tensor input, long? dim = null) => input.squeeze(dim);
    public static Tensor squeeze_(Tensor input, long? dim = null) => input.squeeze_(dim);
    public static Tensor broadcast_to(Tensor input, params long[] shape) => input.broadcast_to(shape);
    public static IList<Tensor> broadcast_tensors(params Tensor[] tensors) => Ops.CallList("broadcast_tensors", tensors);
    public static Size broadcast_shapes(params long[][] shapes) => new(BroadcastShapes(shapes));
    public static Tensor repeat_interleave(Tensor input, long repeats, long? dim = null, long? output_size = null) =>
        input.repeat_interleave(repeats, dim, output_size);
    public static Tensor repeat_interleave(Tensor input, Tensor repeats, long? dim = null, long? output_size = null) =>
        input.repeat_interleave(repeats, dim, output_size);
    public static Tensor tile(Tensor input, long[] dims) => input.tile(dims);
    public static Tensor stack(IEnumerable<Tensor> tensors, long dim = 0) => Ops.Call("stack", Arg.Of(tensors), dim);
    public static Tensor cat(IList<Tensor> tensors, long dim = 0) => Ops.Call("cat", Arg.Of(tensors), dim);
    public static Tensor cat(Tensor[] tensors, long dim = 0) => Ops.Call("cat", tensors, dim);
    public static Tensor cat(ReadOnlySpan<Tensor> tensors, long dim = 0) => Ops.Call("cat", Arg.Of(tensors), dim);
    public static Tensor concat(IList<Tensor> tensors, long dim = 0) => Ops.Call("concat", Arg.Of(tensors), dim);
    public static Tensor concat(Tensor[] tensors, long dim = 0) => Ops.Call("concat", tensors, dim);
    public static Tensor concat(ReadOnlySpan<Tensor> tensors, long dim = 0) => Ops.Call("concat", Arg.Of(tensors), dim);
    public static Tensor hstack(IList<Tensor> tensors) => Ops.Call("hstack", Arg.Of(tensors));
    public static Tensor hstack(params Tensor[] tensors) => Ops.Call("hstack", tensors);
    public static Tensor hstack(IEnumerable<Tensor> tensors) => Ops.Call("hstack", Arg.Of(tensors));
    public static Tensor hstack(ReadOnlySpan<Tensor> tensors) => Ops.Call("hstack", Arg.Of(tensors));
    public static Tensor vstack(IList<Tensor> tensors) => Ops.Call("vstack", Arg.Of(tensors));
    public static Tensor vstack(Tensor[] tensors) => Ops.Call("vstack", tensors);
    public static Tensor vstack(ReadOnlySpan<Tensor> tensors) => Ops.Call("vstack", Arg.Of(tensors));
    public static Tensor dstack(params Tensor[] tensors) => Ops.Call("dstack", tensors);
    public static Tensor dstack(IList<Tensor> tensors) => Ops.Call("dstack", Arg.Of(tensors));
    public static Tensor dstack(ReadOnlySpan<Tensor> tensors) => Ops.Call("dstack", Arg.Of(tensors));
    public static Tensor dstack(IEnumerable<Tensor> tensors) => Ops.Call("dstack", Arg.Of(tensors));
    public static Tensor column_stack(IList<Tensor> tensors) => Ops.Call("column_stack", Arg.Of(tensors));
    public static Tensor column_stack(params Tensor[] tensors) => Ops.Call("column_stack", tensors);
    public static Tensor column_stack(ReadOnlySpan<Tensor> tensors) => Ops.Call("column_stack", Arg.Of(tensors));
    public static Tensor row_stack(IList<Tensor> tensors) => Ops.Call("row_stack", Arg.Of(tensors));
    public static Tensor row_stack(params Tensor[] tensors) => Ops.Call("row_stack", tensors);
    public static Tensor row_stack(ReadOnlySpan<Tensor> tensors) => Ops.Call("row_stack", Arg.Of(tensors));
    public static Tensor[] split(Tensor tensor, long[] split_size_or_sections, long dim = 0) => tensor.split(split_size_or_sections, dim);
    public static Tensor[] chunk(Tensor input, long chunks, long dim = 0) => input.chunk(chunks, dim);
    public static Tensor[] tensor_split(Tensor input, long indices_or_sections, long dim = 0) => input.tensor_split(indices_or_sections, dim);
    public static Tensor[] tensor_split(Tensor input, long[] indices_or_sections, long dim = 0) => input.tensor_split(indices_or_sections, dim);
    public static Tensor[] tensor_split(Tensor input, Tensor indices_or_sections, long dim = 0) => input.tensor_split(indices_or_sections, dim);
    public static Tensor[] unbind(Tensor tensor, int dim = 0) => tensor.unbind((long)dim);
    public static Tensor[] unbind(Tensor input, long dim = 0) => input.unbind(dim);
    public static Tensor roll(Tensor input, long shifts, long? dims = null) => input.roll(shifts, dims);
    public static Tensor roll(Tensor input, (long, long) shifts, (long, long) dims) => input.roll(shifts, dims);
    public static Tensor roll(Tensor input, (long, long, long) shifts, (long, long, long) dims) => input.roll(shifts, dims);
    public static Tensor roll(Tensor input, long[] shifts, long[] dims) => input.roll(shifts, dims);
    public static Tensor roll(Tensor input, long[] shifts) => input.roll(shifts);
    public static Tensor roll(Tensor input, ReadOnlySpan<long> shifts, ReadOnlySpan<long> dims = default) => input.roll(shifts, dims);
    public static Tensor flip(Tensor input, params long[] dims) => input.flip(dims);
    public static Tensor fliplr(Tensor input) => input.fliplr();
    public static Tensor flipud(Tensor input) => input.flipud();
    public static Tensor rot90(Tensor input, long k = 1, (long, long)? dims = null) => input.rot90(k, dims);
    public static Tensor tril(Tensor input, long diagonal = 0) => input.tril(diagonal);
    public static Tensor triu(Tensor input, long diagonal = 0) => input.triu(diagonal);
    public static Tensor diag(Tensor input, long diagonal = 0) => input.diag(diagonal);
    public static Tensor diagonal(Tensor input, long offset = 0, long dim1 = 0, long dim2 = 1) => input.diagonal(offset, dim1, dim2);
    public static Tensor diag_embed(Tensor input, long offset = 0, long dim1 = -2, long dim2 = -1) => input.diag_embed(offset, dim1, dim2);
    public static Tensor diagflat(Tensor input, long offset = 0) => input.diagflat(offset);
    public static Tensor block_diag(params Tensor[] tensors) => Ops.Call("block_diag", tensors);
    public static Tensor view_as_complex(Tensor input) => input.view_as_complex();
    public static Tensor view_as_real(Tensor input) => input.view_as_real();
    public static Tensor cartesian_prod(IList<Tensor> tensors) => Ops.Call("cartesian_prod", Arg.Of(tensors));
    public static Tensor cartesian_prod(params Tensor[] tensors) => Ops.Call("cartesian_prod", tensors);
    public static Tensor cartesian_prod(ReadOnlySpan<Tensor> tensors) => Ops.Call("cartesian_prod", Arg.Of(tensors));
    public static Tensor combinations(Tensor input, int r = 2, bool with_replacement = false) => Ops.Call("combinations", input, r, with_replacement);
    public static IEnumerable<Tensor> atleast_1d(params Tensor[] input) => Ops.CallList("atleast_1d.Sequence", input);
    public static IEnumerable<Tensor> atleast_2d(params Tensor[] input) => Ops.CallList("atleast_2d.Sequence", input);
}
