using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace DaML.Tests;

/// <summary>A message of the program: its own words, with a name in braces for each value of the case.</summary>
/// <param name="Text">The words, on one line.</param>
/// <param name="File">The source file that gives it, from the root.</param>
internal sealed record SourceMessage(string Text, string File)
{
    /// <summary>Its words, with braces alone for values.</summary>
    public string Words { get; } = SourceMessages.Words(Text);
}

/// <summary>
/// Reads from source files what the program tells its user when something is wrong: the texts of the exceptions that it makes, and the
/// lines that it writes to the error stream. The syntax alone is read. Where an exception takes its text from a parameter, the texts
/// that the callers give are put in. Exceptions of .NET that have no text of ours, and <c>UnreachableException</c>, are no messages.
/// </summary>
internal sealed partial class SourceMessages
{
    private const int FewestLetters = 8;    // a text with fewer letters of its own is a name, not a message

    // The parameters of our own exceptions that hold a sentence; the others hold names.
    private static readonly string[] Sentences = ["message", "cause", "reason", "finding", "remedy"];

    private readonly ILookup<string, MethodLike> functions;
    private readonly ILookup<string, (string Owner, ExpressionSyntax Value)> constants;
    private readonly ILookup<string, InvocationExpressionSyntax> calls;
    private readonly ILookup<string, ParameterListSyntax> exceptions;

    private SourceMessages(IReadOnlyList<SyntaxNode> files)
    {
        var nodes = files.AsParallel().AsOrdered().SelectMany(file => file.DescendantNodes()).ToList();
        functions = nodes.Select(MethodLike.From).OfType<MethodLike>().ToLookup(one => one.Name);
        constants = nodes.OfType<FieldDeclarationSyntax>().Where(field => field.Modifiers.Any(SyntaxKind.ConstKeyword))
            .SelectMany(field => field.Declaration.Variables).Where(one => one.Initializer is { Value: var value } && IsText(value))
            .ToLookup(one => one.Identifier.Text, one => (Owner(one), one.Initializer!.Value));
        exceptions = nodes.OfType<ParameterListSyntax>()
            .Where(list => list.Parent is (TypeDeclarationSyntax or ConstructorDeclarationSyntax) && IsException(Owner(list)))
            .ToLookup(Owner);
        calls = nodes.OfType<InvocationExpressionSyntax>().ToLookup(CalledName);
        Found = [.. nodes.SelectMany(Told).Distinct()];
        Texts = [.. nodes.OfType<ExpressionSyntax>().Where(one => one is InterpolatedStringExpressionSyntax or BinaryExpressionSyntax
            || one.IsKind(SyntaxKind.StringLiteralExpression)).SelectMany(one => Values(one)).Select(OneLine).Distinct()];
    }

    /// <summary>The messages, in the order of the sources.</summary>
    public IReadOnlyList<SourceMessage> Found { get; }

    /// <summary>All texts of the sources, in the same form: messages, and reasons that are put into messages.</summary>
    public IReadOnlyList<string> Texts { get; }

    /// <summary>Reads sources.</summary>
    /// <param name="sources">Each file's path, from the root, and its text.</param>
    public static SourceMessages Read(IEnumerable<(string Path, string Text)> sources) => new(
        [.. sources.AsParallel().AsOrdered().Select(one => CSharpSyntaxTree.ParseText(one.Text, path: one.Path).GetRoot())]);

    /// <summary>Every blank of a text as one, and its values as braces alone: what two texts with the same words have in common.</summary>
    public static string Words(string text) => Regex.Replace(Hole().Replace(OneLine(text), "{}"), @"(\{\})+", "{}");

    [GeneratedRegex(@"\{\w+\}")]
    private static partial Regex Hole();

    private static string Owner(SyntaxNode node) =>
        node.Ancestors().OfType<BaseTypeDeclarationSyntax>().FirstOrDefault()?.Identifier.Text ?? "";

