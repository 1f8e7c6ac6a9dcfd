namespace DaML.Components;

/// <summary>
/// An ensemble analyzer that finds the inflation of its prior itself in every cycle, so that no further inflation can be applied to its
/// prior.
/// </summary>
public interface IFiniteSizeAnalyzer : IAnalyzer<EnsembleMemory>;
