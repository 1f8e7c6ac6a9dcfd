using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;

namespace DaML.Notebooks;

/// <summary>Shows the values of cells as .NET Interactive does, by the formatters that the value's type names.</summary>
internal static class CellValue
{
    private const string Plain = "text/plain";

    /// <summary>Makes the output of a cell that ends with a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="number">The cell's number.</param>
    public static JsonObject Output(object value, int number)
    {
        var data = new JsonObject();
        foreach (var (form, text) in Forms(value)) data[form] = Notebook.Lines(text);
        return new JsonObject
        {
            ["data"] = data, ["execution_count"] = number, ["metadata"] = new JsonObject(), ["output_type"] = "execute_result",
        };
    }

    // The attribute and what it names are known by their members alone, so any package can have them without a reference.
    private static List<(string Form, string Text)> Forms(object value)
    {
        object? attribute = value.GetType().GetCustomAttributes(inherit: true)
            .FirstOrDefault(one => one.GetType().Name == "TypeFormatterSourceAttribute");
        if (attribute is null) return [(Plain, Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")];
        object source = Activator.CreateInstance((Type)Member(attribute, "FormatterSourceType"))!;
        var made = (IEnumerable)source.GetType().GetMethod("CreateTypeFormatters")!.Invoke(source, null)!;
        return [.. made.Cast<object>().Select(formatter =>
        {
            var text = new StringWriter { NewLine = "\n" };
            formatter.GetType().GetMethod("Format", BindingFlags.Public | BindingFlags.Instance)!.Invoke(formatter, [value, text]);
            return ((string)Member(formatter, "MimeType"), text.ToString());
        })];
    }

    private static object Member(object from, string name) => from.GetType().GetProperty(name)!.GetValue(from)!;
}
