using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Creation, conversion, elements, indexing, text.</summary>
public class TensorAccessTests
{
    [Fact]
    public void Shapes_types_and_metadata()
    {
        using var scope = NewDisposeScope();
        var a = zeros(2, 3, dtype: float64);
        Assert.Equal((2L, 6L, 8L, 3L), (a.ndim, a.numel(), a.element_size(), a.size(1)));
        Assert.Equal(3, a.size(-1));
        Assert.Equal([3L, 1], a.stride());
        Assert.Equal([1L, 3], a.T.stride());
        Assert.True(a.is_contiguous() && !a.T.is_contiguous() && a.T.contiguous().is_contiguous());
        Assert.Equal(1, a[0].narrow(0, 1, 1).storage_offset());
        Assert.True(a.is_cpu() && !a.is_cuda && !a.is_meta && !a.is_sparse && a.is_floating_point() && !a.is_complex() && !a.is_integral() && !a.is_pinned());
        Assert.Equal("cpu", a.device.ToString());
        Assert.Equal("[2x3], type = Float64, device = cpu", a.ToString());
        Assert.Equal(ScalarType.Float32, zeros(1).dtype);
        Assert.Equal(ScalarType.Int64, arange(3).dtype);
        Assert.Equal(ScalarType.Float32, arange(3.0).dtype);
        Assert.Equal(ScalarType.Int32, tensor(1).dtype);
        Assert.Equal(ScalarType.Float64, tensor(1.0).dtype);
        Assert.Equal(ScalarType.Float64, promote_types(int64, float64));
        Assert.Equal(ScalarType.Float32, result_type(ones(1), ones(1, dtype: int32)));
        Assert.Equal(2.220446049250313e-16, finfo(float64).eps);
        Assert.StartsWith("1.", __version__ is ['1', ..] ? __version__ : "1.");
    }

    [Fact]
    public void The_families_of_creation()
    {
        using var scope = NewDisposeScope();
        foreach (var t in (Tensor[])[zeros([2, 3]), zeros(2, 3), ones(2L, 3L), empty([2, 3]), full(2, 3, 7.0), rand(2, 3), randn([2L, 3L]), eye(2, 3), zeros(2, 3).new_ones(2, 3), ones([2, 3]).new_full([2, 3], 4), full([2, 3], 1).zeros_like()])
            Assert.Equal([2L, 3], t.shape);
        Assert.Equal([1.0, 1.5, 2], linspace(1, 2, 3, float64).data<double>().ToArray());
        Assert.Equal([1.0, 10, 100], logspace(0, 2, 3, dtype: float64).data<double>().ToArray().Select(x => Math.Round(x, 9)));
        Assert.Equal([1L, 3, 5], arange(1, 7, 2).data<long>().ToArray());
        Assert.Equal([0L, 1, 1, 0, 0, 1], tril_indices(2, 2).reshape(-1).data<long>().ToArray());
        Assert.Equal(6, triu_indices(2, 2).numel());
        Assert.Equal([2L, 3], meshgrid([arange(2), arange(3)])[0].shape);
        Assert.Equal(new Complex(1, 2), complex(tensor(1.0), tensor(2.0)).ToComplexFloat64());
        Assert.Equal(2.0, polar(tensor(2.0), tensor(0.5)).abs().item<double>(), 12);
        Assert.Equal([2L, 2], empty_strided([2, 2], [1, 2]).shape);
        Assert.Equal(4.0, hann_window(8, dtype: float64).sum().item<double>(), 12);
        Assert.Equal(8, hamming_window(8).numel() + blackman_window(8).numel() - bartlett_window(8).numel());
        Assert.Equal(8, kaiser_window(8).numel());
        Assert.Equal(5.0, sparse_coo_tensor(tensor(new long[,] { { 0 }, { 1 } }), tensor([5.0]), [2, 2]).to_dense()[0, 1].item<double>());
        foreach (var t in (Tensor[])[rand_like(ones(3)), randn_like(ones(3)), randint_like(ones(3), 0, 5), ones_like(ones(3)), zeros_like(ones(3)), empty_like(ones(3)), full_like(ones(3), 2)]) Assert.Equal([3L], t.shape);
        Assert.True(ones(2, requires_grad: true).requires_grad);
        Assert.Equal(ScalarType.Float64, ones(2, dtype: float64).new_zeros(3).dtype);
    }

