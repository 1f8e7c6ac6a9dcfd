// Linear algebra on Tensor and torch that is not in torch.linalg.
#pragma warning disable CS1591 // the names are TorchSharp's and PyTorch's, and are documented there

using DaML.LibTorch;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor pinverse(double rcond = 1E-15, bool hermitian = false) =>
            Ops.Call("linalg_pinv.rcond_tensor", this, torch.tensor(rcond, torch.is_complex(dtype) ? ScalarType.Float64 : dtype, device), hermitian);
        public Tensor cholesky_inverse(bool upper = false) => Ops.Call("cholesky_inverse", this, upper);
        public Tensor cholesky_solve(Tensor input2, bool upper = false) => Ops.Call("cholesky_solve", this, input2, upper);
        public Tensor matrix_power(int n) => Ops.Call("matrix_power", this, n);
        public (Tensor a, Tensor tau) geqrf() => Ops.Call2("geqrf", this);
        public Tensor ormqr(Tensor tau, Tensor other, bool left = true, bool transpose = false) =>
            Ops.Call("ormqr", this, tau, other, left, transpose);
    }

    public static (Tensor res, Tensor logabsdet) slogdet(Tensor A) => Ops.Call2("slogdet", A);
    public static Tensor pinverse(Tensor input, double rcond = 1E-15, bool hermitian = false) => input.pinverse(rcond, hermitian);
    public static Tensor cholesky_inverse(Tensor input, bool upper = false) => input.cholesky_inverse(upper);
    public static Tensor cholesky_solve(Tensor input, Tensor input2, bool upper = false) => input.cholesky_solve(input2, upper);
    public static Tensor matrix_power(Tensor input, int n) => input.matrix_power(n);
    public static (Tensor A_LU, Tensor? pivots, Tensor? infos) lu(Tensor A, bool pivot = true, bool get_infos = false) =>
        Tensor.Chosen(Ops.Call3("_lu_with_info", A, pivot, true), true, get_infos);
    public static (Tensor P, Tensor? L, Tensor? U) lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data = true, bool unpack_pivots = true) =>
        Ops.Call3("lu_unpack", LU_data, LU_pivots, unpack_data, unpack_pivots);
    public static (Tensor a, Tensor tau) geqrf(Tensor input) => input.geqrf();
    public static Tensor orgqr(Tensor input, Tensor tau) => Ops.Call("orgqr", input, tau);
    public static Tensor ormqr(Tensor input, Tensor tau, Tensor other, bool left = true, bool transpose = false) =>
        input.ormqr(tau, other, left, transpose);
    public static (Tensor Solution, Tensor QR) lstsq(Tensor B, Tensor A) =>
        throw new NotSupportedException("torch.lstsq left libtorch; use torch.linalg.lstsq");
}
