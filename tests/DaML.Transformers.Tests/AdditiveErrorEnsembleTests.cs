using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// The iterative filter with additive model error against the Kalman filter, its smoother, the filter without error and its own cost
/// function.
/// </summary>
public sealed class AdditiveErrorEnsembleTests
{
    private readonly DataAssimilationContext context = new(43);

    private static WindowMemory<EnsembleMemory> Propagate(IDynamics dynamics, WindowMemory<EnsembleMemory> window, TimeInterval interval,
        RandomStream random) =>
        new WindowPropagater<EnsembleMemory>(new EnsemblePropagater(dynamics)).Propagate(window, interval, random);

    [Fact]
    public void Linear_system_with_error_gives_the_Kalman_filter_and_its_smoother_of_one_cycle()
    {
        using var scope = NewDisposeScope();
        var system = new LinearGaussianSystem(3);
        foreach (var iteration in new EnsembleGaussNewton[]
            { new() { MaximumIterations = 1 }, new() { Tolerance = 0, MaximumIterations = 4 },
                new() { Linearisation = EnsembleLinearisation.Bundle(0.01) } })
        {
            using var random = context.Random("linear");
            var analyzer = new AdditiveErrorEnsembleKalmanFilterAnalyzer(system.Dynamics, system.Network.Operator, system.Network.Error,
                iteration);
            var window = new WindowMemory<EnsembleMemory>(new(Compare.ExactEnsemble(system.M0, system.P0, 9)),
                WindowCycling.Overlapping(1));
            var exact = new GaussianMemory(system.M0.unsqueeze(0), system.P0.unsqueeze(0));
            for (int k = 0; k < 8; k++)
            {
                var values = random.Normal([1, LinearGaussianSystem.P], ScalarType.Float64);
                var mask = random.Uniform([1, LinearGaussianSystem.P], ScalarType.Float64) < 0.8;
                var y = new Observation(where(mask, values, zeros_like(values)), mask, k + 1);
                window = analyzer.Analyze(Propagate(system.Dynamics, window, new(k, k + 1), random), y, random);
                var forecast = new GaussianPropagater(system.Dynamics).Propagate(exact, new(k, k + 1), random);
                var analysis = new KalmanFilterAnalyzer(system.Network.Operator, system.Network.Error).Analyze(forecast, y, random);
                Compare.Close(analysis.Mean, window.Current.Members.mean([1]), 1e-10);
                Compare.Close(analysis.Covariance, Compare.SampleCovariance(window.Current.Members), 1e-10);
                // Rauch, Tung and Striebel: G = P M^T P_f^-1.
                var gain = exact.Covariance.matmul(system.M.T).matmul(linalg.inv(forecast.Covariance));
                Compare.Close(exact.Mean + (analysis.Mean - forecast.Mean).unsqueeze(1).matmul(gain.mT).squeeze(1),
                    window.Start.Members.mean([1]), 1e-10);
                Compare.Close(exact.Covariance + gain.matmul(analysis.Covariance - forecast.Covariance).matmul(gain.mT),
                    Compare.SampleCovariance(window.Start.Members), 1e-10);
                exact = analysis;
            }
        }
    }

    private (WindowMemory<EnsembleMemory> Window, Observation Observation, Lorenz96 Perfect) Nonlinear(long batch, long members)
    {
        var dynamics = new Lorenz96(12);
        using var random = context.Random("nonlinear");
        var truth = new AttractorInitialCondition(dynamics, 20).Draw(batch, random, ScalarType.Float64);
        var ensemble = truth.unsqueeze(1) + random.Normal([batch, 1, 12], ScalarType.Float64) +
            random.Normal([batch, members, 12], ScalarType.Float64);
        var window = Propagate(dynamics, new(new(ensemble), WindowCycling.Overlapping(1)), new(0, 0.3), random);
        return (window, new Observation(dynamics.Advance(truth, new(0, 0.3)) + random.Normal([batch, 12], ScalarType.Float64), null, 0.3),
            dynamics);
    }

