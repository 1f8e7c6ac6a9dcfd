using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Emulators of lagged values as models: what their states hold, and that everything a model is used for takes them.</summary>
public sealed class AutoregressiveEmulatorTests
{
    private const long R = 3;
    private readonly DataAssimilationContext context = new(11);

    /// <summary>A network whose output says what it was given: d times the oldest value plus the newest one squared at lead d.</summary>
    private sealed class Probe : nn.Module<Tensor, Tensor>
    {
        private readonly Parameter one = new(ones(1, dtype: ScalarType.Float64));
        private readonly int leads;

        public Probe(int leads) : base(nameof(Probe))
        {
            this.leads = leads;
            RegisterComponents();
        }

        public override Tensor forward(Tensor window) =>
            stack([.. Enumerable.Range(1, leads).Select(lead => one * (lead * window[.., 0] + window[.., -1].square()))], 1);
    }

    public static TheoryData<string> Kinds => ["linear", "plain", "residual", "attention", "one-shot", "one-shot residual"];

    /// <summary>An emulator of three values in double precision, with weights that are drawn, none of them zero.</summary>
    private static AutoregressiveEmulator Create(string kind, ScalarType precision = ScalarType.Float64)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(3, "emulator", CPU);
        var (lags, leads, baselineLags, attention) = kind switch
        {
            "linear" => (1, 1, 2, WindowAttention.None),
            "plain" => (3, 1, 0, WindowAttention.None),
            "residual" => (2, 1, 3, WindowAttention.None),
            "attention" => (4, 1, 1, WindowAttention.DotProduct),
            "one-shot" => (2, 3, 0, WindowAttention.None),
            _ => (4, 2, 2, WindowAttention.DotProduct),
        };
        Tensor units = tensor(new[] { 2.0, 0.5, 1 });
        var baseline = baselineLags == 0 ? null : 0.3 / baselineLags * random.Normal([leads * R, baselineLags * R], ScalarType.Float64);
        LongShortTermMemoryNetwork? network = null;
        if (kind != "linear")
        {
            network = new LongShortTermMemoryNetwork(R, leads, new() { Hidden = 5, Attention = attention }, precision, random);
            using var noGradients = no_grad();
            foreach (string name in (string[])["output.weight", "output.bias"])
                network.get_parameter(name)!.copy_(0.5 * random.Normal(network.get_parameter(name)!.shape, precision));
            ModuleState.Freeze(network);
        }
        return new AutoregressiveEmulator(kind, lags, leads, 0.5, units, network, baseline);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void It_keeps_the_contract_of_a_model(string kind)
    {
        using var scope = NewDisposeScope();
        var results = DynamicsConformance.Check(Create(kind));
        Assert.Contains(results, result => result.Test == "dot product" && result.Measured < 1e-13);
        Assert.Contains(results, result => result.Test == "Taylor" && (double.IsNaN(result.Measured) || result.Measured > 1.9));
    }

