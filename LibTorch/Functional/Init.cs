using DaML.LibTorch;

namespace TorchSharp;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Initial values of weights, drawn in place. Each returns the tensor it was given.</summary>
        public static partial class init
        {
            public enum FanInOut
            {
                FanIn = 0,
                FanOut = 1,
            }

            public enum NonlinearityType
            {
                Linear = 0,
                Conv1D = 1,
                Conv2D = 2,
                Conv3D = 3,
                ConvTranspose1D = 4,
                ConvTranspose2D = 5,
                ConvTranspose3D = 6,
                Sigmoid = 7,
                Tanh = 8,
                ReLU = 9,
                LeakyReLU = 10,
            }

            /// <summary>The factor by which a nonlinearity shrinks the standard deviation that passes through it; <paramref name="param"/> is the slope of a leaky ReLU.</summary>
            public static double calculate_gain(NonlinearityType nonlinearity, double param = 0) => nonlinearity switch
            {
                NonlinearityType.Tanh => 5.0 / 3.0,
                NonlinearityType.ReLU => Math.Sqrt(2),
                NonlinearityType.LeakyReLU => Math.Sqrt(2 / (1 + param * param)),
                _ => 1,
            };

            /// <summary>How many inputs feed an output and how many outputs an input feeds, of a weight [out, in, kernel...].</summary>
            public static (long fanIn, long fanOut) CalculateFanInAndFanOut(Tensor tensor)
            {
                var shape = tensor.shape;
                if (shape.Length < 2) throw new ArgumentException("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions");
                var field = 1L;
                foreach (var n in shape.AsSpan(2)) field *= n;
                return (shape[1] * field, shape[0] * field);
            }

            public static Tensor constant_(Tensor tensor, Scalar val) => Fill(tensor, t => t.fill_(val));
            public static Tensor ones_(Tensor tensor) => Fill(tensor, t => t.fill_(1));
            public static Tensor zeros_(Tensor tensor) => Fill(tensor, t => t.zero_());

            public static Tensor uniform_(Tensor tensor, double low = 0, double high = 1, Generator generator = null!) =>
                Fill(tensor, t => t.uniform_(low, high, generator));

            public static Tensor normal_(Tensor tensor, double mean = 0, double std = 1, Generator generator = null!) =>
                Fill(tensor, t => t.normal_(mean, std, generator));

            /// <summary>A normal distribution cut off at <paramref name="a"/> and <paramref name="b"/>, by the inverse of its distribution function.</summary>
            public static Tensor trunc_normal_(Tensor tensor, double mean = 0, double std = 1, double a = -2, double b = 2, Generator generator = null!)
            {
                double low = Phi((a - mean) / std), high = Phi((b - mean) / std);
                return Fill(tensor, t =>
                {
                    t.uniform_(2 * low - 1, 2 * high - 1, generator);
                    t.erfinv_();
                    t.mul_(std * Math.Sqrt(2));
                    t.add_(mean);
                    return t.clamp_(a, b);
                });
            }

            private static double Phi(double x)
            {
                using var t = tensor(x / Math.Sqrt(2));
                using var erf = t.erf();
                return (1 + erf.ToDouble()) / 2;
            }

            public static Tensor eye_(Tensor tensor)
            {
                if (tensor.dim() != 2) throw new ArgumentException("Only tensors with 2 dimensions are supported");
                return Fill(tensor, t =>
                {
                    t.zero_();
                    using var diagonal = t.diagonal();
                    return diagonal.fill_(1);
                });
            }

            /// <summary>The identity of a convolution: as many input channels as can be pass unchanged.</summary>
            public static Tensor dirac_(Tensor tensor)
            {
                var shape = tensor.shape;
                if (shape.Length is < 3 or > 5) throw new ArgumentException("Only tensors with 3, 4, or 5 dimensions are supported");
                return Fill(tensor, t =>
                {
                    t.zero_();
                    for (var c = 0L; c < Math.Min(shape[0], shape[1]); c++)
                    {
                        var cell = t.select(0, c).select(0, c);
                        foreach (var n in shape.AsSpan(2)) cell = cell.select(0, n / 2);
                        cell.fill_(1);
                    }
                    return t;
                });
            }

            /// <summary>U(-b, b) with b = gain sqrt(6 / (fanIn + fanOut)) (Glorot and Bengio, 2010).</summary>
            public static Tensor xavier_uniform_(Tensor tensor, double gain = 1)
            {
                var (fanIn, fanOut) = CalculateFanInAndFanOut(tensor);
                var bound = gain * Math.Sqrt(6.0 / (fanIn + fanOut));
                return uniform_(tensor, -bound, bound);
            }

            /// <summary>N(0, s²) with s = gain sqrt(2 / (fanIn + fanOut)) (Glorot and Bengio, 2010).</summary>
            public static Tensor xavier_normal_(Tensor tensor, double gain = 1)
            {
                var (fanIn, fanOut) = CalculateFanInAndFanOut(tensor);
                return normal_(tensor, 0, gain * Math.Sqrt(2.0 / (fanIn + fanOut)));
            }

            public static Tensor glorot_uniform_(Tensor tensor, double gain = 1) => xavier_uniform_(tensor, gain);
            public static Tensor glorot_normal_(Tensor tensor, double gain = 1) => xavier_normal_(tensor, gain);

            /// <summary>U(-b, b) with b = gain sqrt(3 / fan) (He et al., 2015).</summary>
            public static Tensor kaiming_uniform_(Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU)
            {
                var bound = Math.Sqrt(3) * KaimingDeviation(tensor, a, mode, nonlinearity);
                return uniform_(tensor, -bound, bound);
            }

            /// <summary>N(0, s²) with s = gain / sqrt(fan) (He et al., 2015).</summary>
            public static Tensor kaiming_normal_(Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU) =>
                normal_(tensor, 0, KaimingDeviation(tensor, a, mode, nonlinearity));

            private static double KaimingDeviation(Tensor tensor, double a, FanInOut mode, NonlinearityType nonlinearity)
            {
                var (fanIn, fanOut) = CalculateFanInAndFanOut(tensor);
                return calculate_gain(nonlinearity, a) / Math.Sqrt(mode == FanInOut.FanIn ? fanIn : fanOut);
            }

            /// <summary>Orthonormal rows or columns, times <paramref name="gain"/> (Saxe et al., 2014).</summary>
            public static Tensor orthogonal_(Tensor tensor, double gain = 1)
            {
                if (tensor.dim() < 2) throw new ArgumentException("Only tensors with 2 or more dimensions are supported");
                var shape = tensor.shape;
                long rows = shape[0], columns = tensor.numel() / Math.Max(rows, 1);
                return Fill(tensor, t =>
                {
                    var a = randn([Math.Max(rows, columns), Math.Min(rows, columns)], dtype: t.dtype, device: t.device);
                    var (q, r) = Ops.Call2("linalg_qr", a);
                    q = q * r.diagonal().sign();
                    if (rows < columns) q = q.t();
                    t.view(rows, columns).copy_(q);
                    return t.mul_(gain);
                });
            }

            /// <summary>N(0, std²) with the given part of each column set to zero.</summary>
            public static Tensor sparse_(Tensor tensor, double sparsity, double std = 0.01)
            {
                if (tensor.dim() != 2) throw new ArgumentException("Only tensors with 2 dimensions are supported");
                var (rows, columns) = (tensor.shape[0], tensor.shape[1]);
                var zeros = (long)Math.Ceiling(sparsity * rows);
                return Fill(tensor, t =>
                {
                    t.normal_(0, std);
                    for (var c = 0L; c < columns; c++)
                    {
                        t.select(1, c).index_fill_(0, randperm(rows, device: t.device).narrow(0, 0, zeros), 0);
                    }
                    return t;
                });
            }

            private static Tensor Fill(Tensor tensor, Func<Tensor, Tensor> fill)
            {
                using (no_grad())
                using (NewDisposeScope()) fill(tensor);
                return tensor;
            }
        }
    }
}
