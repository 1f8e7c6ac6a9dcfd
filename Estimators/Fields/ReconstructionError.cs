namespace DaML.Components;

/// <summary>The parts of the training data that the leading modes of a decomposition hold and leave out.</summary>
/// <param name="Modes">The number of modes, counted from the leading one.</param>
/// <param name="VarianceFraction">The fraction of the weighted variance that they hold.</param>
/// <param name="LeftOut">The fraction that they leave out, 1 - <paramref name="VarianceFraction"/> without its rounding.</param>
/// <param name="RootMeanSquare">The root-mean-square error of the reconstruction over samples and weighted points, in the field's
/// unit.</param>
public sealed record ReconstructionError(int Modes, double VarianceFraction, double LeftOut, double RootMeanSquare);
