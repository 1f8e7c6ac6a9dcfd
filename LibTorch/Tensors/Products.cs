// Matrix products and the like.
#pragma warning disable CS1591 // the names are TorchSharp's and PyTorch's, and are documented there

using DaML.LibTorch;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor matmul(Tensor target) => Ops.Call("matmul", this, target);
        public Tensor mm(Tensor target) => Ops.Call("mm", this, target);
        public Tensor bmm(Tensor batch2) => Ops.Call("bmm", this, batch2);
        public Tensor mv(Tensor target) => Ops.Call("mv", this, target);
        public Tensor dot(Tensor target) => Ops.Call("dot", this, target);
        public Tensor vdot(Tensor target) => Ops.Call("vdot", this, target);
        public Tensor inner(Tensor vec2) => Ops.Call("inner", this, vec2);
        public Tensor outer(Tensor vec2) => Ops.Call("outer", this, vec2);
        public Tensor ger(Tensor vec2) => Ops.Call("ger", this, vec2);
        public Tensor tensordot(Tensor b, long[] dims1, long[] dims2) => Ops.Call("tensordot", this, b, dims1, dims2);
        public Tensor tensordot(Tensor b, (long, long)[] dims) =>
            Ops.Call("tensordot", this, b, Array.ConvertAll(dims, d => d.Item1), Array.ConvertAll(dims, d => d.Item2));
        public Tensor tensordot(Tensor b, long dims = 2) =>
            tensordot(b, [.. Enumerable.Range(0, (int)dims).Select(i => ndim - dims + i)], [.. Enumerable.Range(0, (int)dims).Select(i => (long)i)]);
        public Tensor kron(Tensor other) => Ops.Call("kron", this, other);
        public Tensor cross(Scalar other, long dim) => Ops.Call("cross", this, ScalarLikeThis(other), dim);
        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1f, float alpha = 1f) => Ops.Call("addmm", this, mat1, mat2, beta, alpha);
        public Tensor addmv(Tensor mat, Tensor vec, float beta = 1f, float alpha = 1f) => Ops.Call("addmv", this, mat, vec, beta, alpha);
        public Tensor addbmm(Tensor batch1, Tensor batch2, float beta = 1f, float alpha = 1f) =>
            Ops.Call("addbmm", this, batch1, batch2, beta, alpha);
        public Tensor baddbmm(Tensor batch1, Tensor batch2, float beta = 1f, float alpha = 1f) =>
            Ops.Call("baddbmm", this, batch1, batch2, beta, alpha);
        public Tensor trapezoid(double dx = 1, long dim = -1) => Ops.Call("trapezoid.dx", this, dx, dim);
        public Tensor trapezoid(Tensor x, long dim = -1) => Ops.Call("trapezoid.x", this, x, dim);
        public Tensor cumulative_trapezoid(double dx = 1, long dim = -1) => Ops.Call("cumulative_trapezoid.dx", this, dx, dim);
        public Tensor cumulative_trapezoid(Tensor x, long dim = -1) => Ops.Call("cumulative_trapezoid.x", this, x, dim);
    }

    public static Tensor matmul(Tensor input, Tensor target) => input.matmul(target);
    public static Tensor mm(Tensor input, Tensor target) => input.mm(target);
    public static Tensor bmm(Tensor input, Tensor batch2) => input.bmm(batch2);
    public static Tensor mv(Tensor input, Tensor target) => input.mv(target);
    public static Tensor dot(Tensor input, Tensor other) => input.dot(other);
    public static Tensor vdot(Tensor input, Tensor target) => input.vdot(target);
    public static Tensor inner(Tensor input, Tensor vec2) => input.inner(vec2);
    public static Tensor outer(Tensor input, Tensor vec2) => input.outer(vec2);
    public static Tensor ger(Tensor input, Tensor vec2) => input.ger(vec2);
    public static Tensor einsum(string equation, params Tensor[] tensors) => Ops.Call("einsum", equation, tensors);
    public static Tensor tensordot(Tensor a, Tensor b, long dims = 2) => a.tensordot(b, dims);
    public static Tensor tensordot(Tensor a, Tensor b, long[] dims1, long[] dims2) => a.tensordot(b, dims1, dims2);
    public static Tensor tensordot(Tensor a, Tensor b, (long, long)[] dims) => a.tensordot(b, dims);
    public static Tensor kron(Tensor input, Tensor other) => input.kron(other);
    public static Tensor cross(Tensor input, Scalar other, long dim = 0) => input.cross(other, dim);
    public static Tensor addmm(Tensor input, Tensor mat1, Tensor mat2, float beta, float alpha) => input.addmm(mat1, mat2, beta, alpha);
    public static Tensor addmv(Tensor input, Tensor mat1, Tensor mat2, float beta, float alpha) => input.addmv(mat1, mat2, beta, alpha);
    public static Tensor addbmm(Tensor input, Tensor batch1, Tensor batch2, float beta = 1f, float alpha = 1f) =>
        input.addbmm(batch1, batch2, beta, alpha);
    public static Tensor baddbmm(Tensor input, Tensor batch1, Tensor batch2, float beta = 1f, float alpha = 1f) =>
        input.baddbmm(batch1, batch2, beta, alpha);
    public static Tensor chain_matmul(params Tensor[] matrices) => Ops.Call("chain_matmul", matrices);
    public static Tensor cdist(Tensor x1, Tensor x2, double p = 2, compute_mode compute_mode = compute_mode.use_mm_for_euclid_dist_if_necessary) =>
        Ops.Call("cdist", x1, x2, p, (long)compute_mode);
    public static Tensor trapezoid(Tensor y, Tensor x, long dim = -1) => y.trapezoid(x, dim);
    public static Tensor trapezoid(Tensor y, double dx = 1, long dim = -1) => y.trapezoid(dx, dim);
    public static Tensor trapz(Tensor y, Tensor x, long dim = -1) => Ops.Call("trapz.x", y, x, dim);
    public static Tensor trapz(Tensor y, double dx = 1, long dim = -1) => Ops.Call("trapz.dx", y, dx, dim);
    public static Tensor cumulative_trapezoid(Tensor y, Tensor x, long dim = -1) => y.cumulative_trapezoid(x, dim);
    public static Tensor cumulative_trapezoid(Tensor y, double dx = 1, long dim = -1) => y.cumulative_trapezoid(dx, dim);
}
