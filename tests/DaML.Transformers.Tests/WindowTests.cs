using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Which observations a window holds when, and where its two ends stand.</summary>
public sealed class WindowTests
{
    private readonly DataAssimilationContext context = new(31);

    /// <summary>Adds one to both ends at each analysis, and takes down what it saw.</summary>
    private sealed class Witness(List<string> seen) : IAnalyzer<WindowMemory<StateMemory>>
    {
        public string Name => "witness";

        public WindowMemory<StateMemory> Analyze(WindowMemory<StateMemory> forecast, Observation observation, RandomStream random)
        {
            using var scope = NewDisposeScope();
            var window = forecast.Remember(observation);
            seen.Add($"{window.StartTime:0.##} [{string.Join(" ", window.Observations.Select(o => $"{o.Time:0.##}"))}]" +
                (window.IsDue ? $" {window.Unused}" : ""));
            if (window.IsDue) window = window.Analysed(new(window.Start.State + 1), new(window.Current.State + 1));
            return window.Map(tensor => tensor.MoveToOuterDisposeScope());
        }
    }

    private List<string> Run(WindowCycling cycling, params double[] times)
    {
        using var scope = NewDisposeScope();
        var seen = new List<string>();
        var dynamics = new LinearDynamics(2 * eye(1, dtype: ScalarType.Float64));
        using var random = context.Random("window");
        var start = new GaussianInitialCondition(ones(1, dtype: ScalarType.Float64), ErrorCovariance.Scalar(1, 1e-30));
        var memory = new WindowSource<StateMemory>(new StateSource(start, ScalarType.Float64), cycling).Start(2, random);
        var propagater = new WindowPropagater<StateMemory>(new StatePropagater(dynamics));
        var analyzer = new Witness(seen);
        double now = 0;
        foreach (double time in times)
        {
            if (time > now) memory = propagater.Propagate(memory, new(now, time), random);
            memory = analyzer.Analyze(memory, new(zeros(2, 1, dtype: ScalarType.Float64), null, time), random);
            now = time;
        }
        return seen;
    }

    [Fact]
    public void A_window_of_one_cycle_begins_where_the_last_analysis_was() =>
        Assert.Equal(["0 [1] 1", "1 [3] 1", "3 [4] 1"], Run(WindowCycling.Overlapping(1), 1, 3, 4));

    [Fact]
    public void Overlapping_windows_grow_and_then_move_on_at_irregular_times_too() =>
        Assert.Equal(["0 [1] 1", "0 [1 2] 1", "0 [1 2 5] 1", "1 [2 5 6] 1", "2 [5 6 8] 1"],
            Run(WindowCycling.Overlapping(3), 1, 2, 5, 6, 8));

    [Fact]
    public void A_window_that_moves_on_by_several_cycles_is_analysed_once_for_them() =>
        Assert.Equal(
            ["0 [1]", "0 [1 2] 2", "0 [1 2 3]", "0 [1 2 3 4] 2", "1 [2 3 4 5]", "1 [2 3 4 5 6] 2", "3 [4 5 6 7]", "3 [4 5 6 7 8] 2"],
            Run(WindowCycling.Overlapping(5, 2), 1, 2, 3, 4, 5, 6, 7, 8));

    [Fact]
    public void Disjoint_windows_share_no_cycle() =>
        Assert.Equal(["0 [1]", "0 [1 2]", "0 [1 2 3] 3", "3 [4]", "3 [4 5]", "3 [4 5 6] 3", "6 [7]"],
            Run(WindowCycling.Disjoint(3), 1, 2, 3, 4, 5, 6, 7));

    [Fact]
    public void Without_a_window_both_ends_stand_at_the_observation() =>
        Assert.Equal(["1 [1] 1", "3 [3] 1", "4 [4] 1"], Run(WindowCycling.Instant, 1, 3, 4));

    [Fact]
    public void The_first_observation_may_stand_at_the_start_and_two_at_one_time() =>
        Assert.Equal(["0 [0] 1", "0 [0 1] 1", "0 [0 1 1] 1", "1 [1 3] 1"], Run(WindowCycling.Overlapping(2), 0, 1, 1, 3));

    [Fact]
    public void Beginning_is_moved_by_the_inner_propagater_and_the_end_taken_where_windows_share_nothing()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("window");
        var propagater = new WindowPropagater<StateMemory>(new StatePropagater(new LinearDynamics(2 * eye(1, dtype: ScalarType.Float64))));
        StateMemory At(double value) => new(full(1, 1, value, dtype: ScalarType.Float64));
        Observation Observed(double time) => new(zeros(1, 1, dtype: ScalarType.Float64), ones(1, 1, dtype: ScalarType.Bool), time);
        (double Start, double Current) Ends(WindowMemory<StateMemory> window) =>
            (window.Start.State.ToDouble(), window.Current.State.ToDouble());

        var overlapping = propagater.Propagate(new(At(1), WindowCycling.Overlapping(2)), new(0, 1), random).Remember(Observed(1))
            .Analysed(At(3), At(10));
        overlapping = propagater.Propagate(overlapping, new(1, 3), random);
        Assert.Equal((3, 40), Ends(overlapping));
        overlapping = propagater.Propagate(overlapping.Remember(Observed(3)).Analysed(At(5), At(7)), new(3, 4), random);
        Assert.Equal((10, 14), Ends(overlapping)); // 5 run from 0 to 1
        Assert.Equal(1, overlapping.StartTime);
        Assert.Equal([new TimeInterval(1, 3)], overlapping.Intervals);

        var disjoint = propagater.Propagate(new(At(1), WindowCycling.Disjoint(1)), new(0, 1), random).Remember(Observed(1))
            .Analysed(At(3), At(10));
        Assert.Equal((10, 20), Ends(propagater.Propagate(disjoint, new(1, 2), random)));
        Assert.Equal(4, disjoint.Tensors.Count()); // two ends, values and mask
        // The procoder reads the end; the beginning is at hand.
        var procoder = new WindowProcoder<StateMemory>(new StateProcoder());
        Assert.Equal(10, procoder.Decode(disjoint).Mean.ToDouble());
        Assert.Equal(3, procoder.DecodeStart(disjoint).Mean.ToDouble());
    }

    [Fact]
    public void Bad_windows_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => WindowCycling.Overlapping(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => WindowCycling.Overlapping(3, 0));
        Assert.Contains("must be between 1 and 3 cycles",
            Assert.Throws<ArgumentOutOfRangeException>(() => WindowCycling.Overlapping(3, 4)).Message);
        using var scope = NewDisposeScope();
        var window = new WindowMemory<StateMemory>(new(ones(1, 1)), WindowCycling.Disjoint(2));
        Assert.Throws<InvalidOperationException>(() => window.StartTime);
        window = window.Remember(new(ones(1, 1), null, 2));
        Assert.Contains("too late", Assert.Throws<ArgumentException>(() => window.Remember(new(ones(1, 1), null, 1))).Message);
    }
}
