namespace DaML;

/// <summary>How the optimiser steps of a training are carried out.</summary>
public enum StepExecution
{
    /// <summary>
    /// Recorded once and played again where that can be, else operator by operator. It can on a CUDA device with DaML's own
    /// binding, where the model is autonomous (<see cref="IPropagater{TMemory}.IsAutonomous"/>) and neither model nor network
    /// draws random numbers or looks at a value while it computes: the thousands of launches of a step are one then. Both ways
    /// give the same numbers.
    /// </summary>
    Automatic,

    /// <summary>Operator by operator: the reference.</summary>
    Eager,
}
