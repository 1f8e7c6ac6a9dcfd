using System.Numerics;
using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Checks arguments: each check refuses bad input with a message that says what was given and what was needed.</summary>
public static class Require
{
    /// <summary>Requires a finite number above zero.</summary>
    public static T Positive<T>(T value, [CallerArgumentExpression(nameof(value))] string name = "") where T : INumber<T> =>
        T.IsFinite(value) && value > T.Zero ? value
        : throw new ArgumentOutOfRangeException(name, $"'{name}' must be a finite number above zero; given: {value}.");

    /// <summary>Requires a finite number of zero or above.</summary>
    public static T NotNegative<T>(T value, [CallerArgumentExpression(nameof(value))] string name = "") where T : INumber<T> =>
        T.IsFinite(value) && value >= T.Zero ? value
        : throw new ArgumentOutOfRangeException(name, $"'{name}' must be a finite number, zero or above; given: {value}.");

    /// <summary>Requires a finite number.</summary>
    public static double Finite(double value, [CallerArgumentExpression(nameof(value))] string name = "") => double.IsFinite(value) ? value
        : throw new ArgumentOutOfRangeException(name, $"'{name}' must be a finite number; given: {value}.");

    /// <summary>Requires a share of a whole: a number above 0 and at most 1.</summary>
    public static double Share(double value, [CallerArgumentExpression(nameof(value))] string name = "") => value is > 0 and <= 1 ? value
        : throw new ArgumentOutOfRangeException(name, $"'{name}' must be above 0 and at most 1; given: {value}.");

    /// <summary>Requires one of the values that an enumeration names.</summary>
    public static T Defined<T>(T value, [CallerArgumentExpression(nameof(value))] string name = "") where T : struct, Enum =>
        Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(name,
            $"'{name}' must be one of {string.Join(", ", Enum.GetNames<T>())}; given: {value}.");

    /// <summary>Requires a whole number from <paramref name="minimum"/> to <paramref name="maximum"/>.</summary>
    public static long Between(long value, long minimum, long maximum, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value >= minimum && value <= maximum ? value : throw new ArgumentOutOfRangeException(name,
            $"'{name}' must be between {minimum} and {maximum}; given: {value}.");

    /// <summary>Requires a whole number of at least <paramref name="minimum"/>.</summary>
    public static long AtLeast(long value, long minimum, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value >= minimum ? value
        : throw new ArgumentOutOfRangeException(name, $"'{name}' must be at least {minimum}; given: {value}.");

    /// <summary>Requires a tensor whose last dimension is <paramref name="dimension"/>.</summary>
    public static Tensor LastDimension(Tensor tensor, long dimension, string what) =>
        HasLast(tensor, dimension) ? tensor : throw WrongLast(tensor, dimension, what);

    /// <summary>The same check, with a name that is composed only if the check fails: it runs several times in a cycle.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="dimension">The needed last size.</param>
    /// <param name="what">The name of the tensor in the message.</param>
    public static Tensor LastDimension(Tensor tensor, long dimension,
        [InterpolatedStringHandlerArgument(nameof(tensor), nameof(dimension))] ref NameOfWrongTensor what) =>
        what.IsNeeded ? throw WrongLast(tensor, dimension, what.ToString()) : tensor;

    /// <summary>Composes a name only if a tensor has the wrong last size.</summary>
    [InterpolatedStringHandler]
    public ref struct NameOfWrongTensor
    {
        private DefaultInterpolatedStringHandler text;

        /// <summary>Checks the tensor.</summary>
        public NameOfWrongTensor(int literalLength, int formattedCount, Tensor tensor, long dimension, out bool isNeeded)
        {
            IsNeeded = isNeeded = !HasLast(tensor, dimension);
            if (isNeeded) text = new(literalLength, formattedCount);
        }

        /// <summary>Whether the size is wrong, so that the name is needed.</summary>
        public bool IsNeeded { get; }

        /// <summary>Adds literal text.</summary>
        public void AppendLiteral(string value) => text.AppendLiteral(value);

        /// <summary>Adds a value.</summary>
        public void AppendFormatted<T>(T value) => text.AppendFormatted(value);

        /// <inheritdoc/>
        public override string ToString() => text.ToStringAndClear();
    }

    private static bool HasLast(Tensor tensor, long dimension) => tensor.ndim > 0 && tensor.size(-1) == dimension;

    private static ArgumentException WrongLast(Tensor tensor, long dimension, string what) =>
        new($"{what} must have {dimension} as its last size; given: {tensor.DescribeSizes()}.");

    /// <summary>Requires a tensor of exactly this shape; <see cref="ColumnDefinition.AnySize"/> takes any size.</summary>
    public static Tensor Shape(Tensor tensor, string what, params ReadOnlySpan<long> shape)
    {
        bool fits = tensor.ndim == shape.Length;
        for (int i = 0; fits && i < shape.Length; i++) fits = shape[i] == ColumnDefinition.AnySize || shape[i] == tensor.size(i);
        if (fits) return tensor;
        throw new ArgumentException(
            $"{what} must have shape {ColumnDefinition.Describe(shape.ToArray())}; given: {tensor.DescribeSizes()}.");
    }

    /// <summary>Requires a tensor without infinities and NaNs.</summary>
    public static Tensor Finite(Tensor tensor, string what)
    {
        using var scope = NewDisposeScope();
        if (tensor.isfinite().all().ToBoolean()) return tensor;
        long bad = tensor.isfinite().logical_not().sum().ToInt64();
        throw new ArgumentException($"{what} must be finite: {bad} of its {tensor.numel()} values are infinite or not a number. " +
            "Where an observation is missing, the mask column must be false.");
    }
}