    [Fact]
    public void Arrays_are_copied_by_tensor_and_shared_by_from_array()
    {
        using var scope = NewDisposeScope();
        double[] values = [1, 2, 3, 4];
        var copy = tensor(values, [2, 2]);
        var shared = from_array(values);
        var half = frombuffer(values, float64, 2, 2);
        values[3] = 40;
        Assert.Equal(4.0, copy[1, 1].item<double>());
        Assert.Equal(40.0, shared[3].item<double>());
        Assert.Equal([3.0, 40], half.data<double>().ToArray());
        GC.Collect();
        Assert.Equal(40.0, shared[3].item<double>());
        Assert.Equal([1.0, 2, 3, 40], as_tensor(values).data<double>().ToArray());
        Assert.Equal([[1.0, 2], [3.0, 4]], new[] { 0, 1 }.Select(i => tensor(new double[,] { { 1, 2 }, { 3, 4 } })[i].data<double>().ToArray()));
        Assert.Equal([2L, 1, 2], tensor(new float[,,] { { { 1, 2 } }, { { 3, 4 } } }).shape);
        Assert.Equal(ScalarType.Float32, tensor(values, dtype: float32).dtype);
        Assert.Equal([2L, 2], new float[] { 1, 2, 3, 4 }.ToTensor([2, 2]).shape);
        Assert.Equal(3, 3L.ToTensor().item<long>());
    }

    [Fact]
    public void Elements_follow_the_strides()
    {
        using var scope = NewDisposeScope();
        var a = arange(6).reshape(2, 3);
        Assert.Equal([0L, 3, 1, 4, 2, 5], a.T.data<long>().ToArray());
        Assert.Equal(4, a.T.data<long>()[1, 1]);
        Assert.Equal([0L, 3, 1, 4, 2, 5], a.T.data<long>());
        var nd = (long[,])a.data<long>().ToNDArray();
        Assert.Equal(5, nd[1, 2]);
        a.T.data<long>()[2, 1] = 50;
        Assert.Equal(50, a[1, 2].item<long>());
        a.data<long>().CopyFrom([9, 8], 0, 1);
        Assert.Equal([0L, 9, 8], a[0].data<long>().ToArray());
        var target = new long[2];
        a.data<long>().CopyTo(target, 0, 4);
        Assert.Equal([4L, 50], target);
        Assert.Equal(48, a.bytes.Length);
        Assert.Equal(9, a.ReadCpuInt64(1));
        Assert.Equal(2.5f, tensor(2.5f).ReadCpuSingle(0));
        using var stream = new MemoryStream();
        a.WriteBytesToStream(stream);
        stream.Position = 0;
        var b = zeros_like(a);
        b.ReadBytesFromStream(stream);
        Assert.True(a.Equals(b));
        var c = complex(tensor([1.0]), tensor([2.0])).conj();
        Assert.Equal(new Complex(1, -2), c.item<Complex>());
    }

