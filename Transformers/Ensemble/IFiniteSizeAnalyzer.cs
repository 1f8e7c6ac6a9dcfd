namespace DaML.Components;

/// <summary>
/// An ensemble analyzer that finds the inflation of its prior itself in every cycle, so that no other can be put around it.
/// </summary>
public interface IFiniteSizeAnalyzer : IAnalyzer<EnsembleMemory>;
