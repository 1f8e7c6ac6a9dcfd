using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A third party's component, written by hand: y = scale x + offset on one column, with an enum, a text, a list and a nested
/// part in its settings.</summary>
internal sealed class AffineTransformer(Column column, double scale, Tensor offset, Rounding rounding, object? note = null)
    : CycleTransformer("affine", new SchemaContract([new(column, offset.shape)], [new(column, offset.shape)])), IComponent
{
    public static ComponentType Type { get; } = new("example.org/affine", 2, reader => new AffineTransformer(
        new Column(reader.Get<string>("column")), reader.Get<double>("scale"), reader.Tensor("offset"), reader.Get<Rounding>("rounding"),
        reader.OptionalPart<Note>("note")));

    public double Scale => scale;
    public Tensor Offset => offset;
    public Rounding Rounding => rounding;
    public Note? Note => note as Note;
    ComponentType IComponent.ComponentType => Type;

    protected override IReadOnlyList<Tensor> Apply(ITrajectoryCursor cycle) => [scale * cycle[column] + offset];

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("column", column.Name);
        writer.Set("scale", scale);
        writer.Set("rounding", rounding);
        writer.Tensor("offset", offset);
        writer.OptionalPart("note", note);
    }
}

internal enum Rounding { None, Nearest }

/// <summary>A third party's component that is declared.</summary>
[Component("example.org/note")]
internal sealed record Note(string Text, double[] Numbers);
