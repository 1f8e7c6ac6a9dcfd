using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// The iterative smoother with its kernel against the same tensor by tensor, which it takes where gradients are asked for.
/// </summary>
[Collection(nameof(ThreadCounts))]
public sealed class GaussNewtonKernelTests
{
    [Theory]
    [InlineData(8, 12, 12, false, false, 1)]
    [InlineData(8, 12, 5, false, true, 1)]
    [InlineData(20, 12, 12, true, false, 1)]
    [InlineData(6, 12, 12, true, true, 3)]
    [InlineData(9, 12, 4, false, true, 3)]
    public void Steps_agree_with_the_tensors(int members, int n, int p, bool bundle, bool finite, int cycles)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(members, "smoother kernel", CPU);
        var dynamics = new Lorenz96(n);
        var h = new SubsetObservationOperator(n, [.. Enumerable.Range(0, p).Select(i => (long)i)]);
        var a = random.Normal([p, p], ScalarType.Float64);
        var ensemble = new AttractorInitialCondition(dynamics, 20).Draw(1, random, ScalarType.Float64).unsqueeze(1)
            + 0.5 * random.Normal([3, members, n], ScalarType.Float64);
        foreach (var error in new IErrorCovariance[]
            { ErrorCovariance.Scalar(p, 0.5), ErrorCovariance.Full(a.matmul(a.mT) / p + eye(p, dtype: ScalarType.Float64)) })
            foreach (var use in new[] { ObservationUse.Single, ObservationUse.Multiple() })
            {
                if (finite && use.IsMultiple) continue;
                var analyzer = new IterativeEnsembleKalmanSmootherAnalyzer(dynamics, h, error,
                    new EnsembleGaussNewton { Linearisation = bundle ? EnsembleLinearisation.Bundle() : EnsembleLinearisation.Transform },
                    use, Inflation.StandardDeviation(1.1), EnsembleRotation.MeanPreserving, finite ? FiniteSizePrior.DiracJeffreys()
                    : null);
                var propagater = new WindowPropagater<EnsembleMemory>(new EnsemblePropagater(dynamics));
                Tensor Run(bool tracked)
                {
                    using var stream = new RandomStream(4, "run", CPU);
                    var window =
                        new WindowMemory<EnsembleMemory>(new EnsembleMemory(tracked ? ensemble.detach().requires_grad_() : ensemble),
                        WindowCycling.Overlapping(cycles, use.IsMultiple ? 1 : cycles));
                    for (int cycle = 1; cycle <= 3; cycle++)
                    {
                        window = propagater.Propagate(window, new TimeInterval(0.1 * (cycle - 1), 0.1 * cycle), stream);
                        var values = ensemble[.., 0, ..p] + stream.Normal([3, p], ScalarType.Float64);
                        window = analyzer.Analyze(window,
                            new Observation(values, stream.Uniform([3, p], ScalarType.Float64) > 0.2, 0.1 * cycle), stream);
                    }
                    return cat([window.Start.Members.detach(), window.Current.Members.detach()], 1);
                }
                // a bundle's differences lose four digits, and stop at a step of 0.001
                Compare.Close(Run(tracked: true), Run(tracked: false), bundle ? 1e-7 : 1e-10);
            }
    }

    [Theory]
    [InlineData(8, 12, false, 1, false)]
    [InlineData(8, 12, true, 1, false)]
    [InlineData(9, 9, false, 3, false)]
    [InlineData(12, 12, false, 1, true)]
    [InlineData(7, 12, true, 3, true)]
    public void Trajectories_in_lanes_are_those_alone_to_the_bit(int members, int p, bool bundle, int cycles, bool single)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(members, "smoother lanes", CPU);
        const int n = 12, batch = 35;
        var precision = single ? ScalarType.Float32 : ScalarType.Float64;
        var dynamics = new Lorenz96(n);
        var h = new SubsetObservationOperator(n, [.. Enumerable.Range(0, p).Select(i => (long)i)]);
        var ensemble = new AttractorInitialCondition(dynamics, 20).Draw(batch, random, precision).unsqueeze(1)
            + 0.5 * random.Normal([batch, members, n], precision);
        ensemble[3] = ensemble[3, 0].clone();                                      // observations see nothing of it
        foreach (int row in new[] { 5, 9, 21 }) ensemble[row] += 4 * random.Normal([members, n], precision);   // they need halved steps
        var noise = random.Normal([3, batch, p], precision);
        var mask = random.Uniform([3, batch, p], ScalarType.Float64) > 0.2;
        mask[.., 7] = tensor(false);
        var analyzer = new IterativeEnsembleKalmanSmootherAnalyzer(dynamics, h, ErrorCovariance.Scalar(p, 0.5),
            new EnsembleGaussNewton { Linearisation = bundle ? EnsembleLinearisation.Bundle() : EnsembleLinearisation.Transform },
            inflation: Inflation.StandardDeviation(1.05));
        var propagater = new WindowPropagater<EnsembleMemory>(new EnsemblePropagater(dynamics));
        Tensor Run(long first, long count)
        {
            using var stream = new RandomStream(4, "run", CPU);
            var window = new WindowMemory<EnsembleMemory>(new EnsembleMemory(ensemble.narrow(0, first, count).clone()),
                WindowCycling.Overlapping(cycles, cycles));
            for (int cycle = 1; cycle <= 3; cycle++)
            {
                window = propagater.Propagate(window, new TimeInterval(0.1 * (cycle - 1), 0.1 * cycle), stream);
                var values = (ensemble[.., 0, ..p] + noise[cycle - 1]).narrow(0, first, count);
                window = analyzer.Analyze(window, new Observation(values, mask[cycle - 1].narrow(0, first, count), 0.1 * cycle), stream);
            }
            return cat([window.Start.Members, window.Current.Members], 1);
        }
        ThreadCounts.With(2, () =>
        {
            var together = Run(0, batch);
            Assert.True(FiniteNumbers.All(together));
            for (int row = 0; row < batch; row++)
                Assert.True(together.narrow(0, row, 1).Equals(Run(row, 1)), $"trajectory {row}");
            return 0;
        });
    }
}
