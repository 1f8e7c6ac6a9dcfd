using DaML;

/// <summary>Nudging as a method: its settings, and the triple that it makes for a system.</summary>
public sealed record Nudging : AssimilationMethod<StateMemory>
{
    public double Gain { get; init; } = 0.2;

    protected override string UsualName => "nudging";

    protected override AssimilationTriple<StateMemory> Triple(AssimilationSystem system, DataAssimilationContext context) =>
        new(new NudgingAnalyzer(system.Network, Gain), new StatePropagater(system.Dynamics), new StateProcoder(),
            new StateSource(system.InitialOrUsual, context.Precision));
}

public static class NudgingCatalog
{
    public static SequentialAssimilation<StateMemory> Nudging(this AnalysisCatalog catalog, AssimilationSystem system,
        Nudging? method = null) =>
        (method ?? new Nudging()).For(system, catalog.Context);
}
