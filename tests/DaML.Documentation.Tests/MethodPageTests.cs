using System.Reflection;
using System.Text.RegularExpressions;

namespace DaML.Tests;

/// <summary>A piece of code that a page of docs/methods quotes, with the range of its result.</summary>
/// <param name="page">The page, whose name is also that of the mark.</param>
/// <param name="least">The smallest right result.</param>
/// <param name="most">The largest right result.</param>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PageExampleAttribute(string page, double least, double most) : Attribute
{
    /// <summary>The page.</summary>
    public string Page => page;

    /// <summary>The smallest right result.</summary>
    public double Least => least;

    /// <summary>The largest right result.</summary>
    public double Most => most;
}

/// <summary>
/// Every method has a page, whose settings are those of the code with their defaults, whose names are those that files know, and whose
/// example runs.
/// </summary>
public sealed partial class MethodPageTests
{
    private static readonly string[] Wanted =
        ["Equations", "Example", "Settings", "Cost", "When it is the wrong choice", "What to tune first", "References"];

    private static readonly IReadOnlyDictionary<string, SettingTable[]> Tables =
        MethodPage.Documents.SelectMany(page => page.Tables()).GroupBy(table => table.Subject)
            .ToDictionary(group => group.Key, group => group.ToArray());

    private static readonly IReadOnlyList<(PageExampleAttribute Mark, Func<double> Run, string File)> Examples =
        [.. typeof(MethodPageTests).Assembly.GetTypes().SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static))
            .Where(method => method.GetCustomAttribute<PageExampleAttribute>() is not null)
            .Select(method => (method.GetCustomAttribute<PageExampleAttribute>()!, method.CreateDelegate<Func<double>>(),
                method.DeclaringType!.Name + ".cs"))];

    private static IEnumerable<Type> MethodRecords =>
        SettingText.Types
        .Where(type => type is { IsAbstract: false, IsGenericType: false } && type.IsAssignableTo(typeof(AssimilationMethod)));

    public static TheoryData<string> Records => [.. MethodRecords.Select(type => type.Name).Order()];

    public static TheoryData<string> Pages => [.. MethodPage.All.Select(page => page.Name)];

    public static TheoryData<string> Subjects => [.. Tables.Keys.Order()];

    public static TheoryData<string> Runs => [.. Examples.Select(example => example.Mark.Page).Order()];

    // ResidualConvolution -> residual-convolution
    private static string PageOf(string record) => $"methods/{Regex.Replace(record, "(?<!^)([A-Z])", "-$1").ToLowerInvariant()}.md";

    [Theory, MemberData(nameof(Records))]
    public void Every_method_has_a_page_with_its_settings_and_the_names_that_files_know(string record)
    {
        var page = MethodPage.All.SingleOrDefault(page => page.Name == PageOf(record));
        Assert.True(page is not null, $"The method {record} has no page; write docs/{PageOf(record)}.");
        Assert.Contains(page.Tables(), table => table.Subject == record);
        var type = SettingText.TypeOf(record);
        string[] saved = [.. type.GetCustomAttributes<ComponentAttribute>(inherit: false).Select(component => component.Name)];
        Assert.Equal(saved, page.Fact("saved as"));
        string[] named = [.. NamedMethods.All.Where(method => method.Value.GetType() == type).Select(method => method.Key)];
        Assert.Equal(named, page.Fact("in a configuration"));
        foreach (string json in page.Blocks("json")) Assert.IsType(type, MethodConfiguration.Read(json));
        Assert.True(named.Length == 0 || page.Blocks("json").Count > 0,
            $"{page.Name} shows no configuration of {string.Join(", ", named)}.");
    }

    // Preconditioners, sources of eigenpairs, inner solvers, makers of emulators, and every record of settings that one of these or a
    // method has.
    public static TheoryData<string> Parts
    {
        get
        {
            Type[] kinds = [typeof(IPreconditioning), typeof(IEigenpairSource), typeof(IInnerSolver), typeof(MinimisationOptions),
                typeof(LearnedBackground)];
            var roots = SettingText.Types
                .Where(type => !type.IsAbstract && kinds.Any(type.IsAssignableTo) && SettingText.Of(type.Name).Count > 0).ToList();
            string[] makers = [.. typeof(EmulatorCatalog).GetMethods(BindingFlags.Public | BindingFlags.Static)
                .Select(maker => $"{nameof(EmulatorCatalog)}.{maker.Name}"),
                $"{nameof(FieldCatalogExtensions)}.{nameof(FieldCatalogExtensions.LinearInverseModel)}",
                $"{nameof(DataAssimilationNetworkCatalog)}.{nameof(DataAssimilationNetworkCatalog.DataAssimilationNetwork)}"];
            HashSet<Type> found = [];
            var waiting = new Stack<Type>(roots.Concat(MethodRecords));
            foreach (string maker in makers)
                foreach (var setting in SettingText.Of(maker)) waiting.Push(setting.Type);
            while (waiting.TryPop(out var type))
                if (found.Add(type))
                    foreach (var setting in roots.Contains(type) || HasSettings(type) ? SettingText.Of(type.Name) : [])
                        if (HasSettings(setting.Type)) waiting.Push(setting.Type);
            return [.. found.Where(type => roots.Contains(type) || HasSettings(type)).Select(type => type.Name).Concat(makers).Order()];
        }
    }

    // A record of settings: properties that can be set, and no factory methods, which would make it a choice.
    private static bool HasSettings(Type type) => SettingText.Types.Contains(type) && type is { IsAbstract: false, IsGenericType: false }
        && SettingText.Settable(type).Count > 0 && type.GetConstructor([]) is not null
        && (type.IsAssignableTo(typeof(AssimilationMethod))
            || !type.GetMethods(BindingFlags.Public | BindingFlags.Static)
                .Any(method => !method.IsSpecialName && method.ReturnType == type));

    [Theory, MemberData(nameof(Parts))]
    public void Every_part_of_a_method_has_a_table_of_its_settings(string part) =>
        Assert.True(Tables.ContainsKey(part), $"No document has the settings of {part}; write a table under 'Settings of `{part}`'.");

    [Fact]
    public void The_parts_are_found()
    {
        string[] parts = [.. Parts.Select(row => row.Data)];
        foreach (string part in (string[])["EnsembleGaussNewton", "AdaptiveInflation", "TrainingOptions", "InnerSolverOptions",
            "SpectralForm", "RitzPreconditioning", "ComputedEigenpairs", "EmulatorCatalog.LongShortTermMemory"])
            Assert.Contains(part, parts);
        Assert.DoesNotContain("WindowCycling", parts);
        Assert.InRange(Records.Count, 23, 100);
    }

    [Theory, MemberData(nameof(Subjects))]
    public void A_table_of_settings_says_what_the_code_has(string subject)
    {
        var table = Assert.Single(Tables[subject]);
        var settings = SettingText.Of(subject);
        Assert.Equal(settings.Select(setting => setting.Name).Order(), table.Rows.Select(row => row.Name).Order());
        foreach (var row in table.Rows)
        {
            var setting = settings.Single(setting => setting.Name == row.Name);
            Assert.True(setting.IsRequired ? row.Default == "required" : SettingText.Says(row.Default, setting.Default, setting.Type),
                $"{table.Page}: the default of {subject}.{row.Name} is '{row.Default}' there and " +
                    $"{(setting.IsRequired ? "required" : setting.Default ?? "null")} in the code.");
            Assert.True(row.Range.Length > 0 && row.Why.Length > 0, $"{table.Page}: {subject}.{row.Name} has no range or no reason.");
        }
    }

    [Theory, MemberData(nameof(Pages))]
    public void A_page_has_its_sections_and_a_reference(string name)
    {
        var page = MethodPage.All.Single(page => page.Name == name);
        Assert.Equal(Wanted, page.Sections);
        Assert.Contains("$$", page.Under("Equations"));
        Assert.Matches(@"\(https://doi\.org/10\.|<https://doi\.org/10\.|arxiv\.org", page.Under("References"));
        var example = Assert.Single(Examples, example => example.Mark.Page == page.Stem);
        Assert.Contains(DocumentTests.Marked(example.File, page.Stem), page.Blocks("csharp"));
    }

    [Theory, MemberData(nameof(Runs))]
    public void The_example_of_a_page_runs_and_its_result_is_right(string page)
    {
        var (mark, run, _) = Examples.Single(example => example.Mark.Page == page);
        Assert.Contains(MethodPage.All, known => known.Stem == mark.Page);
        Assert.InRange(run(), mark.Least, mark.Most);
    }

    [Fact]
    public void The_index_and_the_choice_link_to_every_page()
    {
        string index = new MethodPage("methods/index.md").Text, choice = new MethodPage("choosing-a-method.md").Text;
        foreach (var page in MethodPage.All) Assert.Contains($"]({page.Stem}.md)", index);
        foreach (string record in Records.Select(row => row.Data)) Assert.Contains($"]({PageOf(record)})", choice);
    }

    [Theory]
    [InlineData("40", 40L, typeof(long), true)]
    [InlineData("41", 40L, typeof(long), false)]
    [InlineData("0.001", 1e-3, typeof(double), true)]
    [InlineData("1e-4", 1e-4, typeof(double?), true)]
    [InlineData("null", null, typeof(double?), true)]
    [InlineData("0", null, typeof(double?), false)]
    [InlineData("true", false, typeof(bool), false)]
    [InlineData("EnsembleRotation.None", EnsembleRotation.None, typeof(EnsembleRotation), true)]
    [InlineData("EnsembleRotation.MeanPreserving", EnsembleRotation.None, typeof(EnsembleRotation), false)]
    public void A_text_says_a_value_or_another(string text, object? value, Type type, bool says) =>
        Assert.Equal(says, SettingText.Says(text, value, type));

    [Fact]
    public void A_text_says_objects_too()
    {
        Assert.True(SettingText.Says("Inflation.None", Inflation.None, typeof(Inflation)));
        Assert.True(SettingText.Says("Inflation.StandardDeviation(1)", Inflation.None, typeof(Inflation)));
        Assert.False(SettingText.Says("Inflation.StandardDeviation(1.01)", Inflation.None, typeof(Inflation)));
        Assert.True(SettingText.Says("WindowCycling.Overlapping(1)", WindowCycling.Overlapping(1), typeof(WindowCycling)));
        Assert.False(SettingText.Says("WindowCycling.Overlapping(2)", WindowCycling.Overlapping(1), typeof(WindowCycling)));
        Assert.True(SettingText.Says("new()", new EnsembleGaussNewton(), typeof(EnsembleGaussNewton)));
        Assert.False(SettingText.Says("new() { MaximumIterations = 3 }", new EnsembleGaussNewton(), typeof(EnsembleGaussNewton)));
        Assert.True(SettingText.Says("new ConjugateGradientSolver()", new ConjugateGradientSolver(), typeof(IInnerSolver)));
        Assert.False(SettingText.Says("new ConjugateGradientSolver()", new ConjugateGradientSolver(new() { MaximumIterations = 3 }),
            typeof(IInnerSolver)));
        Assert.False(SettingText.Says("new LanczosSolver()", new ConjugateGradientSolver(), typeof(IInnerSolver)));
        Assert.Throws<ArgumentException>(() => SettingText.Says("some words", 1L, typeof(long)));
    }
}
