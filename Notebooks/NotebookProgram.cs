using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace DaML.Notebooks;

/// <summary>
/// Makes a file-based program (<c>dotnet run NAME.cs</c>) of a notebook: the packages become references to this repository, text becomes
/// comments, types stand at the end, where C# wants them, and a value at the end of a cell is shown.
/// </summary>
internal static class NotebookProgram
{
    private static readonly CSharpParseOptions Script = new(LanguageVersion.CSharp14, kind: SourceCodeKind.Script);

    /// <summary>Makes the program.</summary>
    /// <param name="notebook">The notebook.</param>
    /// <param name="path">The notebook's file.</param>
    /// <exception cref="SampleException">A cell is no valid C#.</exception>
    public static string Of(Notebook notebook, string path)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        var (usings, body, types) = (new StringBuilder(), new StringBuilder(), new StringBuilder());
        foreach (var cell in notebook.Cells)
        {
            if (Packages.AreAll(cell)) continue;
            if (!cell.IsCode)
            {
                body.Append("\n// %% [markdown]\n");
                foreach (string line in cell.Source.Split('\n')) body.Append($"// {line}".TrimEnd()).Append('\n');
                continue;
            }
            var tree = CSharpSyntaxTree.ParseText(cell.Source, Script);
            if (tree.GetDiagnostics().FirstOrDefault(one => one.Severity == DiagnosticSeverity.Error) is { } wrong)
                throw new SampleException($"{Path.GetFileName(path)}, cell {cell.Number}, line " +
                    $"{wrong.Location.GetLineSpan().StartLinePosition.Line + 1}: {wrong.GetMessage()}");
            var unit = tree.GetCompilationUnitRoot();
            foreach (var directive in unit.Usings) usings.Append(directive.ToString()).Append('\n');
            var statements = new StringBuilder();
            foreach (var member in unit.Members)
                if (member is BaseTypeDeclarationSyntax) types.Append('\n').Append(member.ToFullString().Trim('\n')).Append('\n');
                else statements.Append(Statement(member));
            if (statements.Length > 0) body.Append("\n// %%\n").Append(statements.ToString().Trim('\n')).Append('\n');
        }
        return $$"""
            // The notebook {{name}}.ipynb as a program, made by './daml notebook app {{name}}.ipynb'. Run it in its folder:
            //     dotnet run {{name}}.cs
            // Outside this repository, two lines take the place of the two projects (docs/notebooks.md).
            #:project ../../Estimators/DaML.Estimators.csproj
            #:project ../../Interop/DaML.Interop.csproj
            #:property UsesTorch=true
            #:property PublishAot=false

            {{usings.ToString().TrimEnd()}}

            int figures = 0;
            {{body.ToString().Trim('\n')}}

            // Figures go to files, everything else to the console.
            void Show(object value)
            {
                if (value is Figure figure)
                {
                    string file = $"{{name}}-{++figures}.svg";
                    File.WriteAllText(file, figure.ToSvg());
                    Console.WriteLine($"Written: {file}");
                }
                else Console.WriteLine(value);
            }
            {{types.ToString().TrimEnd('\n')}}
            """.TrimEnd() + "\n";
    }

    // A value at the end of a cell has no semicolon.
    private static string Statement(MemberDeclarationSyntax member)
    {
        string text = member.ToFullString();
        if (member is not GlobalStatementSyntax { Statement: ExpressionStatementSyntax { SemicolonToken.IsMissing: true } value })
            return text;
        int at = value.Expression.SpanStart - member.FullSpan.Start;
        return $"{text[..at]}Show({value.Expression});\n";
    }
}
