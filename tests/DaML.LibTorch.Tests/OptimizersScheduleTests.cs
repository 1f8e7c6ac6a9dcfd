using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace DaML.Tests;

/// <summary>Learning-rate schedules against their closed forms.</summary>
public sealed class OptimizersScheduleTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    private static SGD Sgd(double lr = 0.8) => SGD([nn.Parameter(ones(1))], lr, momentum: 0.5);

    // The rate at epoch 0, 1, 2, ...
    private static double[] Rates(Optimizer optimizer, lr_scheduler.LRScheduler schedule, int epochs)
    {
        var rates = new List<double>();
        for (var e = 0; e < epochs; e++)
        {
            rates.Add(optimizer.ParamGroups.First().LearningRate);
            Assert.Equal(rates[^1], schedule.get_last_lr().First());
            schedule.step();
        }
        return [.. rates];
    }

    private static readonly Dictionary<string, (Func<Optimizer, lr_scheduler.LRScheduler> Make, Func<int, double> Factor, bool Jumps)> Cases = new()
    {
        ["Step"] = (o => lr_scheduler.StepLR(o, 3, 0.5), e => Math.Pow(0.5, e / 3), true),
        ["MultiStep"] = (o => lr_scheduler.MultiStepLR(o, [2, 5, 5], 0.5), e => Math.Pow(0.5, (e >= 2 ? 1 : 0) + (e >= 5 ? 2 : 0)), true),
        ["Exponential"] = (o => lr_scheduler.ExponentialLR(o, 0.9), e => Math.Pow(0.9, e), true),
        ["Lambda"] = (o => lr_scheduler.LambdaLR(o, e => 1.0 / (1 + e)), e => 1.0 / (1 + e), false),
        ["Multiplicative"] = (o => lr_scheduler.MultiplicativeLR(o, e => 0.9 + 0.01 * e), e => Enumerable.Range(1, e).Aggregate(1.0, (f, k) => f * (0.9 + 0.01 * k)), false),
        ["Constant"] = (o => lr_scheduler.ConstantLR(o, 0.25, 4), e => e < 4 ? 0.25 : 1, true),
        ["Linear"] = (o => lr_scheduler.LinearLR(o, 0.25, 0.75, 4), e => 0.25 + 0.5 * Math.Min(e, 4) / 4, true),
        ["Polynomial"] = (o => lr_scheduler.PolynomialLR(o, 6, 2), e => Math.Pow(1 - Math.Min(e, 6) / 6.0, 2), true),
        ["Cosine"] = (o => lr_scheduler.CosineAnnealingLR(o, 7, 0.08), e => 0.1 + 0.9 * (1 + Math.Cos(Math.PI * e / 7)) / 2, true),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Rates_follow_the_closed_form(string name)
    {
        var (make, factor, jumps) = Cases[name];
        var optimizer = Sgd();
        var rates = Rates(optimizer, make(optimizer), 20);
        for (var e = 0; e < 20; e++) Assert.Equal(0.8 * factor(e), rates[e], 1e-12);
        if (!jumps) return;
        var schedule = make(optimizer = Sgd());
        schedule.step(11);
        Assert.Equal(0.8 * factor(11), optimizer.ParamGroups.First().LearningRate, 1e-12);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void One_cycle_rises_and_falls(bool linear)
    {
        var strategy = linear ? lr_scheduler.impl.OneCycleLR.AnnealStrategy.Linear : lr_scheduler.impl.OneCycleLR.AnnealStrategy.Cos;
        double Between(double a, double b, double part) => linear ? a + (b - a) * part : b + (a - b) * (1 + Math.Cos(Math.PI * part)) / 2;
        var optimizer = Sgd();
        var schedule = lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps: 20, pct_start: 0.25, anneal_strategy: strategy);
        for (var e = 0; e < 20; e++)
        {
            var (rate, momentum) = e <= 4
                ? (Between(0.04, 1, e / 4.0), Between(0.95, 0.85, e / 4.0))
                : (Between(1, 0.04 / 1e4, (e - 4) / 15.0), Between(0.85, 0.95, (e - 4) / 15.0));
            Assert.Equal(rate, optimizer.ParamGroups.First().LearningRate, 1e-12);
            Assert.Equal(momentum, ((IMomentum)optimizer.ParamGroups.First()).Momentum, 1e-12);
            if (e < 19) schedule.step();
        }
        Assert.Throws<InvalidOperationException>(schedule.step);

        var adam = Adam([nn.Parameter(ones(1))]);
        var three = lr_scheduler.OneCycleLR(adam, 1.0, epochs: 5, steps_per_epoch: 4, pct_start: 0.25, three_phase: true);
        for (var e = 0; e < 8; e++) three.step();
        Assert.Equal(0.04, adam.ParamGroups.First().LearningRate, 1e-12);
        Assert.Equal((0.95, 0.999), ((IBetas)adam.ParamGroups.First()).Betas);
        Assert.Throws<ArgumentException>(() => lr_scheduler.OneCycleLR(adam, 1.0));
    }

    [Fact]
    public void Plateau_waits_reduces_and_rests()
    {
        var optimizer = Sgd(1);
        var schedule = lr_scheduler.ReduceLROnPlateau(optimizer, factor: 0.5, patience: 2, cooldown: 1, threshold: 0.1, min_lr: [0.2]);
        double[] metrics = [10, 9.5, 9.5, 9.5, 9.5, 9.5, 9.5, 9.5, 5, 5, 5, 5, 5, 5, 5, 5];
        var rates = metrics.Select(m =>
        {
            schedule.step(m);
            return optimizer.ParamGroups.First().LearningRate;
        }).ToArray();
        Assert.Equal([1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2, 0.2], rates);
        Assert.Throws<InvalidOperationException>(schedule.step);
        Assert.Throws<ArgumentException>(() => lr_scheduler.ReduceLROnPlateau(optimizer, mode: "best"));

        var rising = Sgd(1);
        var max = lr_scheduler.ReduceLROnPlateau(rising, "max", 0.5, 0, 1, "abs");
        foreach (var m in new[] { 1.0, 2.5, 3.0 }) max.step(m);
        Assert.Equal(0.5, rising.ParamGroups.First().LearningRate);
    }

    [Fact]
    public void Schedules_combine_in_chain_and_in_sequence()
    {
        var optimizer = Sgd();
        var chained = lr_scheduler.ChainedLR([lr_scheduler.ConstantLR(optimizer, 0.5, 3), lr_scheduler.ExponentialLR(optimizer, 0.9)]);
        for (var e = 0; e < 8; e++)
        {
            Assert.Equal(0.8 * Math.Pow(0.9, e) * (e < 3 ? 0.5 : 1), optimizer.ParamGroups.First().LearningRate, 1e-12);
            chained.step();
        }

        var second = Sgd();
        var sequence = lr_scheduler.SequentialLR(second, [lr_scheduler.LinearLR(second, 0.1, 1, 4), lr_scheduler.CosineAnnealingLR(second, 6)], [4]);
        var rates = Rates(second, sequence, 10);
        for (var e = 0; e < 10; e++)
        {
            var factor = e < 4 ? 0.1 + 0.9 * e / 4 : (1 + Math.Cos(Math.PI * (e - 4) / 6)) / 2;
            Assert.Equal(0.8 * factor, rates[e], 1e-12);
        }
        Assert.Throws<ArgumentException>(() => lr_scheduler.SequentialLR(second, [lr_scheduler.StepLR(second, 1)], [1]));
    }

    [Fact]
    public void Groups_keep_their_ratio()
    {
        var optimizer = SGD([new SGD.ParamGroup([nn.Parameter(ones(1))], lr: 1), new SGD.ParamGroup([nn.Parameter(ones(1))], lr: 0.1)], 0.5);
        var schedule = lr_scheduler.CosineAnnealingLR(optimizer, 10);
        for (var e = 0; e < 5; e++) schedule.step();
        Assert.Equal([0.5, 0.05], optimizer.ParamGroups.Select(g => Math.Round(g.LearningRate, 12)));
    }
}
