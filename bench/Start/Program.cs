using System.Runtime.CompilerServices;
using DaML;
using TorchSharp;

// Each mode is a method of its own, so that one loads nothing of the other.
switch (args)
{
    case ["torch"]: TouchTorch(); break;
    case ["fit", var file]: Fit(file); break;
    case ["cycle", var file]: Cycle(file); break;
    default: throw new ArgumentException("daml-start takes 'torch', 'fit FILE' or 'cycle FILE'.");
}

// An empty program that touches TorchSharp.
[MethodImpl(MethodImplOptions.NoInlining)]
static void TouchTorch() => Console.WriteLine(torch.ones(1).ToDouble());

// Saves a learned analysis, of the demo's size; how well it is trained does not matter here.
[MethodImpl(MethodImplOptions.NoInlining)]
static void Fit(string file)
{
    var context = new DataAssimilationContext(seed: 1);
    var system = Ring();
    var learned = context.Analysis.ResidualConvolution(system, new()
    {
        Network = new() { Filters = 20, Blocks = 3, SubBlocks = 3 },
        Training = new() { Steps = 2, Truncation = 2, ValidationInterval = 2, ValidationBurnIn = 1, ValidationCycles = 2 },
    }).Fit(context.Data.Twin(system, new() { Batch = 8 }));
    context.Model.Save(learned, file);
}

// Loads it, assimilates the observations of one cycle, and shows a figure of the analysis.
[MethodImpl(MethodImplOptions.NoInlining)]
static void Cycle(string file)
{
    var context = new DataAssimilationContext(seed: 1);
    using var session = AssimilationSession.Begin(context.Model.Load<ITransformer>(file));
    var values = new double[40];
    for (int i = 0; i < 40; i++) values[i] = 2 + 3 * Math.Sin(i);
    var cycle = session.Assimilate(0.05, values);
    Console.WriteLine(cycle.Analysis.Mean[0]);
}

static AssimilationSystem Ring() => new(new Lorenz96(), ObservationNetwork.Full(40))
    { Initial = new GaussianInitialCondition(torch.full(40, 2.3, torch.ScalarType.Float64), ErrorCovariance.Scalar(40, 13)) };