    [Fact]
    public void Conversion_between_types()
    {
        using var scope = NewDisposeScope();
        var a = tensor([1.6, -2.2]);
        Assert.Equal([1, -2], a.@int().data<int>().ToArray());
        Assert.Equal([1L, -2], a.@long().data<long>().ToArray());
        Assert.Equal([1.6f, -2.2f], a.@float().data<float>().ToArray());
        foreach (var (t, type) in new[] { (a.half(), float16), (a.bfloat16(), bfloat16), (a.@bool(), @bool), (a.@char(), int8), (a.@short(), int16), (a.abs().@byte(), uint8), (a.cfloat(), complex64), (a.cdouble(), complex128), (a.type(float32), float32), (a.type_as(ones(1)), float32), (a.to(float32), float32), (a.to(ones(1)), float32), (FloatTensor(a), float32), (LongTensor(a), int64) })
            Assert.Equal(type, t.dtype);
        Assert.Equal(a.Handle, a.to(float64).Handle);
        Assert.NotEqual(a.Handle, a.to(float64, copy: true).Handle);
        Assert.Equal(1.5f, tensor(1.5).half().@float().item<float>());
        Assert.Equal(3, tensor(3.7).ToInt32());
        Assert.Equal(3.7, tensor(3.7).ToDouble());
        Assert.Equal(1.5f, new BFloat16(1.5f).ToSingle());
        var copied = zeros(2);
        copied.copy_(a);
        Assert.Equal([1.6f, -2.2f], copied.data<float>().ToArray());
        copied.fill_(3).Dispose();
        Assert.Equal(6f, copied.sum().item<float>());
        Assert.Equal(0f, copied.zero_().sum().item<float>());
        Assert.True(a.clone().Equals(a));
        Assert.NotEqual(a.Handle, a.clone().Handle);
    }

    [Fact]
    public void Reading_by_index()
    {
        using var scope = NewDisposeScope();
        var a = arange(24).reshape(2, 3, 4);
        Assert.Equal(23, a[1, 2, 3].item<long>());
        Assert.Equal(23, a[-1, -1, -1].item<long>());
        Assert.Equal([4L], a[1, 2].shape);
        Assert.Equal([2L, 1, 4], a[.., 1..2].shape);
        Assert.Equal([2L, 3], a[TensorIndex.Ellipsis, 0].shape);
        Assert.Equal([2L, 3, 2], a[TensorIndex.Ellipsis, TensorIndex.Slice(null, null, 2)].shape);
        Assert.Equal([1L, 2, 3, 4], a[TensorIndex.None].shape);
        Assert.Equal([2L, 4], a[TensorIndex.Colon, ^1].shape);
        Assert.Equal([2L, 3, 1], a[.., .., 1..^2].shape);
        Assert.Equal([12L, 13], a[1, 0, ..2].data<long>().ToArray());
        Assert.Equal([22L, 23], a[a > 21].data<long>().ToArray());
        Assert.Equal([2L, 2, 4], a[TensorIndex.Colon, TensorIndex.Tensor(tensor(new long[] { 2, 0 }))].shape);
        Assert.Equal([5L, 18], a[tensor(new long[] { 0, 1 }), tensor(new long[] { 1, 1 }), tensor(new long[] { 1, 2 })].data<long>().ToArray());
        Assert.Equal([3L, 4], a.index(TensorIndex.Single(1)).shape);
        Assert.Equal(23, a[[1, 2, 3]].item<long>());
    }

    [Fact]
    public void Writing_by_index()
    {
        using var scope = NewDisposeScope();
        var a = zeros([3, 4], float64);
        a[0] = tensor([1.0, 2, 3, 4]);
        a[1, 1] = 5;
        a[.., 2..] = tensor(7.0);
        a[a == 0] = -1.0;
        Assert.Equal([1.0, 2, 7, 7, -1, 5, 7, 7, -1, -1, 7, 7], a.reshape(-1).data<double>().ToArray());
        a.index_put_(9.0, TensorIndex.Single(2), TensorIndex.Single(0));
        a.index_put_(tensor([1.0, 1.0]), [tensor(new long[] { 0, 0 }), tensor(new long[] { 0, 0 })], accumulate: true);
        Assert.Equal((9.0, 3.0), (a[2, 0].item<double>(), a[0, 0].item<double>()));
        var x = zeros(3, dtype: float64, requires_grad: true);
        var y = x * 1;
        y[1] = x[0] * 4;
        y.sum().backward();
        Assert.Equal([5.0, 0, 1], x.grad!.data<double>().ToArray());
    }

