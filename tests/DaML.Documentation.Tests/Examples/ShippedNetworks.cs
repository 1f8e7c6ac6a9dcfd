namespace DaML.Tests;

/// <summary>Quotations of Samples/weights/README.md.</summary>
public static class ShippedNetworks
{
    /// <summary>Uses weights.</summary>
    public static SequentialAssimilation<StateMemory> Use(DataAssimilationContext context, AssimilationSystem system,
        ResidualConvolutionOptions options)
    {
        // <use>
        var method = context.Analysis.ResidualConvolution(system, new() { Network = options })
            .Pretrained(Path.Combine(AppContext.BaseDirectory, "weights", "NAME"));
        // </use>
        return method;
    }

    /// <summary>Writes weights.</summary>
    public static void Ship(DataAssimilationContext context)
    {
        // <ship>
        var analyzer =
            (LearnedAnalyzer<StateMemory>)context.Model.Load<SequentialAssimilation<StateMemory>>("trained.daml").Triple.Analyzer;
        WeightFiles.Write("Samples/weights/NAME", analyzer.Network, analyzer.History!);
        // </ship>
    }
}
