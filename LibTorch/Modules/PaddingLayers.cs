using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    namespace Modules
    {
        /// <summary>What the padding layers have in common.</summary>
        public abstract class PadBase : ParameterLessModule<Tensor, Tensor>
        {
            private readonly long[] _pad;
            private readonly PaddingModes _mode;
            private readonly double _value;

            private protected PadBase(string name, PaddingModes mode, double value, params long[] pad) : base(name) =>
                (_pad, _mode, _value) = (pad, mode, value);

            private protected static long[] Four((long, long, long, long) p) => [p.Item1, p.Item2, p.Item3, p.Item4];

            public override Tensor forward(Tensor input) => nn.functional.pad(input, _pad, _mode, _value);
        }

        /// <summary>Pads a line with a constant.</summary>
        public sealed class ConstantPad1d : PadBase
        {
            internal ConstantPad1d((long, long) padding, double value) : base(nameof(ConstantPad1d), PaddingModes.Constant, value, padding.Item1, padding.Item2)
            {
            }
        }

        /// <summary>Pads a plane with a constant.</summary>
        public sealed class ConstantPad2d : PadBase
        {
            internal ConstantPad2d((long, long, long, long) padding, double value) : base(nameof(ConstantPad2d), PaddingModes.Constant, value, Four(padding))
            {
            }
        }

        /// <summary>Pads a plane with zeros.</summary>
        public sealed class ZeroPad2d : PadBase
        {
            internal ZeroPad2d((long, long, long, long) padding) : base(nameof(ZeroPad2d), PaddingModes.Constant, 0, Four(padding))
            {
            }
        }

        /// <summary>Pads a line by reflection at its ends.</summary>
        public sealed class ReflectionPad1d : PadBase
        {
            internal ReflectionPad1d((long, long) padding) : base(nameof(ReflectionPad1d), PaddingModes.Reflect, 0, padding.Item1, padding.Item2)
            {
            }
        }

        /// <summary>Pads a plane by reflection at its borders.</summary>
        public sealed class ReflectionPad2d : PadBase
        {
            internal ReflectionPad2d((long, long, long, long) padding) : base(nameof(ReflectionPad2d), PaddingModes.Reflect, 0, Four(padding))
            {
            }
        }

        /// <summary>Pads a line with the values at its ends.</summary>
        public sealed class ReplicationPad1d : PadBase
        {
            internal ReplicationPad1d((long, long) padding) : base(nameof(ReplicationPad1d), PaddingModes.Replicate, 0, padding.Item1, padding.Item2)
            {
            }
        }

        /// <summary>Pads a plane with the values at its borders.</summary>
        public sealed class ReplicationPad2d : PadBase
        {
            internal ReplicationPad2d((long, long, long, long) padding) : base(nameof(ReplicationPad2d), PaddingModes.Replicate, 0, Four(padding))
            {
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ConstantPad1d ConstantPad1d(long padding, double value) => new((padding, padding), value);
            public static ConstantPad1d ConstantPad1d((long, long) padding, double value) => new(padding, value);
            public static ConstantPad2d ConstantPad2d(long padding, double value) => new((padding, padding, padding, padding), value);
            public static ConstantPad2d ConstantPad2d((long, long, long, long) padding, double value) => new(padding, value);
            public static ZeroPad2d ZeroPad2d(long padding) => new((padding, padding, padding, padding));
            public static ZeroPad2d ZeroPad2d((long, long, long, long) padding) => new(padding);
            public static ReflectionPad1d ReflectionPad1d(long padding) => new((padding, padding));
            public static ReflectionPad1d ReflectionPad1d((long, long) padding) => new(padding);
            public static ReflectionPad2d ReflectionPad2d(long padding) => new((padding, padding, padding, padding));
            public static ReflectionPad2d ReflectionPad2d((long, long, long, long) padding) => new(padding);
            public static ReplicationPad1d ReplicationPad1d(long padding) => new((padding, padding));
            public static ReplicationPad1d ReplicationPad1d((long, long) padding) => new(padding);
            public static ReplicationPad2d ReplicationPad2d(long padding) => new((padding, padding, padding, padding));
            public static ReplicationPad2d ReplicationPad2d((long, long, long, long) padding) => new(padding);
        }
    }
}
