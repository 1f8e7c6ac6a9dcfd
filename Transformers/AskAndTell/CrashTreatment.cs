using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Makes an ensemble of the runs that finished.</summary>
internal static class CrashTreatment
{
    /// <summary>Whether a policy can continue with this number of survivors.</summary>
    public static void Check(CrashPolicy policy, int survivors, int crashes, string method)
    {
        if (crashes > 0 && survivors < 2)
            throw new InvalidOperationException(
                $"{method}: {crashes} of {survivors + crashes} members crashed; at least two must survive so that the others can be " +
                $"{(policy is CrashPolicy.Dropping ? "dropped" : "resampled")}. No result was used: run the crashed members again, or " +
                "restore an earlier checkpoint.");
    }

    /// <summary>The ensemble, <c>[1, members, n]</c>.</summary>
    /// <param name="policy">The treatment of crashed members.</param>
    /// <param name="states">The states in the order of the members, null if the run crashed.</param>
    /// <param name="dtype">The precision of the ensemble.</param>
    /// <param name="device">The device of the ensemble.</param>
    /// <param name="random">The stream for survivors and perturbations.</param>
    public static Tensor Ensemble(CrashPolicy policy, IReadOnlyList<double[]?> states, ScalarType dtype, Device device, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var survivors = stack([.. states.OfType<double[]>().Select(state => tensor(state))], 0).to(dtype, device);
        if (states.All(state => state is not null) || policy is not CrashPolicy.Resampling { Bandwidth: var h, Added: var added })
            return survivors.unsqueeze(0).MoveToOuterDisposeScope();

        long count = survivors.size(0);
        var mean = survivors.mean([0]);
        var anomalies = survivors - mean;
        int survivor = 0;
        var members = new List<Tensor>();
        foreach (var state in states)
        {
            if (state is not null) members.Add(survivors[survivor++]);
            else
            {
                long chosen = Math.Min(count - 1, (long)(count * random.Uniform([1], ScalarType.Float64).ToDouble()));
                var perturbation = random.Normal([count], dtype).matmul(anomalies) / Math.Sqrt(count - 1);
                var member = mean + Math.Sqrt(1 - h * h) * anomalies[chosen] + h * perturbation;
                members.Add(added is null ? member : member + added.Sample([1], random, dtype)[0]);
            }
        }
        return stack(members, 0).unsqueeze(0).MoveToOuterDisposeScope();
    }
}