    private static string OneLine(string text) => Regex.Replace(text, @"\s+", " ").Trim();

    private static bool HasWords(string text) => Hole().Replace(text, "").Count(char.IsLetter) >= FewestLetters && text.Contains(' ');

    // A function, constructor or class with parameters.
    private sealed record MethodLike(string Name, SyntaxNode Node, BaseParameterListSyntax Parameters, string Returns)
    {
        public static MethodLike? From(SyntaxNode node) => node switch
        {
            MethodDeclarationSyntax it => new(it.Identifier.Text, it, it.ParameterList, it.ReturnType.ToString()),
            LocalFunctionStatementSyntax it => new(it.Identifier.Text, it, it.ParameterList, it.ReturnType.ToString()),
            _ => null,
        };

        public bool MakesException => Returns.TrimEnd('?').EndsWith("Exception", StringComparison.Ordinal);
    }

    private static string CalledName(InvocationExpressionSyntax call) => call.Expression switch
    {
        IdentifierNameSyntax name => name.Identifier.Text,
        MemberAccessExpressionSyntax member => member.Name.Identifier.Text,
        _ => "",
    };

    private IEnumerable<SourceMessage> Told(SyntaxNode node)
    {
        if (Arguments(node) is not { } arguments) yield break;
        foreach (var argument in arguments.Where((argument, index) => IsSentence(node, argument, index)))
            foreach (string text in Values(argument.Expression))
                foreach (var (told, file) in WithCallers(text, node, 0))
                    if (HasWords(told)) yield return new SourceMessage(OneLine(told), file);
    }

    // What an exception is made of, or what is written to the error stream; null for any other piece of the program.
    private static SeparatedSyntaxList<ArgumentSyntax>? Arguments(SyntaxNode node) => node switch
    {
        ObjectCreationExpressionSyntax made when IsException(made.Type.ToString()) => made.ArgumentList?.Arguments,
        ImplicitObjectCreationExpressionSyntax made when Function(made) is { MakesException: true } => made.ArgumentList.Arguments,
        PrimaryConstructorBaseTypeSyntax made when IsException(made.Type.ToString()) => made.ArgumentList.Arguments,
        ConstructorInitializerSyntax made when made.Parent is ConstructorDeclarationSyntax of && IsException(of.Identifier.Text) =>
            made.ArgumentList.Arguments,
        InvocationExpressionSyntax call when IsErrorStream(call) => call.ArgumentList.Arguments,
        _ => null,
    };

    // An exception of our own may be given names, which stand in its sentence.
    private bool IsSentence(SyntaxNode node, ArgumentSyntax argument, int index)
    {
        string type = node is ObjectCreationExpressionSyntax made ? made.Type.ToString() : Function(node)?.Returns ?? "";
        int count = ((BaseArgumentListSyntax)argument.Parent!).Arguments.Count;
        var lists = exceptions[type].Where(list => list.Parameters.Count >= count).ToList();
        return lists.Count == 0 || lists.Exists(list =>
            Sentences.Contains(argument.NameColon?.Name.Identifier.Text ?? list.Parameters[index].Identifier.Text));
    }

    private static bool IsException(string type) =>
        type.EndsWith("Exception", StringComparison.Ordinal) && type is not "UnreachableException";

    private static bool IsErrorStream(InvocationExpressionSyntax call) => call.Expression is MemberAccessExpressionSyntax member
        && (member.Name.Identifier.Text is "AddError" or "LogError" or "Problem"
            || member.Name.Identifier.Text.StartsWith("WriteLine", StringComparison.Ordinal)
            && member.Expression.ToString() is "error" or "Console.Error");

    private static MethodLike? Function(SyntaxNode node) => node.Ancestors().Select(MethodLike.From).OfType<MethodLike>().FirstOrDefault();

