namespace DaML.Components;

/// <summary>The computation of a field's leading modes.</summary>
public abstract record ModeFactorisation
{
    private ModeFactorisation() { }

    /// <summary>A singular value decomposition of the training data, which are held in memory as a whole.</summary>
    public sealed record Svd : ModeFactorisation;

    /// <summary>
    /// Randomised subspace iteration over the training data, which are read again in each pass and never held (Halko, Martinsson and Tropp
    /// 2011, SIAM Review 53, 217-288, algorithm 4.4 for the range and 5.3 for the modes in it).
    /// </summary>
    /// <remarks>
    /// With n grid points and l = modes + <see cref="Oversampling"/> it holds at most 5 n l doubles, 3 n <see cref="SamplesPerChunk"/>
    /// doubles of the data, and the view's own memory for a cycle. A pass shrinks the error of a mode by about the ratio of the variance
    /// of mode l + 1 to that of the mode, so oversampling saves passes.
    /// </remarks>
    public sealed record Streaming : ModeFactorisation
    {
        /// <summary>The number of directions that are iterated in addition to the modes that are kept (default: 20).</summary>
        public int Oversampling { get; init; } = 20;

        /// <summary>
        /// The tolerance that ends the iteration (default: 1e-8): the residual of the eigenvalue equation, |Y^T Y v - s v|, is at most
        /// this fraction of s for each kept mode v, or 1e-13 of the leading mode's, which is rounding. The variance of a mode is then
        /// accurate to this fraction, or to its square if the spectrum has a gap, and the angle of the subspace is at most the residuals
        /// divided by the gap (Parlett 1998, chapter 11).
        /// </summary>
        public double Tolerance { get; init; } = 1e-8;

        /// <summary>The largest number of passes over the data that iterate (default: 100); one pass for the mean and one for the
        /// truncation error come on top.</summary>
        public int MaximumPasses { get; init; } = 100;

        /// <summary>The largest number of modes that a <see cref="ModeSelection.Variance"/> may take (default: 100); memory is allocated
        /// for them. A <see cref="ModeSelection.Count"/> ignores it.</summary>
        public int MaximumModes { get; init; } = 100;

        /// <summary>The number of samples, each a field, that are multiplied at once (default: 64).</summary>
        public int SamplesPerChunk { get; init; } = 64;
    }
}