    // Every combination of which of the three is the largest; units that differ.
    [Theory, InlineData(4, 1, 0, 4), InlineData(1, 1, 0, 1), InlineData(1, 3, 0, 3), InlineData(2, 2, 0, 2), InlineData(2, 3, 0, 3),
        InlineData(2, 1, 4, 4), InlineData(2, 3, 5, 5), InlineData(5, 2, 3, 5)]
    public void Its_state_is_the_window_newest_first(int lags, int leads, int baselineLags, int window)
    {
        using var scope = NewDisposeScope();
        var units = tensor(new[] { 2.0, 0.5, 1 });
        var baseline = baselineLags == 0 ? null : context.Noise("baseline", leads * R, baselineLags * R);
        var emulator = new AutoregressiveEmulator("probe", lags, leads, 0.5, units, new Probe(leads), baseline);
        Assert.Equal((window, window * R, leads * 0.5, 0.5, R, lags, leads),
            (emulator.Window, emulator.Dimension, emulator.TimeStep,
                emulator.Interval, emulator.ValueCount, emulator.Lags, emulator.Leads));

        var values = context.Noise("values", 12, 4, R);   // in order of time
        const int now = 7;
        var state = Records.Lagged(values, now, window);
        Tensor oldest = values[now - (lags - 1)] / units, newest = values[now] / units;
        var coming = new List<Tensor>();
        for (int lead = 1; lead <= leads; lead++)
        {
            var next = lead * oldest + newest.square();
            if (baseline is not null)
                for (int lag = 0; lag < baselineLags; lag++)
                    next = next + matmul(values[now - lag] / units,
                        baseline[(int)((lead - 1) * R)..(int)(lead * R), (int)(lag * R)..(int)((lag + 1) * R)].mT);
            coming.Add(next * units);
        }
        var expected = Records.Lagged(cat([values[..(now + 1)], stack(coming)]), now + leads, window);
        Assert.True(Records.Largest(emulator.Advance(state, new(0, leads * 0.5)) - expected) < 1e-12);
        Assert.Throws<ArgumentException>(() => emulator.Advance(state, new(0, leads * 0.5 + 0.2)));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void A_run_is_one_step_after_another(string kind)
    {
        using var scope = NewDisposeScope();
        var emulator = Create(kind);
        var model = new AutoregressiveModel(emulator, R, emulator.Leads, Records.Values, Records.Forecast);
        var start = context.Noise("start", 4, emulator.Dimension);
        var run = model.Run(start, 7);
        Assert.Equal([4L, 7, R], run.shape);
        var state = start;
        for (int step = 0; step * emulator.Leads < 7; step++)
        {
            state = emulator.Advance(state, new(step * emulator.TimeStep, (step + 1) * emulator.TimeStep));
            for (int lead = 1; lead <= emulator.Leads && step * emulator.Leads + lead <= 7; lead++)
                Bits.Equal(state.reshape(4, emulator.Window, R)[.., emulator.Leads - lead], run[.., step * emulator.Leads + lead - 1]);
        }
        Bits.Equal(run[.., ..3], model.Run(start, 3));
        var daily = new ObservationNetwork(new IdentityObservationOperator(R), ErrorCovariance.Scalar(R, 1));
        Bits.Equal(start[.., ..(emulator.Leads * (int)R)], model.Observed(daily).Operator.Apply(start));
        Assert.Throws<ArgumentException>(() => model.Run(start[.., 1..], 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Run(start, 0));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void A_forecast_as_a_column_is_the_one_by_hand(string kind)
    {
        using var scope = NewDisposeScope();
        var emulator = Create(kind);
        var model = new AutoregressiveModel(emulator, R, emulator.Leads, Records.Values, Records.Forecast);
        var values = context.Noise("values", 14, 2, R);
        using var view = context.View(values, 0.5);
        foreach (int lead in (int[])[1, 3])
        {
            var step = model.Forecast(Records.Forecast, lead);
            using MemoryTrajectoryView forecasts = step.Transform(view).Materialise(),
                read = Reloaded.Of(step, context).Transform(view).Materialise();
            int lost = emulator.Window - 1 + lead;
            Assert.Equal(14 - lost, forecasts.CycleCount);
            for (int cycle = lost; cycle < 14; cycle++)
            {
                var expected = model.Run(Records.Lagged(values, cycle - lead, emulator.Window), lead)[.., lead - 1];
                Bits.Equal(expected, forecasts[Records.Forecast][cycle - lost]);
                Bits.Equal(values[cycle], forecasts[Records.Values][cycle - lost]);
                Assert.Equal((cycle + 1) * 0.5, forecasts.Times[cycle - lost]);
            }
            Bits.Equal(forecasts[Records.Forecast], read[Records.Forecast]);
            // Just as many cycles as it needs, and one less.
            Assert.Equal(1, step.Transform(view.Take(lost + 1)).CycleCount);
            Assert.Contains($"more than {lost} cycles", Assert.Throws<ArgumentException>(() => step.Transform(view.Take(lost))).Message);
        }
        using MemoryTrajectoryView own = model.Transform(view).Materialise(),
            same = model.Forecast(Records.Forecast, emulator.Leads).Transform(view).Materialise();
        Bits.Equal(same[Records.Forecast], own[Records.Forecast]);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Forecast(Records.Forecast, 0));
    }

    [Fact]
    public void States_keep_their_precision_and_the_network_its_own()
    {
        using var scope = NewDisposeScope();
        AutoregressiveEmulator wide = Create("residual"), narrow = Create("residual", ScalarType.Float32);
        using (no_grad())
            foreach (var (name, parameter) in narrow.Network!.named_parameters()) parameter.copy_(wide.Network!.get_parameter(name)!);
        var state = context.Noise("state", 5, wide.Dimension);
        var result = narrow.Advance(state, new(0, 0.5));
        Assert.Equal(ScalarType.Float64, result.dtype);
        Assert.True(Records.Largest(result - wide.Advance(state, new(0, 0.5))) < 1e-5);
        Assert.Equal(ScalarType.Float32, wide.Advance(state.to_type(ScalarType.Float32), new(0, 0.5)).dtype);
        var perturbation = context.Noise("perturbation", 5, wide.Dimension);
        Tensor Along(AutoregressiveEmulator emulator) => emulator.TangentLinear(state, perturbation, new(0, 1));
        Assert.True(Records.Largest(Along(narrow) - Along(wide)) < 1e-4);
    }

    [Fact]
    public void An_error_is_that_of_the_newest_values_and_changes_nothing_else()
    {
        using var scope = NewDisposeScope();
        var emulator = Create("one-shot residual");   // W = 4, D = 2
        emulator.History = new TrainingHistory([new(1, 0.5, 1e-3, 1, 0, 0.7, 0.1)], TrainingEnd.Completed);
        var q = ErrorCovariance.Blocks(ErrorCovariance.Scalar(2 * R, 0.2), ErrorCovariance.Scalar(2 * R, 0));
        var uncertain = emulator.WithModelError(q);
        Assert.Same(q, uncertain.ModelError);
        Assert.Null(emulator.ModelError);
        Assert.Same(emulator.History, uncertain.History);
        var state = context.Noise("state", 6, emulator.Dimension);
        Bits.Equal(emulator.Advance(state, new(0, 2)), uncertain.Advance(state, new(0, 2)));
        using var random = context.Random("error");
        var noise = uncertain.AdvanceWithModelError(state, new(0, 1), random) - emulator.Advance(state, new(0, 1));
        Assert.Equal(0, Records.Largest(noise[.., (int)(2 * R)..]));
        Assert.True(noise[.., ..(int)(2 * R)].abs().min().ToDouble() > 0);
        Assert.Contains("dimension 12; given: 3",
            Assert.Throws<ArgumentException>(() => emulator.WithModelError(ErrorCovariance.Scalar(R, 1))).Message);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void It_survives_its_file_to_the_bit(string kind)
    {
        using var scope = NewDisposeScope();
        var emulator = Create(kind).WithModelError(ErrorCovariance.Scalar(Create(kind).Dimension, 0.3));
        emulator.History = new TrainingHistory([new(1, 0.5, 1e-3, 1, 0, null, 0.1), new(2, 0.25, 1e-4, 2, 0, 0.7, 0.2)],
            TrainingEnd.NoImprovement);
        var model = new AutoregressiveModel(emulator, R, emulator.Leads, Records.Values, Records.Forecast);
        var read = Reloaded.Of(model, context);
        var other = (AutoregressiveEmulator)read.Dynamics;
        Assert.Equal((emulator.Name, emulator.Lags, emulator.Leads, emulator.Interval, emulator.TimeStep, emulator.Window),
            (other.Name, other.Lags, other.Leads, other.Interval, other.TimeStep, other.Window));
        Assert.Equal((model.ValueCount, model.Leads, model.Window), (read.ValueCount, read.Leads, read.Window));
        Bits.Equal(emulator.Units, other.Units);
        Assert.Equal(emulator.Baseline is null, other.Baseline is null);
        if (emulator.Baseline is not null) Bits.Equal(emulator.Baseline, other.Baseline!);
        Assert.Equal(emulator.Network is null, other.Network is null);
        if (emulator.Network is not null)
        {
            Bits.Equal(emulator.Network, other.Network!);
            Assert.All(other.Network!.parameters(), parameter => Assert.False(parameter.requires_grad));
        }
        Assert.Equal(emulator.ModelError!.LogDeterminant, other.ModelError!.LogDeterminant);
        Assert.Equal(emulator.History.Steps, other.History!.Steps);
        Assert.Equal(TrainingEnd.NoImprovement, other.History.End);
        var state = context.Noise("state", 3, emulator.Dimension);
        Bits.Equal(model.Run(state, 5), read.Run(state, 5));
    }

    [Fact]
    public void What_does_not_belong_together_is_refused_by_name()
    {
        using var scope = NewDisposeScope();
        var units = ones(R, dtype: ScalarType.Float64);
        Refused("needs a network, a linear baseline or both", () => new("none", 1, 1, 1, units, null));
        Refused("baseline must have shape [6, any]", () => new("rows", 1, 2, 1, units, null, ones(3, 3, dtype: ScalarType.Float64)));
        Refused("a multiple of 3, the components of a value; given: 4",
            () => new("columns", 1, 1, 1, units, null, ones(3, 4, dtype: ScalarType.Float64)));
        Refused("a multiple of 3, the components of a value; given: 0",
            () => new("columns", 1, 1, 1, units, null, ones(3, 0, dtype: ScalarType.Float64)));
        Refused("baseline must be finite", () => new("finite", 1, 1, 1, units, null, ones(3, 3, dtype: ScalarType.Float64) / 0));
        Refused("must be above zero; the smallest given is 0", () =>
            new("units", 1, 1, 1, units * tensor(new[] { 1.0, 0, 1 }), new Probe(1)));
        Refused("units of an autoregressive emulator", () => new("units", 1, 1, 1, units.unsqueeze(0), new Probe(1)));
        Refused("units of an autoregressive emulator must be finite", () => new("units", 1, 1, 1, units / 0, new Probe(1)));
        Refused("", () => new(" ", 1, 1, 1, units, new Probe(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AutoregressiveEmulator("lags", 0, 1, 1, units, new Probe(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AutoregressiveEmulator("leads", 1, 0, 1, units, new Probe(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AutoregressiveEmulator("interval", 1, 1, 0, units, new Probe(1)));
        var wrong = new AutoregressiveEmulator("wrong", 2, 2, 1, units, new Probe(3));
        Assert.Contains("The output of the network of wrong for windows",
            Assert.Throws<ArgumentException>(() => wrong.Advance(zeros(4, 6, dtype: ScalarType.Float64), new(0, 2))).Message);

        var emulator = Create("one-shot");   // dimension 9, D = 3
        Assert.Throws<ArgumentException>(() => new AutoregressiveModel(emulator, 2, 1, Records.Values, Records.Forecast));
        Assert.Throws<ArgumentException>(() => new AutoregressiveModel(emulator, R, 4, Records.Values, Records.Forecast));

        void Refused(string message, Func<AutoregressiveEmulator> create) =>
            Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(create).Message);
    }
}
