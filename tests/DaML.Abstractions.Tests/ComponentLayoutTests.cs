using System.Text.Json.Nodes;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A component that is declared is written and read by its constructor, and one that cannot be is refused by name.</summary>
public sealed class ComponentLayoutTests : IDisposable
{
    private readonly DataAssimilationContext context = new(1);
    private readonly string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.daml");
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose()
    {
        scope.Dispose();
        File.Delete(path);
    }

    private interface IShape;

    private enum Colour { Red, Green }

    private sealed record Frame([Saved("frameWidth")] double Width)
    {
        public double Width { get; } = Require.Positive(Width);
    }

    private sealed record Extent(int Rows, int Columns);

    private sealed record Style
    {
        public Colour Fill { get; init; } = Colour.Green;

        [Saved(Since = 2)]
        public int? Layer { get; init; } = 3;
    }

    private abstract record Layered
    {
        [Saved(Since = 2)]
        public int Layer { get; init; } = 3;
    }

    [Component("example.org/label")]
    private sealed record Label : Layered;

    [Component("example.org/circle")]
    private sealed class Circle(double radius) : IShape
    {
        public double Area => Math.PI * radius * radius;
    }

    [Component("example.org/drawing", 2)]
    private sealed class Drawing : IShape
    {
        private readonly IReadOnlyList<IShape> shapes;
        private readonly IShape? ground;
        private readonly Style style;
        private readonly Action? drawn;

        [Saved]
        private Drawing(DataAssimilationContext context, Device device, [Saved("title")] string name, IShape[] shapes, IShape? ground,
            Tensor points, Tensor? mask, [Inlined] Style? style, [Inlined] Frame? frame, Extent? size,
            [Saved(Since = 2)] double scale = 2, [NotSaved] Action? drawn = null)
        {
            (Context, Device, Name, this.shapes, this.ground, Points, this.style, Frame, Scale, this.drawn) =
                (context, device, name, shapes, ground, points.clone().DetachFromDisposeScope(), style ?? new(), frame, scale, drawn);
            Mask = mask?.clone().DetachFromDisposeScope();
            Size = size;
        }

        public Drawing(DataAssimilationContext context, string name, IShape? ground, Tensor? mask, Frame? frame, Extent? size,
            params IShape[] shapes)
            : this(context, context.Device, name, shapes, ground, tensor([0.1, -0.0, double.NaN]), mask,
                new() { Fill = Colour.Red, Layer = null }, frame, size, 0.5, () => { })
        {
        }

        public DataAssimilationContext Context { get; }
        public Device Device { get; }
        public string Name { get; }
        public Tensor Points { get; }
        public Tensor? Mask { get; }
        public Frame? Frame { get; }
        public Extent? Size { get; }
        public double Scale { get; }
        public bool IsWatched => drawn is not null;
        public IReadOnlyList<IShape> Shapes => shapes;
        public IShape? Ground => ground;
        public Style Look => style;

        [Saved("by")]
        public string? Author { get; init; }
    }

    [Component("example.org/shifted-layer")]
    private sealed class Shifted : nn.Module<Tensor, Tensor>, IComponentState
    {
        private readonly nn.Module<Tensor, Tensor> inner;
        private readonly Parameter shift;

        public Shifted(nn.Module<Tensor, Tensor> inner, long size, [NotSaved] double start = 0) : base(nameof(Shifted))
        {
            this.inner = inner;
            shift = new Parameter(full(size, start, dtype: ScalarType.Float64));
            RegisterComponents();
        }

        public int Age { get; set; }

        private long Size => shift.size(0);

        public override Tensor forward(Tensor input) => inner.call(input) + shift;

        void IComponentState.Save(ComponentWriter writer) => writer.Set("age", Age);

        void IComponentState.Load(ComponentReader reader) => Age = reader.Get<int>("age");
    }

    [Component("example.org/scaled-layer")]
    private sealed class Scaled : nn.Module<Tensor, Tensor>
    {
        private readonly Parameter weight;

        public Scaled([NotSaved] double start = 0) : base(nameof(Scaled))
        {
            weight = new Parameter(full(1, start, dtype: ScalarType.Float64));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => weight * input;
    }

