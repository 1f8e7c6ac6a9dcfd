#pragma warning disable CS1591 // the names are TorchSharp's, and are documented there

using System.Globalization;
using System.Text;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>How a tensor is written as text.</summary>
public enum TensorStringStyle { Metadata, Julia, Numpy, CSharp, Default }

public static partial class torch
{
    private static TensorStringStyle style = TensorStringStyle.Julia;
    internal static string floatFormat = "g5";
    internal static string newLine = Environment.NewLine;
    internal static int maxRows = 6;
    internal static int maxColumns = 6;

    public const TensorStringStyle julia = TensorStringStyle.Julia;
    public const TensorStringStyle numpy = TensorStringStyle.Numpy;
    public const TensorStringStyle csharp = TensorStringStyle.CSharp;

    public static TensorStringStyle TensorStringStyle
    {
        get => style;
        set => style = value != TensorStringStyle.Default ? value : throw new ArgumentException("The style cannot be set to 'Default'");
    }

    public partial class Tensor
    {
        /// <summary>Shape, type and device: "[2x3], type = Float32, device = cpu".</summary>
        public override string ToString() =>
            IsInvalid ? "" : $"[{string.Join('x', shape)}], type = {dtype}, device = {device}";

        public string ToString(bool disamb, string? fltFormat = null, int? width = null, CultureInfo? cultureInfo = null, string? newLine = null) =>
            disamb ? ToString(torch.TensorStringStyle, fltFormat, width, cultureInfo, newLine) : ToString();

        public string ToString(TensorStringStyle style, string? fltFormat = null, int? width = null, CultureInfo? cultureInfo = null, string? newLine = null)
        {
            if (style == TensorStringStyle.Default) style = torch.TensorStringStyle;
            if (device_type == DeviceType.META || style == TensorStringStyle.Metadata) return ToString();
            using var scope = NewDisposeScope();
            using var mode = no_grad();
            var text = new StringBuilder();
            var nl = newLine ?? torch.newLine;
            if (style != TensorStringStyle.Numpy) text.Append(this).Append(dim() == 0 || style == TensorStringStyle.CSharp ? ", " : nl);
            var (open, close) = style == TensorStringStyle.CSharp ? ('{', '}') : ('[', ']');
            Write(text, cpu(), dim(), fltFormat ?? floatFormat, cultureInfo ?? CultureInfo.CurrentCulture, nl, open, close);
            return text.ToString();
        }

        private static void Write(StringBuilder text, Tensor t, long rank, string format, CultureInfo culture, string nl, char open, char close)
        {
            var dim = t.dim();
            if (dim == 0)
            {
                WriteNumber(text, t, format, culture);
                return;
            }
            text.Append(open);
            var n = t.size(0);
            var limit = dim == 1 ? maxColumns : maxRows;
            var (first, last) = n <= limit ? (n, n) : (limit - limit / 2, n - limit / 2);
            for (var i = 0L; i < n; i++)
            {
                if (i == first && first < last)
                {
                    Separate(first);
                    text.Append("...");
                    i = last;
                }
                Separate(i);
                using var row = t[i];
                Write(text, row, rank, format, culture, nl, open, close);
            }
            text.Append(close);

            void Separate(long i)
            {
                if (i == 0) return;
                if (dim == 1) text.Append(", ");
                else
                {
                    for (var k = 1; k < dim; k++) text.Append(nl);
                    text.Append(' ', (int)(rank - dim + 1));
                }
            }
        }

        private static void WriteNumber(StringBuilder text, Tensor t, string format, CultureInfo culture)
        {
            var s = t.ToScalar();
            if (torch.is_floating_point(t.dtype))
                text.Append(t.dtype == ScalarType.Float64 ? s.ToDouble().ToString(format, culture) : s.ToSingle().ToString(format, culture));
            else if (torch.is_complex(t.dtype))
                text.Append(s.Real.ToString(format, culture)).Append(s.Imaginary < 0 ? '-' : '+').Append(Math.Abs(s.Imaginary).ToString(format, culture)).Append('i');
            else text.Append(s);
        }
    }
}

public static partial class TensorExtensionMethods
{
    public static string str(this Tensor tensor, string? fltFormat = null, int? width = null, string? newLine = null, CultureInfo? cultureInfo = null, TensorStringStyle style = TensorStringStyle.Default) =>
        tensor.ToString(style, fltFormat, width, cultureInfo, newLine);

    public static string jlstr(this Tensor tensor, string? fltFormat = null, int? width = null, string? newLine = null, CultureInfo? cultureInfo = null) =>
        tensor.ToString(TensorStringStyle.Julia, fltFormat, width, cultureInfo, newLine);

    public static string npstr(this Tensor tensor, string? fltFormat = "g5", int? width = 100, string? newLine = null, CultureInfo? cultureInfo = null) =>
        tensor.ToString(TensorStringStyle.Numpy, fltFormat, width, cultureInfo, newLine);

    public static string cstr(this Tensor tensor, string? fltFormat = "g5", int? width = 100, string? newLine = null, CultureInfo? cultureInfo = null) =>
        tensor.ToString(TensorStringStyle.CSharp, fltFormat, width, cultureInfo, newLine);

    public static string metastr(this Tensor tensor) => tensor.ToString(TensorStringStyle.Metadata);

    public static Tensor print(this Tensor t, string? fltFormat = "g5", int? width = 100, string? newLine = null, CultureInfo? cultureInfo = null, TensorStringStyle style = TensorStringStyle.Default)
    {
        Console.WriteLine(t.str(fltFormat, width, newLine, cultureInfo, style));
        return t;
    }
}