    // A text that a function takes from its caller is put together where it is called.
    private IEnumerable<(string Text, string File)> WithCallers(string text, SyntaxNode node, int depth)
    {
        string file = node.SyntaxTree.FilePath;
        if (depth > 3 || Function(node) is not { } function || !(function.MakesException || !HasWords(text))
            || function.Parameters.Parameters.All(one => !text.Contains($"{{{one.Identifier.Text}}}", StringComparison.Ordinal)))
            return [(text, file)];
        var callers = calls[function.Name].Where(call => Called(call)?.Node == function.Node).ToList();
        if (callers.Count == 0) return [(text, file)];
        return callers.SelectMany(call => Put(text, function, call).SelectMany(put => WithCallers(put, call, depth + 1)));
    }

    // The function of that name in the file, or else the only one anywhere.
    private MethodLike? Called(InvocationExpressionSyntax call)
    {
        var named = functions[CalledName(call)].Where(one => one.Parameters.Parameters.Count >= call.ArgumentList.Arguments.Count).ToList();
        return named.Find(one => one.Node.SyntaxTree == call.SyntaxTree) ?? (named is [var only] ? only : null);
    }

    private IEnumerable<string> Put(string text, MethodLike function, InvocationExpressionSyntax call)
    {
        IEnumerable<string> made = [text];
        // (a method called upon its first argument)
        bool isExtended = function.Parameters.Parameters[0].Modifiers.Any(SyntaxKind.ThisKeyword)
            && call.ArgumentList.Arguments.Count < function.Parameters.Parameters.Count;
        foreach (var (index, parameter) in function.Parameters.Parameters.Skip(isExtended ? 1 : 0).Index())
        {
            string hole = $"{{{parameter.Identifier.Text}}}";
            var given = call.ArgumentList.Arguments;
            var argument = given.FirstOrDefault(one => one.NameColon?.Name.Identifier.Text == parameter.Identifier.Text)
                ?? (index < given.Count && given[index].NameColon is null ? given[index] : null);
            if (!text.Contains(hole, StringComparison.Ordinal) || argument is null) continue;
            var values = Values(argument.Expression).ToList();
            made = made.SelectMany(one => values.Select(value => one.Replace(hole, value, StringComparison.Ordinal))).ToList();
        }
        return made;
    }

