using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The examples of docs/models.md.</summary>
public static class ParametricModels
{
    // <model>
    public sealed class Roessler() : ParametricDynamics(3, 0.05, new("a", 0.2), new("b", 0.2), new("c", 5.7))
    {
        protected override Tensor Tendency(Tensor state, Tensor parameters)
        {
            var (x, y, z) = (state.select(-1, 0), state.select(-1, 1), state.select(-1, 2));
            var (a, b, c) = (parameters.select(-1, 0), parameters.select(-1, 1), parameters.select(-1, 2));
            return stack([-y - z, x + a * y, b + z * (x - c)], dim: -1);
        }
    }
    // </model>

    /// <summary>The forcing of Lorenz-96 that a filter has come to after some cycles.</summary>
    public static double Estimate(long cycles)
    {
        var context = new DataAssimilationContext(seed: 1);
        var model = new Lorenz96(10);
        var system = new AssimilationSystem(model, ObservationNetwork.Full(10, errorVariance: 0.1));
        var data = context.Data.Twin(system, new() { Cycles = cycles });
        // <joint>
        var method = context.Analysis.JointEstimation(system, new()
        {
            Parameters = [new EstimatedParameter("forcing", Mean: 6.5, StandardDeviation: 1)],
            Filter = new EnsembleTransformKalmanFilter
                { Members = 50, Inflation = Inflation.StandardDeviation(1.02) },
        });
        var estimates = method.Transform(data);
        // forecast, analysis and their spread: [n]; parameters and parameters-spread: [q]
        // </joint>
        double forcing = double.NaN;
        foreach (var cycle in estimates) forcing = cycle[Columns.Parameters].item<double>();
        return forcing;
    }
}
