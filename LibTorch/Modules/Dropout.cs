using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    namespace Modules
    {
        /// <summary>When training, sets each element to zero with probability p and scales the others by 1 / (1 - p).</summary>
        public sealed class Dropout : ParameterLessModule<Tensor, Tensor>
        {
            internal Dropout(double p, bool inplace) : base(nameof(Dropout)) => (this.p, this.inplace) = (p, inplace);

            public bool inplace { get; set; }
            public double p { get; set; }

            public override Tensor forward(Tensor tensor) => nn.functional.dropout(tensor, p, training, inplace);
        }

        /// <summary>When training, sets each channel to zero with probability p and scales the others by 1 / (1 - p).</summary>
        public sealed class Dropout2d : ParameterLessModule<Tensor, Tensor>
        {
            internal Dropout2d(double p, bool inplace) : base(nameof(Dropout2d)) => (this.p, this.inplace) = (p, inplace);

            public bool inplace { get; set; }
            public double p { get; set; }

            public override Tensor forward(Tensor tensor) => nn.functional.dropout2d(tensor, p, training, inplace);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Dropout Dropout(double p = 0.5, bool inplace = false) => new(p, inplace);
            public static Dropout2d Dropout2d(double p = 0.5, bool inplace = false) => new(p, inplace);
        }
    }
}
