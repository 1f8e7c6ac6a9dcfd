using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    namespace Modules
    {
        /// <summary>
        /// Batch normalisation (Ioffe and Szegedy, ICML 2015): each channel to mean 0 and variance 1 over batch and space. When
        /// training, of the batch's own statistics, which also move the running ones (with the unbiased variance); when
        /// evaluating, of the running ones.
        /// </summary>
        public abstract class BatchNorm : NormBase
        {
            public BatchNorm(long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device? device, ScalarType? dtype, string name)
                : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, name)
            {
            }

            public override Tensor forward(Tensor input)
            {
                ValidateInputDimensions(input);
                var factor = momentum ?? 0;
                if (training && track_running_stats && num_batches_tracked is { } batches)
                {
                    using var unrecorded = no_grad();
                    using var counted = batches.add_(1);
                    if (momentum is null) factor = 1.0 / counted.ToInt64();
                }
                var ofBatch = training || (running_mean is null && running_var is null);
                var tracked = !training || track_running_stats;
                return nn.functional.batch_norm(input, tracked ? running_mean : null, tracked ? running_var : null, weight, bias, ofBatch, factor, eps);
            }
        }

        /// <summary>Batch normalisation of [N, C] or [N, C, L].</summary>
        public sealed class BatchNorm1d : BatchNorm
        {
            internal BatchNorm1d(long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device? device, ScalarType? dtype)
                : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, nameof(BatchNorm1d))
            {
            }

            protected override void ValidateInputDimensions(Tensor input) => Check(input, 2, 3);
        }

        /// <summary>Batch normalisation of [N, C, H, W].</summary>
        public sealed class BatchNorm2d : BatchNorm
        {
            internal BatchNorm2d(long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device? device, ScalarType? dtype)
                : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, nameof(BatchNorm2d))
            {
            }

            protected override void ValidateInputDimensions(Tensor input) => Check(input, 4);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static BatchNorm1d BatchNorm1d(long num_features, double eps = 1e-5, double momentum = 0.1, bool affine = true, bool track_running_stats = true, Device? device = null, ScalarType? dtype = null) =>
                new(num_features, eps, momentum, affine, track_running_stats, device, dtype);

            public static BatchNorm2d BatchNorm2d(long num_features, double eps = 1e-5, double momentum = 0.1, bool affine = true, bool track_running_stats = true, Device? device = null, ScalarType? dtype = null) =>
                new(num_features, eps, momentum, affine, track_running_stats, device, dtype);
        }
    }
}
