using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class AssimilationSystemTests
{
    private static AssimilationSystem Lorenz63 { get; } = new(new Lorenz63(), ObservationNetwork.Full(3, 2)) { Interval = 0.25 };

    [Fact]
    public void It_says_what_does_not_fit_as_it_is_made_or_changed()
    {
        Assert.Contains("dimension 4, but Lorenz-63 has dimension 3",
            Assert.Throws<ArgumentException>(() => new AssimilationSystem(new Lorenz63(), ObservationNetwork.Full(4))).Message);
        Assert.Contains("dimension 3, but Lorenz-96 has dimension 40",
            Assert.Throws<ArgumentException>(() => Lorenz63 with { Dynamics = new Lorenz96() }).Message);
        Assert.Contains("is a new AssimilationSystem",
            Assert.Throws<ArgumentException>(() => Lorenz63 with { Network = ObservationNetwork.Full(40) }).Message);
        Assert.Contains("initial condition has dimension 2",
            Assert.Throws<ArgumentException>(() =>
                Lorenz63 with { Initial = new GaussianInitialCondition(zeros(2), ErrorCovariance.Scalar(2, 1)) }).Message);
        foreach (double interval in (double[])[0, -0.25, double.NaN, 0.0125, 1e-9])
            Assert.ThrowsAny<ArgumentException>(() => Lorenz63 with { Interval = interval });
        // The interval that was given is checked against another model's steps, too.
        Assert.Throws<ArgumentException>(() => Lorenz63 with { Dynamics = new Lorenz63(timeStep: 0.2) });
    }

    [Fact]
    public void The_interval_is_a_time_step_of_its_model_until_it_is_given()
    {
        var system = new AssimilationSystem(new Lorenz63(), ObservationNetwork.Full(3));
        Assert.Equal(0.01, system.Interval);
        Assert.Equal(0.02, (system with { Dynamics = new Lorenz63(timeStep: 0.02) }).Interval);
        Assert.Equal(0.25, (Lorenz63 with { Dynamics = new Lorenz63(timeStep: 0.05) }).Interval);
    }

    [Fact]
    public void It_is_printed_and_compared()
    {
        Assert.Equal("Lorenz-63, 3 of 3 components observed (full observation) every 0.25", Lorenz63.ToString());
        var start = new GaussianInitialCondition(zeros(3), ErrorCovariance.Scalar(3, 1));
        Assert.EndsWith("started from a GaussianInitialCondition", (Lorenz63 with { Initial = start }).ToString());
        Assert.Equal(Lorenz63, Lorenz63 with { });
        Assert.NotEqual(Lorenz63, Lorenz63 with { Interval = 0.5 });
    }

    [Fact]
    public void A_Kalman_filters_start_must_be_normal()
    {
        Assert.Contains("given: none", Assert.Throws<ArgumentException>(() => Lorenz63.GaussianInitial("The Kalman filter")).Message);
        var attractor = Lorenz63 with { Initial = new AttractorInitialCondition(new Lorenz63(), 1) };
        Assert.Contains("given: AttractorInitialCondition",
            Assert.Throws<ArgumentException>(() => attractor.GaussianInitial("The Kalman filter")).Message);
        var start = new GaussianInitialCondition(zeros(3), ErrorCovariance.Scalar(3, 1));
        Assert.Same(start, (Lorenz63 with { Initial = start }).GaussianInitial("The Kalman filter"));
    }

    [Fact]
    public void Truths_are_drawn_from_it_and_a_model_may_be_exchanged()
    {
        var context = new DataAssimilationContext(seed: 2);
        var system = Lorenz63 with
            { Initial = new GaussianInitialCondition(tensor(new[] { 1.509, -1.531, 25.46 }), ErrorCovariance.Scalar(3, 0)) };
        using var twin = context.Data.Twin(system, new() { Cycles = 4 }).Materialise();
        using var other = context.Data.Twin(system with { Dynamics = new Lorenz63(rho: 27) }, new() { Cycles = 4 }).Materialise();
        Assert.Equal([0.25, 0.5, 0.75, 1], twin.Times);
        var expected = system.Dynamics.Advance(tensor(new[,] { { 1.509, -1.531, 25.46 } }), new TimeInterval(0, 0.25));
        Assert.Equal(expected.Bits(), twin[Columns.Truth][0].Bits());
        Assert.True((twin[Columns.Truth] - other[Columns.Truth]).abs().max().ToDouble() > 0.1);
    }
}