    [Theory, InlineData(8), InlineData(20)]
    public void Without_error_it_is_the_iterative_filter_member_by_member(int members)
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("no error");
        var (window, y, perfect) = Nonlinear(3, members);
        var h = new IdentityObservationOperator(12);
        var r = ErrorCovariance.Scalar(12, 1);
        var iteration = new EnsembleGaussNewton { Tolerance = 1e-11, MaximumIterations = 200 };
        var expected = new IterativeEnsembleKalmanSmootherAnalyzer(perfect, h, r, iteration).Analyze(window, y, random);
        foreach (var dynamics in new[] { perfect, new Lorenz96(12) { ModelError = ErrorCovariance.Scalar(12, 1e-24) } })
        {
            var analysis = new AdditiveErrorEnsembleKalmanFilterAnalyzer(dynamics, h, r, iteration).Analyze(window, y, random);
            Compare.Close(expected.Start.Members, analysis.Start.Members, 1e-8);
            // The members at the end are those that the model gave, up to what an ensemble of more members than dimensions leaves open.
            if (members <= 12) Compare.Close(expected.Current.Members, analysis.Current.Members, 1e-7);
            Compare.Close(expected.Current.Members.mean([1]), analysis.Current.Members.mean([1]), 1e-8);
            Compare.Close(Compare.SampleCovariance(expected.Current.Members), Compare.SampleCovariance(analysis.Current.Members), 1e-7);
        }
    }

    [Fact]
    public void Converged_control_is_stationary_for_the_true_cost_function()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("stationary");
        const int members = 8;
        var (window, y, _) = Nonlinear(3, members);
        const double q = 0.3;
        var dynamics = new Lorenz96(12) { ModelError = ErrorCovariance.Scalar(12, q / 6) }; // six steps
        var analysis = new AdditiveErrorEnsembleKalmanFilterAnalyzer(dynamics, new IdentityObservationOperator(12),
            ErrorCovariance.Scalar(12, 1),
            new() { Linearisation = EnsembleLinearisation.Bundle(1e-5), Tolerance = 1e-9, MaximumIterations = 100 })
            .Analyze(window, y, random);
        var (mean, anomalies) = EnsembleStatistics.Split(window.Start.Members);
        var x1 = analysis.Start.Members.mean([1]);
        var weights = linalg.pinv(anomalies.mT).matmul((x1 - mean).unsqueeze(-1)).squeeze(-1);
        var u = (weights - weights.mean([-1], keepdim: true)).detach().clone().requires_grad_();
        var x2 = analysis.Current.Members.mean([1]).detach().clone().requires_grad_();
        var run = dynamics.Advance(mean + u.unsqueeze(1).matmul(anomalies).squeeze(1), new(0, 0.3));
        var cost = 0.5 * (members - 1) * u.square().sum() + 0.5 / q * (x2 - run).square().sum() + 0.5 * (y.Values - x2).square().sum();
        var gradients = autograd.grad([cost], [u, x2]);
        Assert.InRange(gradients[1].abs().max().ToDouble(), 0, 1e-5);
        Assert.InRange(gradients[0].abs().max().ToDouble(), 0, 1e-3);
        Assert.True((y.Values - x2).abs().max().ToDouble() > 0.3 && (x2 - run).abs().max().ToDouble() > 0.1);
    }

    [Fact]
    public void A_trajectory_converges_by_itself_and_the_symmetry_of_Lorenz_96_is_kept()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("alone");
        var (window, y, _) = Nonlinear(4, 8);
        var dynamics = new Lorenz96(12) { ModelError = ErrorCovariance.Scalar(12, 0.01) };
        var analyzer = new AdditiveErrorEnsembleKalmanFilterAnalyzer(dynamics, new IdentityObservationOperator(12),
            ErrorCovariance.Scalar(12, 1), new() { Tolerance = 0.2 });
        var together = analyzer.Analyze(window, y, random).Current.Members;
        for (int b = 0; b < 4; b++)
        {
            var alone = analyzer.Analyze(window.Map(tensor => tensor[b].unsqueeze(0)), y with { Values = y.Values[b].unsqueeze(0) },
                random).Current.Members[0];
            Compare.Close(alone, together[b], 1e-11);
        }
        var shifted = analyzer.Analyze(window.Map(tensor => tensor.roll(3, -1)), y with { Values = y.Values.roll(3, -1) },
            random).Current.Members;
        Compare.Close(together.roll(3, -1), shifted, 1e-9);
    }

    [Fact]
    public void What_cannot_work_is_refused()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("refused");
        var system = new LinearGaussianSystem(3);
        var analyzer = new AdditiveErrorEnsembleKalmanFilterAnalyzer(system.Dynamics, system.Network.Operator, system.Network.Error);
        var window = new WindowMemory<EnsembleMemory>(new(Compare.ExactEnsemble(system.M0, system.P0, 9)), WindowCycling.Overlapping(2));
        Assert.Contains("one cycle",
            Assert.Throws<ArgumentException>(() =>
                analyzer.Analyze(window, new(zeros(1, 3, dtype: ScalarType.Float64), null, 1), random)).Message);
        Assert.Throws<ArgumentException>(() =>
            new AdditiveErrorEnsembleKalmanFilterAnalyzer(new Lorenz63(), system.Network.Operator, system.Network.Error));
    }
}
