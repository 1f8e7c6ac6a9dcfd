namespace DaML.Components;

/// <summary>What the leading modes of a decomposition hold of the training data, and what they leave.</summary>
/// <param name="Modes">How many modes, counted from the leading one.</param>
/// <param name="VarianceFraction">The fraction of the weighted variance that they hold.</param>
/// <param name="LeftOut">The fraction that they leave, 1 - <paramref name="VarianceFraction"/> without its rounding.</param>
/// <param name="RootMeanSquare">The root-mean-square error of the reconstruction over samples and weighted points, in the field's
/// unit.</param>
public sealed record ReconstructionError(int Modes, double VarianceFraction, double LeftOut, double RootMeanSquare);
