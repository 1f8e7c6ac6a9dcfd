using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>
/// What a Hessian product costs, alone and in a block, and what a network costs, in runs of the forward model over the window;
/// measured beside the comparison: the least of many times, since a busy machine only adds to them.
/// </summary>
internal sealed class PreconditionerCosts(PreconditionerRegime regime, LearnedEigenpairs learned, LearnedEigenpairs residual)
{
    private const int Block = 32, Repetitions = 9;

    private readonly List<double> forward = [], single = [], block = [], learnedPairs = [], residualPairs = [];

    /// <summary>One product, alone.</summary>
    public double Single => single.Min() / forward.Min();

    /// <summary>One product, in a block of 32.</summary>
    public double InBlock => block.Min() / forward.Min();

    /// <summary>The pairs of the paper's network for one state.</summary>
    public double Learned => learnedPairs.Min() / forward.Min();

    /// <summary>The pairs of the network that corrects fixed ones.</summary>
    public double Residual => residualPairs.Min() / forward.Min();

    /// <summary>Measures all of them some times in turn, for the first state of a batch.</summary>
    public void Add(WindowTrajectory<State> at, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        var state = at.Start.Values.narrow(0, 0, 1);
        var span = at.Window.Span;
        var (run, system) = regime.Cost.AtBackground(regime.Window(new State(state), null));
        using var quadratic = system;
        Tensor one = ones_like(state), many = ones([1, Block, state.size(1)], dtype: state.dtype);
        for (int i = 0; i < Repetitions; i++)
        {
            forward.Add(Seconds(() => regime.Model.Advance(state, span)));
            single.Add(Seconds(() => quadratic.HessianProduct(new(one))));
            block.Add(Seconds(() => quadratic.HessianProducts(many)) / Block);
            learnedPairs.Add(Seconds(() => learned.Find(run, quadratic, [])));
            residualPairs.Add(Seconds(() => residual.Find(run, quadratic, [])));
        }
    }

    private static double Seconds(Action work)
    {
        using var scope = NewDisposeScope();
        long start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