    // What its base class has since a later version, a class of version 1 has always had.
    [Fact]
    public void A_member_of_a_base_class_is_read_whatever_the_version_of_the_class() =>
        Assert.Equal(new Label { Layer = 7 }, RoundTrip(new Label { Layer = 7 }, typeof(Label)));

    private T RoundTrip<T>(T component, params Type[] kinds) where T : class
    {
        ModelArchive.Write(component, path);
        return ModelArchive.Read<T>(path, new ComponentRegistry(ComponentType.Of(kinds)), context);
    }

    private static byte[] Bits(Tensor tensor) => tensor.bytes.ToArray();

    private static JsonNode Json(string text) => JsonNode.Parse(text)!;

    [Fact]
    public void Settings_parts_and_tensors_follow_from_the_constructor()
    {
        var drawing = new Drawing(context, "a \"drawing\"", new Circle(3), tensor([true, false]), new Frame(1.0 / 3), new Extent(2, 3),
            new Circle(1), new Circle(2)) { Author = "somebody" };
        JsonNode Part(double radius) =>
            Json($$"""{"kind": "example.org/circle", "version": 1, "settings": {"radius": {{radius}} }, "parts": {} }""");
        var expected = Json("""
            {
              "kind": "example.org/drawing", "version": 2,
              "settings": {"title": "a \"drawing\"", "shapes": 2, "hasMask": true, "fill": "Red", "frame": true,
                  "frameWidth": 0.3333333333333333,
                           "size": {"rows": 2, "columns": 3}, "scale": 0.5, "by": "somebody"},
              "parts": {}
            }
            """);
        foreach (var (name, radius) in new[] { ("shape0", 1), ("shape1", 2), ("ground", 3) }) expected["parts"]![name] = Part(radius);
        Assert.Equal(expected.ToJsonString(), ModelArchive.Describe(drawing).ToJsonString());

        var read = RoundTrip(drawing, typeof(Drawing), typeof(Circle));
        Assert.Equal((drawing.Name, drawing.Look, drawing.Frame, 0.5, "somebody", false),
            (read.Name, read.Look, read.Frame, read.Scale, read.Author, read.IsWatched));
        Assert.Equal(drawing.Shapes.Cast<Circle>().Select(shape => shape.Area), read.Shapes.Cast<Circle>().Select(shape => shape.Area));
        Assert.Equal(((Circle)drawing.Ground!).Area, ((Circle)read.Ground!).Area);
        Assert.Equal(Bits(drawing.Points), Bits(read.Points));
        Assert.Equal(Bits(drawing.Mask!), Bits(read.Mask!));
        Assert.Equal((context, context.Device), (read.Context, read.Device));
    }

    [Fact]
    public void What_may_be_null_is_left_out()
    {
        var read = RoundTrip(new Drawing(context, "empty", null, null, null, null), typeof(Drawing));
        Assert.Equal((0, null, null, null, null, null), (read.Shapes.Count, read.Ground, read.Mask, read.Frame, read.Size, read.Author));
        Assert.True(
            JsonNode.DeepEquals(Json("""{"title": "empty", "shapes": 0, "hasMask": false, "fill": "Red", "frame": false, "scale": 0.5}"""),
            ModelArchive.Describe(read)["settings"]));
    }

    [Fact]
    public void A_member_of_a_later_version_has_its_default_in_older_files_and_is_missed_in_newer_ones()
    {
        ModelArchive.Write(new Drawing(context, "older", null, null, null, null), path);
        var registry = new ComponentRegistry(ComponentType.Of<Drawing>());
        ModelArchiveTests.Rewrite(path, manifest => manifest["root"]!["settings"]!.AsObject().Remove("scale"));
        Assert.Contains("'scale' is missing", Assert.Throws<ModelArchiveException>(() =>
            ModelArchive.Read<Drawing>(path, registry, context)).Message);
        ModelArchiveTests.Rewrite(path, manifest => manifest["root"]!["version"] = 1);
        var read = ModelArchive.Read<Drawing>(path, registry, context);
        Assert.Equal((2.0, 3), (read.Scale, read.Look.Layer));
    }

