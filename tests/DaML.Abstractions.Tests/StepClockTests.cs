namespace DaML.Tests;

/// <summary>Times put onto a model's steps.</summary>
public sealed class StepClockTests
{
    [Fact]
    public void Times_of_six_decimals_and_of_single_precision_are_on_their_steps()
    {
        const double hour = 1 / 24.0;
        var clock = new StepClock(0, hour);
        for (int i = 0; i < 100_000; i += 7)
        {
            Assert.Equal(i, Math.Round(clock.At(Math.Round(i * hour, 6)) * 24, 3));
            Assert.Equal(i, Math.Round(clock.At((float)(i * hour)) * 24, 3));
        }
    }

    [Fact]
    public void A_time_that_is_on_a_step_keeps_its_bits()
    {
        var clock = new StepClock(0.3, 0.1);
        double time = 0.3;
        for (int i = 0; i < 1000; i++, time += 0.1) Assert.Equal(time, clock.At(time));
    }

    [Fact]
    public void Steps_are_counted_from_the_start_so_that_times_that_run_away_are_found()
    {
        // Each interval is within the tolerance, the third time is not.
        var clock = new StepClock(0, 1);
        Assert.Equal(1, clock.At(1.02));
        Assert.Equal(2, clock.At(2.04));
        var refused = Assert.Throws<ArgumentException>(() => clock.At(3.06));
        Assert.Contains("3.06 time steps of 1 after the start at 0", refused.Message);
        Assert.Contains("TimeTolerance", refused.Message);
        Assert.Equal(3, new StepClock(0, 1, tolerance: 0.1).At(3.06));
        Assert.Equal(3, new StepClock(0, 1, tolerance: 0.5).At(2.51));
        Assert.Throws<ArgumentException>(() => new StepClock(0, 1, tolerance: 0).At(1.001));
        Assert.Equal(1, new StepClock(0, 1, tolerance: 0).At(1));
    }

    [Fact]
    public void Bad_settings_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new StepClock(double.NaN, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new StepClock(0, 0));
        foreach (double tolerance in (double[])[-0.1, 0.6, double.NaN])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => new StepClock(0, 1, tolerance));
            Assert.Contains("from 0 to 0.5",
                Assert.Throws<ArgumentOutOfRangeException>(() =>
                    new DataAssimilationContext(new DataAssimilationOptions { TimeTolerance = tolerance })).Message);
        }
        Assert.Throws<ArgumentException>(() => new StepClock(0, 1).At(double.PositiveInfinity));
    }

    [Theory]
    [InlineData(1e-6, 0.041667, 1 / 24.0, 1)]
    [InlineData(1, 1.0416667461395264, 1 / 24.0, 1)]
    [InlineData(0, 0.0020001, 0.001, 2)]
    public void An_interval_takes_the_nearest_number_of_steps(double from, double to, double step, long expected) =>
    Assert.Equal(expected, new TimeInterval(from, to).Steps(step));

    [Fact]
    public void The_tolerance_of_an_interval_can_be_said()
    {
        Assert.Throws<ArgumentException>(() => new TimeInterval(0, 1.01).Steps(1, tolerance: 0.001));
        Assert.Contains("(tolerance: 0.05 of a step)", Assert.Throws<ArgumentException>(() => new TimeInterval(0, 1.06).Steps(1)).Message);
        Assert.Equal(1, new TimeInterval(0, 1.06).Steps(1, tolerance: 0.1));
    }
}
