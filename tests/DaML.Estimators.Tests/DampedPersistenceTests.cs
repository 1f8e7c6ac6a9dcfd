using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The forecasts that need no model.</summary>
public sealed class DampedPersistenceTests
{
    private readonly DataAssimilationContext context = new(9);

    [Fact]
    public void Factors_are_the_regressions_on_the_value_before()
    {
        using var scope = NewDisposeScope();
        var values = context.OfSecondOrder("factors", 500, 3) * tensor(new[] { 1e3, 1e-3 });
        var model = Fit(context.View(values, 0.5), AnomalyDamping.Fitted);
        double[] factors = ((LinearDynamics)model.Dynamics).Matrix.diagonal().ToArray<double>();
        for (int component = 0; component < 2; component++)
        {
            double[] now = values[..499, .., component].contiguous().ToArray<double>(),
                next = values[1.., .., component].contiguous().ToArray<double>();
            Assert.Equal(now.Zip(next, (a, b) => a * b).Sum() / now.Sum(a => a * a), factors[component], 1e-12);
            Assert.InRange(factors[component], 0.3, 0.95);
        }
        Bits.Equal(diag(tensor(factors)), ((LinearDynamics)model.Dynamics).Matrix);
        Assert.Equal((0.5, 1, 1), (model.Dynamics.TimeStep, model.Window, model.Leads));
    }

    [Fact]
    public void A_forecast_is_damped_in_each_step_anew()
    {
        using var scope = NewDisposeScope();
        var values = context.OfSecondOrder("leads", 60, 2);
        using var view = context.View(values);
        var model = Fit(view, AnomalyDamping.Fitted);
        var factors = ((LinearDynamics)model.Dynamics).Matrix.diagonal();
        using var forecasts = model.Forecast(Records.Forecast, 3).Transform(view).Materialise();
        Assert.Equal(57, forecasts.CycleCount);
        Assert.True(Records.Largest(forecasts[Records.Forecast] - values[..57] * factors.pow(3)) < 1e-13);
    }

    [Fact]
    public void Without_damping_it_is_persistence_and_with_all_of_it_climatology()
    {
        using var scope = NewDisposeScope();
        var values = context.OfSecondOrder("extremes", 40, 2);
        using var view = context.View(values);
        foreach (int lead in (int[])[1, 4])
        {
            using var persistence = Fit(view, AnomalyDamping.None).Forecast(Records.Forecast, lead).Transform(view).Materialise();
            Bits.Equal(values[..(40 - lead)], persistence[Records.Forecast]);
            using var climatology = Fit(view, AnomalyDamping.Complete).Forecast(Records.Forecast, lead).Transform(view).Materialise();
            Assert.Equal(0, Records.Largest(climatology[Records.Forecast]));
            Assert.Equal(40 - lead, climatology.CycleCount);
        }
        Assert.Equal(["persistence", "damped persistence", "climatology"],
            Enum.GetValues<AnomalyDamping>().Select(damping =>
                new DampedPersistenceEstimator(Records.Values, Records.Forecast, damping).Name));
    }

    [Fact]
    public void What_it_cannot_learn_from_is_refused()
    {
        using var scope = NewDisposeScope();
        var noise = context.Noise("bad", 10, 1, 2);
        Assert.Contains("at least 2 cycles; given: 1",
            Assert.Throws<ArgumentException>(() => Fit(context.View(noise[..1]), AnomalyDamping.Fitted)).Message);
        Assert.Contains("component 0", Assert.Throws<ArgumentException>(() =>
            Fit(context.View(noise * tensor(new[] { 0.0, 1 })), AnomalyDamping.Fitted)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new DampedPersistenceEstimator(Records.Values, Records.Forecast, (AnomalyDamping)3));
    }

    private static AutoregressiveModel Fit(ITrajectoryView view, AnomalyDamping damping) =>
        new DampedPersistenceEstimator(Records.Values, Records.Forecast, damping).Fit(view);
}