    [Fact]
    public void Text()
    {
        using var scope = NewDisposeScope();
        var a = tensor(new[,] { { 1.0, 2.5 }, { -3, 4 } });
        var culture = System.Globalization.CultureInfo.InvariantCulture;
        Assert.Equal("[[1, 2.5]|[-3, 4]]".Replace("|", "\n "), a.npstr(newLine: "\n", cultureInfo: culture));
        Assert.StartsWith("[2x2], type = Float64, device = cpu", a.jlstr(cultureInfo: culture));
        Assert.Contains("...", arange(100).npstr());
        Assert.Equal("7", tensor(7L).npstr());
        Assert.Equal("[2x2], type = Float64, device = cpu", a.metastr());
        Assert.Contains("{", a.cstr());
    }

    [Fact]
    public void Sizes_and_scalars()
    {
        Size s = new long[] { 2, 3 };
        Assert.Equal(6, s.numel());
        Assert.Equal(3, s[-1]);
        Assert.True(s == (2L, 3L));
        Assert.Equal(4, (s + s).Length);
        Assert.Equal(ScalarType.Float32, ((Scalar)1f).Type);
        Assert.Equal(ScalarType.Int32, ((Scalar)1).Type);
        Assert.Equal(1.5, ((Scalar)1.5).ToDouble());
        Assert.Equal(new Complex(1, 2), ((Scalar)new Complex(1, 2)).ToComplexFloat64());
        Assert.Equal("cuda:1", new Device("cuda", 1).ToString());
        Assert.Equal(DeviceType.CUDA, new Device("cuda:0").type);
        Assert.Equal("cpu", device("cpu").ToString());
    }

    [Fact]
    public void Every_form_in_place_changes_its_tensor()
    {
        using var scope = NewDisposeScope();
        double[] start = [0.3, -1.2, 2.6, -0.7];
        void Same(Func<Tensor, Tensor> outOfPlace, Func<Tensor, Tensor> inPlace)
        {
            var x = tensor(start);
            var expected = outOfPlace(tensor(start));
            var returned = inPlace(x);
            Assert.True(x.allclose(expected) && returned.Handle == x.Handle);
        }
        var w = tensor([1.1, 0.4, -0.9, 2.2]);
        var i = tensor(new long[] { 2, 0 });
        var v = tensor([5.0, 6.0]);
        Same(x => x.add(w), x => x.add_(w));
        Same(x => x.add(w, 2), x => x.add_(w, 2));
        Same(x => x.sub(w), x => x.sub_(w));
        Same(x => x.mul(w), x => x.mul_(w));
        Same(x => x.mul(2), x => torch.mul_(x, 2));
        Same(x => x.div(w), x => x.div_(w));
        Same(x => x.pow(2), x => x.pow_(2));
        Same(x => x.clamp(-1, 1), x => x.clamp_(-1, 1));
        Same(x => x.addcmul(w, w, 2), x => x.addcmul_(w, w, 2));
        Same(x => x.addcdiv(w, w, 2), x => x.addcdiv_(w, w, 2));
        Same(x => x.index_add(0, i, v, 1), x => x.index_add_(0, i, v, 1));
        Same(x => x.index_copy(0, i, v), x => x.index_copy_(0, i, v));
        Same(x => x.index_fill(0, i, 3), x => x.index_fill_(0, i, 3));
        Same(x => x.scatter(0, i, v), x => x.scatter_(0, i, v));
        Same(x => x.scatter_add(0, i, v), x => x.scatter_add_(0, i, v));
        Same(x => x.masked_fill(w > 0, 3), x => x.masked_fill_(w > 0, 3));
        Same(x => x.unsqueeze(0), x => x.unsqueeze_(0));
        Same(x => x.squeeze(), x => x.squeeze_());
        var m = ones(2, 3);
        Assert.Equal([3L, 2], m.transpose_(0, 1).shape);
        Assert.Equal([3L, 2], m.shape);
        Assert.Equal([false, true], tensor(new[] { true, false }).logical_not_().data<bool>().ToArray());
        Assert.Equal(-7, tensor(6L).bitwise_not_().item<long>());
    }
}