    // The texts that an expression can have.
    private IEnumerable<string> Values(ExpressionSyntax expression) => expression switch
    {
        LiteralExpressionSyntax literal => [literal.Token.ValueText],
        ParenthesizedExpressionSyntax inner => Values(inner.Expression),
        InterpolatedStringExpressionSyntax text => text.Contents.Aggregate<InterpolatedStringContentSyntax, IEnumerable<string>>([""],
            (made, part) => [.. made.SelectMany(one => Parts(part).Select(next => one + next))]),
        BinaryExpressionSyntax sum when sum.IsKind(SyntaxKind.AddExpression) =>
            from left in Values(sum.Left).ToList() from right in Values(sum.Right) select left + right,
        BinaryExpressionSyntax either when either.IsKind(SyntaxKind.CoalesceExpression) => Values(either.Left).Concat(Values(either.Right)),
        ConditionalExpressionSyntax choice => Values(choice.WhenTrue).Concat(Values(choice.WhenFalse)),
        SwitchExpressionSyntax choice => choice.Arms.SelectMany(arm => Values(arm.Expression)),
        LambdaExpressionSyntax { ExpressionBody: { } body } => Values(body),
        InvocationExpressionSyntax { Expression: IdentifierNameSyntax { Identifier.Text: "nameof" } } name =>
            [name.ArgumentList.Arguments[0].Expression.ToString().Split('.')[^1]],
        InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax { Name.Identifier.Text: "Invariant" } } text =>
            Values(text.ArgumentList.Arguments[0].Expression),
        InvocationExpressionSyntax call when Called(call) is { Returns: "string" } text && text.Node.SyntaxTree == call.SyntaxTree
            && !text.Node.Span.Contains(call.Span) => Returned(text.Node).SelectMany(Values),
        IdentifierNameSyntax name when Constant(name) is { } constant => Values(constant),
        IdentifierNameSyntax name when Local(name) is { } value => Values(value),
        MemberAccessExpressionSyntax member when Constant(member.Name) is { } constant => Values(constant),
        _ => [$"{{{HoleName(expression)}}}"],
    };

    private static IEnumerable<ExpressionSyntax> Returned(SyntaxNode function) => function.DescendantNodes().Select(node => node switch
    {
        ReturnStatementSyntax given => given.Expression,
        ArrowExpressionClauseSyntax given when given.Parent == function => given.Expression,
        _ => null,
    }).OfType<ExpressionSyntax>();

    // A value within a text keeps its place; constants and names are part of the text.
    private IEnumerable<string> Parts(InterpolatedStringContentSyntax part) => part switch
    {
        InterpolatedStringTextSyntax text => [text.TextToken.ValueText.Replace("{{", "{").Replace("}}", "}")],
        InterpolationSyntax { Expression: InvocationExpressionSyntax { Expression: IdentifierNameSyntax of } name }
            when of.Identifier.Text == "nameof" => Values(name),
        InterpolationSyntax { Expression: SimpleNameSyntax name } when Constant(name) is { } constant => Values(constant),
        InterpolationSyntax { Expression: MemberAccessExpressionSyntax member } when Constant(member.Name) is { } value => Values(value),
        InterpolationSyntax value => [$"{{{HoleName(value.Expression)}}}"],
        _ => [],
    };

    // A constant is named within its own class, or by its class.
    private ExpressionSyntax? Constant(SimpleNameSyntax name)
    {
        string? owner = name.Parent is MemberAccessExpressionSyntax { Expression: var of } member && member.Name == name
            ? of is SimpleNameSyntax { Identifier.Text: var type } ? type : null : Owner(name);
        return constants[name.Identifier.Text].FirstOrDefault(one => one.Owner == owner && !one.Value.Span.Contains(name.Span)).Value;
    }

    // What a local variable was declared as.
    private static ExpressionSyntax? Local(IdentifierNameSyntax name) => Function(name)?.Node.DescendantNodes()
        .OfType<VariableDeclaratorSyntax>().LastOrDefault(one => one.Identifier.Text == name.Identifier.Text
            && one.Span.End < name.SpanStart)?.Initializer?.Value is { } value && IsText(value) ? value : null;

    private static bool IsText(ExpressionSyntax value) => value.IsKind(SyntaxKind.StringLiteralExpression)
        || value is InterpolatedStringExpressionSyntax
        or BinaryExpressionSyntax or ConditionalExpressionSyntax or SwitchExpressionSyntax;

    private static string HoleName(ExpressionSyntax expression)
    {
        string name = expression switch
        {
            SimpleNameSyntax it => it.Identifier.Text,
            MemberAccessExpressionSyntax it => it.Name.Identifier.Text is "Name" or "Length" or "Count" or "Message" or "Value"
                && it.Expression is not InvocationExpressionSyntax ? HoleName(it.Expression) : it.Name.Identifier.Text,
            InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax { Name.Identifier.Text: "Join" } } it =>
                HoleName(it.ArgumentList.Arguments[^1].Expression),
            InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax it } => HoleName(it.Expression),
            InvocationExpressionSyntax it => CalledName(it),
            ElementAccessExpressionSyntax it => HoleName(it.Expression),
            ParenthesizedExpressionSyntax it => HoleName(it.Expression),
            PostfixUnaryExpressionSyntax it => HoleName(it.Operand),
            BinaryExpressionSyntax it => HoleName(it.Left),
            _ => "value",
        };
        return name.Length == 0 ? "value" : char.ToLowerInvariant(name[0]) + name[1..];
    }
}
