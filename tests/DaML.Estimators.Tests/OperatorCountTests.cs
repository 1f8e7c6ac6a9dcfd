using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Each method's tensor operators per cycle stay at or below those recorded in <c>Data/operators.md</c>, whose table docs/performance.md
/// shows. With few numbers in a tensor an operator costs more than its arithmetic.
/// </summary>
public sealed class OperatorCountTests
{
    private const string Recorded = "Data/operators.md";

    public static TheoryData<string> Names => [.. CountedMethods.All.Keys];

    [Theory, MemberData(nameof(Names))]
    public void A_method_calls_no_more_operators_in_a_cycle_than_recorded(string name)
    {
        Assert.SkipWhen(OperatorCounter.WhyNot is not null, OperatorCounter.WhyNot ?? "");
        int[] found = [Count(name, operatorsOnly: false), Count(name, operatorsOnly: true)];
        string row = Row(name, found);
        int[] most = RecordedRows().GetValueOrDefault(name)
            ?? throw new InvalidOperationException($"{Recorded} has no row for {name}; add: {row}");
        Assert.True(found[0] <= most[0] && found[1] <= most[1],
            $"{name} takes {found[0]} operators in a cycle with kernels and {found[1]} without; recorded are {most[0]} and {most[1]}. " +
            $"Save some, or, if more are needed, change the row in tests/DaML.Estimators.Tests/{Recorded} and in docs/performance.md " +
            $"to: {row}");
    }

    [Fact]
    public void Every_recorded_row_is_of_a_counted_method() => Assert.Equal(CountedMethods.All.Keys, RecordedRows().Keys);

    [Fact]
    public void Operators_are_counted_in_place_or_not_and_those_within_others_are_left_out()
    {
        Assert.SkipWhen(OperatorCounter.WhyNot is not null, OperatorCounter.WhyNot ?? "");
        using var scope = NewDisposeScope();
        Tensor a = ones(3, 3), b = ones(3, 3);
        using var counter = new OperatorCounter();
        a.add_(b);
        var c = a.matmul(b);      // calls mm
        c = linalg.pinv(c);       // calls many
        c.narrow(0, 0, 1);
        var elsewhere = new Thread(() => ones(3).add_(1));
        elsewhere.Start();
        elsewhere.Join();
        Assert.Equal(new Dictionary<string, int>
            { ["aten::add_"] = 1, ["aten::matmul"] = 1, ["aten::linalg_pinv"] = 1, ["aten::narrow"] = 1 }, counter.ByName);
    }

    // What runs on a device, compared here with what runs on the processor.
    [Theory, MemberData(nameof(Names))]
    public void Operators_alone_give_the_analyses_of_the_kernels(string name)
    {
        using var scope = NewDisposeScope();
        var (transformer, data) = CountedMethods.Ready(name);
        Tensor[] Analyses(bool operatorsOnly)
        {
            KernelMemory.OperatorsOnly = operatorsOnly;
            try
            {
                using var cursor = transformer.Transform(data.Take(4)).OpenCursor();
                var analyses = new List<Tensor>();
                while (cursor.MoveNext()) analyses.Add(cursor[Columns.Analysis].clone().MoveToOuterDisposeScope());
                return [.. analyses];
            }
            finally { KernelMemory.OperatorsOnly = false; }
        }
        bool single = name.StartsWith("learned", StringComparison.Ordinal);
        foreach (var (expected, actual) in Analyses(false).Zip(Analyses(true)))
            Assert.True((expected - actual).abs().max().ToDouble() <= (single ? 1e-4 : 1e-9), $"{name}: {expected} {actual}");
    }

    private static int Count(string name, bool operatorsOnly) =>
        (int)Math.Ceiling(CountedMethods.OperatorsPerCycle(name, operatorsOnly).Values.Sum());

    private static string Row(string name, int[] counts) => $"| {name} | {counts[0]:N0} | {counts[1]:N0} |";

    private static Dictionary<string, int[]> RecordedRows() => File.ReadLines(Path.Combine(AppContext.BaseDirectory, Recorded)).Skip(2)
        .Select(line => line.Split('|', StringSplitOptions.TrimEntries)).ToDictionary(cells => cells[1],
            cells => cells[2..4].Select(cell => int.Parse(cell, NumberStyles.AllowThousands, CultureInfo.InvariantCulture)).ToArray());
}
