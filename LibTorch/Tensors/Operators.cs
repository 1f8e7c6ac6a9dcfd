// Operators and conversions of Tensor.
#pragma warning disable CS1591 // the names are TorchSharp's and PyTorch's, and are documented there

using System.Numerics;
using DaML.LibTorch;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public static Tensor operator +(Tensor left, Tensor right) => left.add(right);
        public static Tensor operator +(Tensor left, Scalar right) => left.add(right);
        public static Tensor operator +(Tensor left, int right) => Ops.Call("add.Scalar", left, right);
        public static Tensor operator +(Tensor left, long right) => Ops.Call("add.Scalar", left, right);
        public static Tensor operator +(Tensor left, float right) => Ops.Call("add.Scalar", left, right);
        public static Tensor operator +(Tensor left, double right) => Ops.Call("add.Scalar", left, right);
        public static Tensor operator +(Scalar left, Tensor right) => Ops.Call("add.Scalar", right, left);
        public static Tensor operator +(int left, Tensor right) => Ops.Call("add.Scalar", right, left);
        public static Tensor operator +(long left, Tensor right) => Ops.Call("add.Scalar", right, left);
        public static Tensor operator +(float left, Tensor right) => Ops.Call("add.Scalar", right, left);
        public static Tensor operator +(double left, Tensor right) => Ops.Call("add.Scalar", right, left);

        public static Tensor operator *(Tensor left, Tensor right) => left.mul(right);
        public static Tensor operator *(Tensor left, Scalar right) => left.mul(right);
        public static Tensor operator *(Tensor left, int right) => Ops.Call("mul.Scalar", left, right);
        public static Tensor operator *(Tensor left, long right) => Ops.Call("mul.Scalar", left, right);
        public static Tensor operator *(Tensor left, float right) => Ops.Call("mul.Scalar", left, right);
        public static Tensor operator *(Tensor left, double right) => Ops.Call("mul.Scalar", left, right);
        public static Tensor operator *(Scalar left, Tensor right) => Ops.Call("mul.Scalar", right, left);
        public static Tensor operator *(int left, Tensor right) => Ops.Call("mul.Scalar", right, left);
        public static Tensor operator *(long left, Tensor right) => Ops.Call("mul.Scalar", right, left);
        public static Tensor operator *(float left, Tensor right) => Ops.Call("mul.Scalar", right, left);
        public static Tensor operator *(double left, Tensor right) => Ops.Call("mul.Scalar", right, left);

        public static Tensor operator -(Tensor left, Tensor right) => left.sub(right);
        public static Tensor operator -(Tensor left, Scalar right) => left.sub(right);
        public static Tensor operator -(Tensor left, int right) => Ops.Call("sub.Scalar", left, right);
        public static Tensor operator -(Tensor left, long right) => Ops.Call("sub.Scalar", left, right);
        public static Tensor operator -(Tensor left, float right) => Ops.Call("sub.Scalar", left, right);
        public static Tensor operator -(Tensor left, double right) => Ops.Call("sub.Scalar", left, right);
        public static Tensor operator -(Scalar left, Tensor right) => NegatedPlus(left, right);
        public static Tensor operator -(int left, Tensor right) => NegatedPlus(left, right);
        public static Tensor operator -(long left, Tensor right) => NegatedPlus(left, right);
        public static Tensor operator -(float left, Tensor right) => NegatedPlus(left, right);
        public static Tensor operator -(double left, Tensor right) => NegatedPlus(left, right);

        public static Tensor operator /(Tensor left, Tensor right) => left.div(right);
        public static Tensor operator /(Tensor left, Scalar right) => left.div(right);
        public static Tensor operator /(Tensor left, int right) => Ops.Call("div.Scalar", left, right);
        public static Tensor operator /(Tensor left, long right) => Ops.Call("div.Scalar", left, right);
        public static Tensor operator /(Tensor left, float right) => Ops.Call("div.Scalar", left, right);
        public static Tensor operator /(Tensor left, double right) => Ops.Call("div.Scalar", left, right);
        public static Tensor operator /(Scalar left, Tensor right) => ReciprocalTimes(left, right);
        public static Tensor operator /(int left, Tensor right) => ReciprocalTimes(left, right);
        public static Tensor operator /(long left, Tensor right) => ReciprocalTimes(left, right);
        public static Tensor operator /(float left, Tensor right) => ReciprocalTimes(left, right);
        public static Tensor operator /(double left, Tensor right) => ReciprocalTimes(left, right);

        public static Tensor operator %(Tensor left, Tensor right) => left.remainder(right);
        public static Tensor operator %(Tensor left, Scalar right) => left.remainder(right);
        public static Tensor operator %(Tensor left, int right) => Ops.Call("remainder.Scalar", left, right);
        public static Tensor operator %(Tensor left, long right) => Ops.Call("remainder.Scalar", left, right);
        public static Tensor operator %(Tensor left, float right) => Ops.Call("remainder.Scalar", left, right);
        public static Tensor operator %(Tensor left, double right) => Ops.Call("remainder.Scalar", left, right);

        public static Tensor operator -(Tensor value) => value.neg();
        public static Tensor operator ~(Tensor value) => value.bitwise_not();
        public static Tensor operator &(Tensor left, Tensor right) => left.bitwise_and(right);
        public static Tensor operator |(Tensor left, Tensor right) => left.bitwise_or(right);
        public static Tensor operator ^(Tensor left, Tensor right) => left.bitwise_xor(right);

        public static Tensor operator ==(Tensor left, Tensor right) => left.eq(right);
        public static Tensor operator ==(Tensor left, Scalar right) => left.eq(right);
        public static Tensor operator ==(Scalar left, Tensor right) => right.eq(left);
        public static Tensor operator !=(Tensor left, Tensor right) => left.ne(right);
        public static Tensor operator !=(Tensor left, Scalar right) => left.ne(right);
        public static Tensor operator !=(Scalar left, Tensor right) => right.ne(left);
        public static Tensor operator <(Tensor left, Tensor right) => left.lt(right);
        public static Tensor operator <(Tensor left, Scalar right) => left.lt(right);
        public static Tensor operator <(Scalar left, Tensor right) => right.gt(left);
        public static Tensor operator <=(Tensor left, Tensor right) => left.le(right);
        public static Tensor operator <=(Tensor left, Scalar right) => left.le(right);
        public static Tensor operator <=(Scalar left, Tensor right) => right.ge(left);
        public static Tensor operator >(Tensor left, Tensor right) => left.gt(right);
        public static Tensor operator >(Tensor left, Scalar right) => left.gt(right);
        public static Tensor operator >(Scalar left, Tensor right) => right.lt(left);
        public static Tensor operator >=(Tensor left, Tensor right) => left.ge(right);
        public static Tensor operator >=(Tensor left, Scalar right) => left.ge(right);
        public static Tensor operator >=(Scalar left, Tensor right) => right.le(left);

        public static implicit operator Tensor(byte value) => torch.tensor(value);
        public static implicit operator Tensor(sbyte value) => torch.tensor(value);
        public static implicit operator Tensor(short value) => torch.tensor(value);
        public static implicit operator Tensor(int value) => torch.tensor(value);
        public static implicit operator Tensor(long value) => torch.tensor(value);
        public static implicit operator Tensor(float value) => torch.tensor(value);
        public static implicit operator Tensor(double value) => torch.tensor(value);
        public static implicit operator Tensor(bool value) => torch.tensor(value);
        public static implicit operator Tensor((float, float) value) => torch.tensor(value);
        public static implicit operator Tensor(Complex value) => torch.tensor(value);
        public static implicit operator Tensor(byte[] value) => torch.tensor(value);
        public static implicit operator Tensor(sbyte[] value) => torch.tensor(value);
        public static implicit operator Tensor(short[] value) => torch.tensor(value);
        public static implicit operator Tensor(int[] value) => torch.tensor(value);
        public static implicit operator Tensor(long[] value) => torch.tensor(value);
        public static implicit operator Tensor(float[] value) => torch.tensor(value);
        public static implicit operator Tensor(double[] value) => torch.tensor(value);
        public static implicit operator Tensor(bool[] value) => torch.tensor(value);
        public static implicit operator Tensor((float, float)[] value) => torch.tensor(value);
        public static implicit operator Tensor(Complex[] value) => torch.tensor(value);
        public static implicit operator Tensor(Scalar scalar) => FromScalarValue(scalar);

        public static explicit operator float(Tensor value) => value.ToSingle();
        public static explicit operator double(Tensor value) => value.ToDouble();
        public static explicit operator sbyte(Tensor value) => value.ToSByte();
        public static explicit operator byte(Tensor value) => value.ToByte();
        public static explicit operator short(Tensor value) => value.ToInt16();
        public static explicit operator int(Tensor value) => value.ToInt32();
        public static explicit operator long(Tensor value) => value.ToInt64();
        public static explicit operator bool(Tensor value) => value.ToBoolean();

        // as TorchSharp computes them, so that the bits agree
        private static Tensor NegatedPlus(in Arg left, Tensor right)
        {
            var negated = right.neg();
            var result = Ops.Call("add.Scalar", negated, left);
            negated.Dispose();
            return result;
        }

        private static Tensor ReciprocalTimes(in Arg left, Tensor right)
        {
            var reciprocal = right.reciprocal();
            var result = Ops.Call("mul.Scalar", reciprocal, left);
            reciprocal.Dispose();
            return result;
        }

        private static Tensor FromScalarValue(Scalar s) => Ops.Call("scalar_tensor", s, s.Type);
    }
}