    [Fact]
    public void An_older_file_is_upgraded_where_its_kind_says_how()
    {
        ModelArchive.Write(new Drawing(context, "older", null, null, null, null), path);
        ModelArchiveTests.Rewrite(path, manifest =>
        {
            var settings = manifest["root"]!["settings"]!.AsObject();
            (settings["name"], manifest["root"]!["version"]) = (settings["title"]!.DeepClone(), 1);
            settings.Remove("title");
        });
        var type = ComponentType.Of<Drawing>() with { Upgrade = node =>
            node["settings"]!["title"] = node["settings"]!["name"]!.DeepClone() };
        Assert.Equal("older", ModelArchive.Read<Drawing>(path, new ComponentRegistry(type), context).Name);
    }

    [Fact]
    public void What_a_constructor_refuses_is_refused_with_its_own_words()
    {
        ModelArchive.Write(new Drawing(context, "wide", null, null, new Frame(2), null), path);
        ModelArchiveTests.Rewrite(path, manifest => manifest["root"]!["settings"]!["frameWidth"] = -1);
        var refused = Assert.Throws<ModelArchiveException>(() =>
            ModelArchive.Read<Drawing>(path, new ComponentRegistry(ComponentType.Of<Drawing>()), context));
        Assert.Contains("example.org/drawing", refused.Message);
        Assert.IsType<ArgumentOutOfRangeException>(refused.InnerException);
    }

    [Fact]
    public void A_module_keeps_its_weights_its_parts_theirs_and_its_state_comes_back()
    {
        var module = new Shifted(new Scaled(3), 2, 0.25) { Age = 7 };
        ModelArchive.Write(module, path);
        var tensors = new Dictionary<string, Tensor>();
        ComponentWriter.Write(module, "model", tensors);
        Assert.Equal(["model/inner/weight", "model/shift"], tensors.Keys.Order());
        var read = RoundTrip(module, typeof(Shifted), typeof(Scaled));
        Assert.Equal(7, read.Age);
        Assert.Equal(module.state_dict().Keys, read.state_dict().Keys);
        Assert.All(module.state_dict(), pair => Assert.Equal(Bits(pair.Value), Bits(read.state_dict()[pair.Key])));
    }

    private sealed class Undeclared;

    [Component("example.org/lost")]
    private sealed class Lost
    {
        public Lost(double found, double lost) => Found = found + lost;

        public double Found { get; }
    }

    [Component("example.org/of-another-type")]
    private sealed class OfAnotherType(double length)
    {
        public string Length { get; } = length + " m";
    }

    [Component("example.org/two-ways")]
    private sealed class TwoWays
    {
        public TwoWays(double first) => First = first;
        public TwoWays(double first, double second) => First = first + second;
        public double First { get; }
    }

    [Component("example.org/without-default")]
    private sealed class WithoutDefault([Saved(Since = 2)] double late)
    {
        public double Late => late;
    }

    [Component("example.org/unsaid")]
    private sealed class Unsaid([NotSaved] double start)
    {
        public double Start => start;
    }

    [Component("example.org/read-only")]
    private sealed class ReadOnly
    {
        [Saved]
        public double Fixed => 1;
    }

    [Component("example.org/abstract")]
    private abstract class Abstract;

    [Theory]
    [InlineData(typeof(Undeclared), "no [Component]")]
    [InlineData(typeof(Lost), "'lost' (Double)")]
    [InlineData(typeof(OfAnotherType), "'length' (Double)")]
    [InlineData(typeof(TwoWays), "2 constructors")]
    [InlineData(typeof(WithoutDefault), "'late'")]
    [InlineData(typeof(Unsaid), "'start'")]
    [InlineData(typeof(ReadOnly), "'Fixed'")]
    [InlineData(typeof(Abstract), "abstract")]
    public void A_class_whose_layout_is_not_clear_is_refused_when_it_is_registered(Type type, string word)
    {
        string message = Assert.Throws<ArgumentException>(() => ComponentType.Of(type)).Message;
        Assert.Contains(type.Name, message);
        Assert.Contains(word, message);
    }

    [Fact]
    public void What_is_no_component_has_no_kind() =>
        Assert.Equal((null, "example.org/circle"), (ComponentType.Find(new Undeclared()), ComponentType.Find(new Circle(1))?.Name));
}
