namespace DaML.Tests;

/// <summary>What is read from sources as messages, form by form.</summary>
public sealed class SourceMessageTests
{
    private static string[] Read(string text) => [.. SourceMessages.Read([("Some.cs", text)]).Found.Select(message => message.Text)];

    private static string Class(string members) => $"class Some {{ const string Limit = \"twelve and no more\"; {members} }}";

    [Theory]
    [InlineData("""void F(int x) => throw new ArgumentException($"The size must be even; given: {x}.", nameof(x));""",
        "The size must be even; given: {x}.")]
    [InlineData("""void F(T t) { throw new IOException($"The file '{t.Path}' of " + $"{string.Join(", ", names)}\nis empty."); }""",
        "The file '{path}' of {names} is empty.")]
    [InlineData("""int F(int x) => x > 0 ? x : throw new IOException(x == 0 ? "The size is zero." : "The size is negative.");""",
        "The size is zero.", "The size is negative.")]
    [InlineData("""void F() { string told = "The file is damaged."; throw new IOException(told); }""", "The file is damaged.")]
    [InlineData("""void F() => throw new IOException($"The size is {Limit}, {nameof(Some.Other)}.");""",
        "The size is twelve and no more, Other.")]
    [InlineData("""void F() => throw Refuse("has no name"); IOException Refuse(string why) => new($"The part {why}: see below.");""",
        "The part has no name: see below.")]
    [InlineData("""void F() => Fail("The part has no name."); void Fail(string why) => throw new IOException(why);""",
        "The part has no name.")]
    [InlineData("""void F() => throw new IOException(Told(3)); string Told(int x) { return $"The size is {x} already."; }""",
        "The size is {x} already.")]
    [InlineData("""void F() => x.Fail("The part has no name."); static void Fail(this int x, string why) => throw new IOException(why);""",
        "The part has no name.")]
    [InlineData("""void F() => result.AddError("The option needs a number.");""", "The option needs a number.")]
    [InlineData("""void F() => Console.Error.WriteLine($"daml: {name} was stopped.");""", "daml: {name} was stopped.")]
    [InlineData("""void F() => throw new IOException(failed.Message, failed);""")]
    [InlineData("""void F() => throw new UnreachableException("The state was checked before.");""")]
    [InlineData("""void F() => Console.WriteLine("The figure is written.");""")]
    public void Messages_are_read(string members, params string[] messages) => Assert.Equal(messages, Read(Class(members)));

    // Names that an exception of our own puts into its sentence are no messages; reasons are.
    [Fact]
    public void An_exceptions_own_sentence_and_its_reasons_are_read()
    {
        string[] found = Read("""
            class StateException(string model, string reason) : Exception($"{model} is in no state of the model: {reason}");
            class Some { void F() => throw new StateException("shallow water model", "the depth is not positive."); }
            """);
        Assert.Equal(["{model} is in no state of the model: {reason}", "the depth is not positive."], found);
    }

    [Fact]
    public void Scripts_and_targets_are_read()
    {
        Assert.Equal(["daml: the build of {value} failed.", "daml: no such folder: '{value}'."], ScriptMessages.OfScript("daml", """
            fail() { say "daml: $*"; exit 1; }
            build || fail "the build of ${project[*]} failed."
            [ -d "$1" ] || { say "daml: no such folder: '$1'."; exit 2; }
            say "Building ..."
            """).Select(message => message.Text));
        Assert.Equal(["TorchDevice is '{value}'."], ScriptMessages.OfBuild("Some.targets",
            """<Project><Target><Error Text="TorchDevice is '$(TorchDevice)'." /></Target></Project>""").Select(message => message.Text));
    }
}
