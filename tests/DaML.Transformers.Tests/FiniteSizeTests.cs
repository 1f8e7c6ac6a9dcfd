using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class FiniteSizeTests
{
    [Fact]
    public void Dual_minimiser_agrees_with_brute_force_also_where_there_are_several_minima()
    {
        var random = new Random(4);
        int several = 0;
        for (int trial = 0; trial < 300; trial++)
        {
            int rank = random.Next(1, 25), members = random.Next(2, 40);
            double scale = Math.Pow(10, 6 * random.NextDouble() - 2);
            var lambda = Enumerable.Range(0, rank).Select(_ => Math.Pow(10, 6 * random.NextDouble() - 3)).ToArray();
            var squared = lambda.Select(value => value * scale * Math.Pow(random.NextDouble(), 3)).ToArray();
            double epsilon = 1 + 1.0 / members, nu = members;
            double Cost(double zeta) => FiniteSizeDual.Cost(zeta, lambda, squared, epsilon, nu);

            double found = FiniteSizeDual.Minimise(lambda, squared, epsilon, nu);
            Assert.InRange(found, 0, nu / epsilon * (1 + 1e-14));
            const int points = 20000;
            double best = double.PositiveInfinity, previous = double.NaN, before = double.NaN;
            int minima = 0;
            for (int k = 0; k <= points; k++)
            {
                double cost = Cost(nu / epsilon * Math.Pow(1e-13, (double)k / points));
                best = Math.Min(best, cost);
                if (previous < before && previous < cost) minima++;
                (before, previous) = (previous, cost);
            }
            if (minima > 1) several++;
            Assert.True(Cost(found) <= best + 1e-12 * Math.Abs(best),
                $"trial {trial}: D = {Cost(found):r} at {found}, brute force {best:r}");
        }
        Assert.True(several > 0, "no case with several minima was tried");
    }

    [Fact]
    public void Primal_minimiser_is_the_dual_one_to_round_off_also_where_there_are_several_minima()
    {
        var random = new Random(9);
        int several = 0;
        for (int trial = 0; trial < 400; trial++)
        {
            int rank = random.Next(1, 25), members = random.Next(2, 40);
            double scale = Math.Pow(10, 6 * random.NextDouble() - 2);
            var lambda = Enumerable.Range(0, rank).Select(_ => Math.Pow(10, 6 * random.NextDouble() - 3)).ToArray();
            var squared = lambda.Select(value => value * scale * Math.Pow(random.NextDouble(), 3)).ToArray();
            double epsilon = 1 + 1.0 / members, nu = members;
            double dual = FiniteSizeDual.Minimise(lambda, squared, epsilon, nu);
            var w = new double[rank];
            double primal = FiniteSizePrimal.Minimise(w, lambda, squared, epsilon, nu);
            // At its minimum the primal cost is the dual's, up to a constant of the coefficients.
            double constant = 0.5 * nu * (Math.Log(nu) - 1);
            double difference = FiniteSizePrimal.Cost(w, lambda, squared, epsilon, nu) - constant
                - FiniteSizeDual.Cost(dual, lambda, squared, epsilon, nu);
            Assert.InRange(Math.Abs(difference), 0, 1e-12 * (1 + Math.Abs(FiniteSizePrimal.Cost(w, lambda, squared, epsilon, nu))));
            Assert.InRange(primal / dual, 1 - 1e-7, 1 + 1e-7);
            for (int i = 0; i < rank; i++) Assert.InRange(w[i] * (lambda[i] + primal) / Math.Sqrt(squared[i]), 1 - 1e-9, 1 + 1e-9);
            if (dual < 0.01 * nu / epsilon) several++;
        }
        Assert.True(several > 5, $"only {several} cases far from the weight that the minimiser would begin with");
    }

    [Theory, InlineData(6, 4), InlineData(4, 9)]
    public void Forms_agree_and_the_exact_Hessian_widens_the_perturbations_along_the_increment(int members, int p)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(3, "forms", CPU);
        var ensemble = random.Normal([3, members, 9], ScalarType.Float64);
        var observation = new Observation(3 * random.Normal([3, p], ScalarType.Float64), null, 0);
        var h = new LinearObservationOperator(random.Normal([p, 9], ScalarType.Float64));
        var r = ErrorCovariance.Scalar(p, 1);
        Tensor Analyze(FiniteSizeForm form) =>
            new FiniteSizeEnsembleKalmanFilterAnalyzer(h, r, FiniteSizePrior.Jeffreys, form: form)
                .Analyze(new(ensemble), observation, random).Members;
        Compare.Close(Analyze(FiniteSizeForm.Dual), Analyze(FiniteSizeForm.Primal), 1e-11);
        var exact = Analyze(FiniteSizeForm.PrimalExactHessian);
        Compare.Close(Analyze(FiniteSizeForm.Dual).mean([1]), exact.mean([1]), 1e-11);

        // The covariance of the weights is (N - 1) times the inverse of the cost's second derivative, by automatic differentiation.
        var (mean, anomalies, y, d) = ObservedEnsemble.Of(ensemble, observation, h, r);
        var zeta = FiniteSizeEnsembleKalmanFilterAnalyzer.PriorWeight(EnsembleTransform.Of(y, d), members, FiniteSizePrior.Jeffreys);
        var weights = EnsembleTransform.Of(y, d).Weights(zeta);
        for (int b = 0; b < 3; b++)
        {
            var leaf = weights[b].detach().clone().requires_grad_();
            var cost = 0.5 * (d[b] - leaf.matmul(y[b])).square().sum() + 0.5 * members * (1 + 1.0 / members + leaf.square().sum()).log();
            var gradient = autograd.grad([cost], [leaf], retain_graph: true, create_graph: true)[0];
            var hessian = stack(Enumerable.Range(0, members).Select(i => autograd.grad([gradient[i]], [leaf], retain_graph: true)[0]));
            var expected = anomalies[b].T.matmul(linalg.inv(hessian)).matmul(anomalies[b]);
            Compare.Close(expected, Compare.SampleCovariance(exact)[b], 1e-9);
            Assert.True(Compare.Difference(Compare.SampleCovariance(Analyze(FiniteSizeForm.Dual))[b], expected) > 1e-3);
        }
    }

    [Fact]
    public void Dual_minimiser_gives_the_minimum_of_the_primal_cost_function()
    {
        // Primal (Bocquet et al. 2015): J(w) = 1/2 |d - Y^T w|^2 + N/2 ln(epsilon + |w|^2), in R^N, whitened.
        using var scope = NewDisposeScope();
        using var random = new RandomStream(3, "primal", CPU);
        const int members = 6, p = 4;
        var y = random.Normal([1, members, p], ScalarType.Float64);
        y = y - y.mean([1], keepdim: true);
        var d = 2 * random.Normal([1, p], ScalarType.Float64);
        var transform = EnsembleTransform.Of(y, d);
        double zeta = FiniteSizeEnsembleKalmanFilterAnalyzer.PriorWeight(transform, members, FiniteSizePrior.Jeffreys).ToDouble();
        var identity = eye(members, dtype: ScalarType.Float64);
        var w = linalg.solve(y[0].matmul(y[0].T) + zeta * identity, y[0].matmul(d[0]));

        const double epsilon = 1 + 1.0 / members;
        Tensor Primal(Tensor weights) =>
            0.5 * (d[0] - weights.matmul(y[0])).square().sum(-1) + 0.5 * members * (epsilon + weights.square().sum(-1)).log();
        // Stationary: the effective weight is N / (epsilon + |w|^2), and the gradient vanishes.
        Assert.Equal(members / (epsilon + w.square().sum().ToDouble()), zeta, 10);
        var leaf = w.detach().clone().requires_grad_();
        var gradient = autograd.grad([Primal(leaf)], [leaf])[0];
        Assert.InRange(gradient.abs().max().ToDouble(), 0, 1e-9);
        // And lower than at 200,000 other points, near and far.
        double least = Primal(w).ToDouble();
        foreach (double radius in new[] { 0.01, 0.3, 1, 5 })
            Assert.True(Primal(w + radius * random.Normal([50000, members], ScalarType.Float64)).min().ToDouble() >= least);
    }

    [Fact]
    public void Analysis_is_the_transform_with_the_prior_inflated_by_the_weight()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(3, "analysis", CPU);
        var ensemble = random.Normal([3, 10, 6], ScalarType.Float64);
        var observation = new Observation(2 * random.Normal([3, 6], ScalarType.Float64), null, 0);
        var h = new IdentityObservationOperator(6);
        var r = ErrorCovariance.Scalar(6, 1);
        var analysis = new FiniteSizeEnsembleKalmanFilterAnalyzer(h, r, FiniteSizePrior.Jeffreys)
            .Analyze(new(ensemble), observation, random).Members;
        var observed = ObservedEnsemble.Of(ensemble, observation, h, r);
        var zeta = FiniteSizeEnsembleKalmanFilterAnalyzer.PriorWeight(EnsembleTransform.Of(observed.ObservedAnomalies, observed.Innovation),
            10, FiniteSizePrior.Jeffreys);
        for (int b = 0; b < 3; b++)
        {
            var inflation = Inflation.Variance(9 / zeta[b, 0].ToDouble(), InflationTarget.Prior);
            var one = new Observation(observation.Values[b].unsqueeze(0), null, 0);
            Compare.Close(new EnsembleTransformKalmanFilterAnalyzer(h, r, inflation)
                .Analyze(new(ensemble[b].unsqueeze(0)), one, random).Members[0], analysis[b], 1e-12);
        }
    }

    [Fact]
    public void Mode_correction_leaves_an_unobserved_ensemble_alone_and_Jeffreys_prior_does_not()
    {
        double Inflation(FiniteSizePrior prior)
        {
            var (epsilon, nu) = prior.Coefficients([], 10);
            return 9 / FiniteSizeDual.Minimise([], [], epsilon, nu);
        }
        Assert.Equal(1, Inflation(FiniteSizePrior.DiracJeffreys()), 12);
        Assert.Equal(1, Inflation(FiniteSizePrior.DiracJeffreys(3)), 12);
        Assert.Equal(1 - 1.0 / 100, Inflation(FiniteSizePrior.Jeffreys), 12);
    }

    [Fact]
    public void A_prior_inflation_is_refused() =>
        Assert.Throws<ArgumentException>(() => new FiniteSizeEnsembleKalmanFilterAnalyzer(new IdentityObservationOperator(2),
            ErrorCovariance.Scalar(2, 1), inflation: Inflation.ForgettingFactor(0.9)));
}
